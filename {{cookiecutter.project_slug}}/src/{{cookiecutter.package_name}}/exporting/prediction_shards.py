"""Predicts many tables, each to one of its own, by Apache Beam: in this process or on the workers of an engine."""

import glob
import itertools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..data import engine, streaming
from ..exporting import prediction


class Shard(NamedTuple):
    """A table to predict: its number, what messages call it, where it is, and where its predictions go."""

    number: int
    name: str
    source: Path
    destination: Path


def predict(config: Config, exported: Path) -> int:
    """Predicts each table that `input` matches to one in the folder `output`; returns the number of rows.

    A table that cannot be predicted does not keep the others from it.

    Raises:
        InputError: nothing matches, or an output would take the place of an input.
        RefusedError: some tables could not be predicted.
    """
    shards = find(config)
    Path(config.output).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.output, prefix=".outcomes-") as name:
        folder = Path(name).resolve()  # which the workers of a cluster share with this process
        with engine.pipeline(config, "prediction") as pipeline:
            spread = engine.spread(pipeline, shards)
            _ = spread | "Predict" >> beam.Map(predict_shard, config, exported.resolve(), folder)
        outcomes = [artifacts.read_json(word_of(shard, folder), "predict") for shard in shards]
    failures = [outcome["error"] for outcome in outcomes if outcome["error"]]
    for shard, outcome in zip(shards, outcomes, strict=True):
        print("".join(f"{shard.name}: {remark}\n" for remark in outcome["remarks"]), end="")
    if failures:
        listed = "\n".join(failures)
        raise RefusedError(f"{len(failures)} of {len(shards)} tables could not be predicted:\n{listed}")
    return sum(outcome["rows"] for outcome in outcomes)


def predict_shard(shard: Shard, config: Config, exported: Path, folder: Path) -> None:
    """What one worker does: predicts a table, and leaves word in the folder of how that went."""
    shard.destination.parent.mkdir(parents=True, exist_ok=True)
    outcome: dict[str, Any] = {"rows": 0, "remarks": [], "error": ""}
    try:
        num_rows, remarks = prediction.predict_table(config, exported, shard.source, shard.destination)
        outcome |= {"rows": num_rows, "remarks": remarks}
    except InputError as error:
        outcome["error"] = f"{shard.name}: {error}"
    artifacts.write_json(word_of(shard, folder), outcome)


def word_of(shard: Shard, folder: Path) -> Path:
    """Where a worker leaves word of a table."""
    return folder / f"{shard.number}.json"


def find(config: Config) -> list[Shard]:
    """The tables that `input` matches, in order; their outputs lie in `output` as they lie below its fixed part.

    Raises:
        InputError: none is there, or outputs would take the place of inputs or of each other.
    """
    names = sorted(glob.glob(config.input, recursive=True))  # noqa: PTH207 (the input may be absolute)
    if not names:
        raise InputError(f"input is {config.input!r}, which matches no file; give the table of examples to predict")
    output = Path(config.output)
    if output.is_file() or streaming.as_output(output) == output:
        raise InputError(f"output is {config.output!r}, but each table that input matches gets its own: give a folder")
    root = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), Path(config.input).parts))
    destinations = [output / streaming.as_output(Path(name).relative_to(root)) for name in names]
    shards = [
        Shard(number, name, Path(name).resolve(), destination.resolve())
        for number, (name, destination) in enumerate(zip(names, destinations, strict=True))
    ]
    taken = {shard.source for shard in shards}
    for shard in shards:
        if shard.destination in taken:
            raise InputError(
                f"output is {config.output!r}, where the predictions of {shard.name} would take the place of an input "
                f"or of other predictions; give another folder, or rename the file"
            )
        taken.add(shard.destination)
    return shards
