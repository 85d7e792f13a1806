"""make predict: predicts examples through the exported model, from a table to a table or from many to many."""

import glob
from pathlib import Path

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..exporting import prediction


def main(config: Config) -> None:
    """From `input` to `output`: the same rows and columns, and the predictions behind them."""
    if not config.input or not config.output:
        raise InputError('input and output must be given: make predict ARGS="--input new.csv --output predictions.csv"')
    version = max(config.paths.versions(), default=0)
    exported = artifacts.require(config.paths.version(version), "export")
    if glob.has_magic(config.input) and not Path(config.input).exists():
        num_rows = prediction.predict(config, exported)
    else:
        num_rows, remarks = prediction.predict_table(config, exported, Path(config.input), Path(config.output))
        print("".join(f"{remark}\n" for remark in remarks), end="")
    print(f"wrote {num_rows:,} rows with predictions of version {version} to {config.output}")
