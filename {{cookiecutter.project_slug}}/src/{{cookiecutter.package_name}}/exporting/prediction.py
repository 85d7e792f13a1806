"""Predicts a table through an exported model, in pieces of bounded memory."""

import glob
import itertools
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from .. import preprocessing
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..data import formats
from ..data.formats import Piece
from ..data.provenance import Provenance, name_rows
from ..evaluation import inference
from ..examples import read_pieces
from ..settings.base import DESCRIPTION
from . import saved_model

MAX_REASONS = 10  # that are told, each with its cell


class Outcome(NamedTuple):
    """How many rows were predicted, and what became of the others, a line each."""

    num_rows: int
    remarks: list[str]


def predict_table(config: Config, exported: Path, source: Path, destination: Path) -> Outcome:
    """Writes the rows and columns of a table, or of what else an input may be, with the predictions behind them.

    Raises:
        InputError: the input cannot be read or lacks a column, or the output would take its place.
    """
    if destination.resolve() == source.resolve():
        raise InputError(f"output is {str(destination)!r}, which is the input as well; give it another name")
    provenance = Provenance()
    pieces = read_pieces(config, source, provenance)
    shown = tqdm(pieces, desc="predicting", unit=" pieces", delay=1, disable=None)
    num_rows = formats.write_pieces(destination, predict_pieces(config, exported, source, shown, provenance))
    remarks = [
        f"not predicted: {dropped['count']} rows ({reason}; {name_rows(dropped['first_rows'])})"
        for reason, dropped in provenance.dropped.items()
    ]
    return Outcome(num_rows, remarks)


@cache
def load(exported: str) -> tuple[Any, dict[str, Any]]:
    """The model of an exported version and its description; a process loads it once, for all tables."""
    return tf.saved_model.load(exported), artifacts.read_json(Path(exported) / DESCRIPTION, "export")


def predict_pieces(
    config: Config, exported: Path, source: Path, pieces: Iterator[Piece], provenance: Provenance
) -> Iterator[pd.DataFrame]:
    """Each piece with its predictions; those of rows whose cells cannot be read stay empty."""
    model, description = load(str(exported))
    predict = model.signatures[saved_model.NAMED]
    for piece in pieces:
        table = piece.table.to_pandas()
        check_columns(source, description, table)
        arrays, reasons = preprocessing.parse_arrays(config, description["inputs"], table)
        is_bad = reasons != ""
        outputs = predict(**{name: tf.constant(array) for name, array in arrays.items()})
        predictions = prediction_columns(description, {name: tensor.numpy() for name, tensor in outputs.items()})
        for name, values in predictions.items():
            column = name if name not in table.columns else f"predicted_{name}"
            table[column] = pd.Series(values, table.index).mask(is_bad)
        for reason, rows in pd.Series(piece.numbers[is_bad]).groupby(reasons[is_bad], sort=False):
            note_empty(provenance, str(reason), rows.tolist())
        yield table


def note_empty(provenance: Provenance, reason: str, rows: list[int]) -> None:
    """Notes rows whose predictions are left empty, under their reason or, beyond the first ones, under a common one."""
    told = f"{reason}; predictions left empty"
    is_told = told in provenance.dropped or len(provenance.dropped) < MAX_REASONS
    provenance.drop(told if is_told else "other cells that cannot be read; predictions left empty", rows)


def check_columns(source: Path, description: dict[str, Any], table: pd.DataFrame) -> None:
    """Refuses a table that lacks a column the model needs."""
    needed = [entry["column"] for entry in description["inputs"].values()]
    lacking = [column for column in needed if column not in table.columns]
    if lacking:
        raise InputError(
            f"{source} lacks the columns {', '.join(map(repr, lacking))}, which the model needs; it has: "
            f"{', '.join(map(str, table.columns[:20]))}"
        )


def prediction_columns(description: dict[str, Any], outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The model's outputs as columns: texts decoded, and a column for each part of an output that has several."""
    columns = {}
    for name in sorted(outputs):
        values = outputs[name]
        if values.ndim == 1:
            columns[name] = inference.as_text(values)
        else:
            parts = description["parts"][name]
            columns |= {f"{name}: {part}": inference.as_text(values[:, place]) for place, part in enumerate(parts)}
    return columns


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
    import apache_beam as beam  # here, since one table needs no Beam

    from ..data import engine

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
        num_rows, remarks = predict_table(config, exported, shard.source, shard.destination)
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
    if output.is_file() or formats.as_output(output) == output:
        raise InputError(f"output is {config.output!r}, but each table that input matches gets its own: give a folder")
    root = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), Path(config.input).parts))
    destinations = [output / formats.as_output(Path(name).relative_to(root)) for name in names]
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
