"""make predict: predicts a table, or many tables, with the exported model."""

import glob
from pathlib import Path

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..exporting import prediction


def main(config: Config) -> None:
    """Copies the rows and columns of `input` to `output`, with the predictions as further columns."""
    if not config.input or not config.output:
        raise InputError('give input and output: make predict ARGS="--input new.csv --output predictions.csv"')
    version = max(config.paths.versions(), default=0)
    exported = artifacts.require(config.paths.version(version), "export")
    if glob.has_magic(config.input) and not Path(config.input).exists():
        num_rows = prediction.predict(config, exported)
    else:
        num_rows, remarks = prediction.predict_table(config, exported, Path(config.input), Path(config.output))
        print("".join(f"{remark}\n" for remark in remarks), end="")
    print(f"wrote {num_rows:,} rows with predictions of version {version} to {config.output}")
