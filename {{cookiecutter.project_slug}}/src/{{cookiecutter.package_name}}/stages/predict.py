"""make predict: predicts a table, or many tables, with the exported model, in chunks so that memory is bounded."""

import glob
import itertools
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..data import piecewise
from ..data.piecewise import Piece
from ..data.provenance import Provenance, name_rows
from ..examples import read_pieces
from ..exporting.saved_model import load_folder, predict_rows, prediction_columns

MAX_REASONS = 10  # that are told, each with its cell
MAX_CATEGORIES = 5  # that a remark names


def main(config: Config) -> None:
    """Copies the rows and columns of `input` to `output`, with the predictions as further columns."""
    if not config.input or not config.output:
        raise InputError('give input and output: make predict ARGS="--input new.csv --output predictions.csv"')
    version = max(config.paths.versions(), default=0)
    exported = artifacts.require(config.paths.version(version), "export")
    if glob.has_magic(config.input) and not Path(config.input).exists():
        num_rows = predict(config, exported)
    else:
        num_rows, remarks = predict_table(config, exported, Path(config.input), Path(config.output))
        print("".join(f"{remark}\n" for remark in remarks), end="")
    print(f"wrote {num_rows:,} rows with predictions of version {version} to {config.output}")


class Result(NamedTuple):
    """The number of predicted rows, and a remark on each kind of row that was skipped."""

    num_rows: int
    remarks: list[str]


def predict_table(config: Config, exported: Path, source: Path, destination: Path) -> Result:
    """Copies an input to a table with the predictions as further columns.

    Raises:
        InputError: the input cannot be read or lacks a column, or the output would overwrite it or is a folder.
    """
    if destination.resolve() == source.resolve():
        raise InputError(f"output is {str(destination)!r}, which is also the input; give another name")
    if destination.is_dir():
        raise InputError(f"output is {str(destination)!r}, which is a folder; give the name of a file")
    provenance, unknown = Provenance(), defaultdict[str, Counter[str]](Counter)
    pieces = read_pieces(config, source, provenance)
    shown = tqdm(pieces, desc="predicting", unit=" pieces", delay=1, disable=None)
    predicted = predict_pieces(config, exported, source, shown, provenance, unknown)
    num_rows = piecewise.write_pieces(destination, predicted)
    remarks = [
        f"not predicted: {dropped['count']} rows ({reason}; {name_rows(dropped['first_rows'])})"
        for reason, dropped in provenance.dropped.items()
    ]
    return Result(num_rows, remarks + remarks_on_unknown(load_folder(str(exported))[1]["inputs"], unknown))


def remarks_on_unknown(inputs: dict[str, dict[str, Any]], unknown: dict[str, Counter[str]]) -> list[str]:
    """A remark on each column with categories that the model does not know: they may only be spelled otherwise."""
    known = {entry["column"]: entry.get("values", []) for entry in inputs.values()}
    remarks = []
    for column, counts in unknown.items():
        found, expected = (
            ", ".join(map(repr, names[:MAX_CATEGORIES])) + (" ..." if len(names) > MAX_CATEGORIES else "")
            for names in ([name for name, _ in counts.most_common()], known[column])
        )
        count = counts.total()
        remarks.append(f"{column}: {count:,} cells with {found}, which the model does not know; it knows {expected}")
    return remarks


def predict_pieces(
    config: Config,
    folder: Path,
    source: Path,
    pieces: Iterator[Piece],
    provenance: Provenance,
    unknown: dict[str, Counter[str]],
) -> Iterator[pa.Table]:
    """Each chunk with its predictions, which stay empty for rows with cells that cannot be read.

    Categories that the model does not know are counted in `unknown`, by column.

    Raises:
        InputError: no row can be predicted.
    """
    description = load_folder(str(folder))[1]
    first_reason, num_rows, num_bad = "", 0, 0
    for piece in pieces:
        table, names = piece.table, {*piece.table.column_names}
        outputs, reasons, unknown_here = predict_rows(config, folder, str(source), piecewise.to_pandas(table))
        for column, counts in unknown_here.items():
            unknown[column] += counts
        is_bad = reasons != ""
        num_rows, num_bad = num_rows + table.num_rows, num_bad + int(is_bad.sum())
        first_reason = first_reason or next(filter(None, reasons), "")
        for reason, rows in pd.Series(piece.numbers[is_bad]).groupby(reasons[is_bad], sort=False):
            note_empty(provenance, str(reason), rows.tolist())
        for name, values in prediction_columns(description, outputs).items():
            predicted = pa.array(values, from_pandas=True)
            column = pc.if_else(pa.array(is_bad), pa.scalar(None, predicted.type), predicted)
            table = table.append_column(name if name not in names else f"predicted_{name}", column)
        yield table
    if num_bad == num_rows and first_reason:
        raise InputError(f"input is {str(source)!r}, of whose {num_rows:,} rows none can be predicted: {first_reason}")


def note_empty(provenance: Provenance, reason: str, rows: list[int]) -> None:
    """Notes rows whose predictions are left empty, under their reason or, beyond the first ones, under a common one."""
    told = f"{reason}; predictions left empty"
    is_told = told in provenance.dropped or len(provenance.dropped) < MAX_REASONS
    provenance.drop(told if is_told else "other cells that cannot be read; predictions left empty", rows)


class Shard(NamedTuple):
    """A table to predict: its number, its name in messages, its path and the path of its predictions."""

    number: int
    name: str
    source: Path
    destination: Path


def predict(config: Config, exported: Path) -> int:
    """Predicts each table that matches `input` into the folder `output`; returns the number of rows.

    All other tables are predicted even if one fails.

    Raises:
        InputError: nothing matches, or an output would overwrite an input.
        RefusedError: some tables could not be predicted.
    """
    import apache_beam as beam  # here, since one table needs no Beam

    from ..data import engine

    shards = find(config)
    Path(config.output).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.output, prefix=".results-") as name:
        folder = Path(name).resolve()  # shared by the workers of a cluster
        with engine.pipeline(config, "prediction") as pipeline:
            spread = engine.spread(pipeline, shards)
            _ = spread | "Predict" >> beam.Map(predict_shard, config, exported.resolve(), folder)
        results = [artifacts.read_json(result_path(shard, folder), "predict") for shard in shards]
    failures = [result["error"] for result in results if result["error"]]
    for shard, result in zip(shards, results, strict=True):
        print("".join(f"{shard.name}: {remark}\n" for remark in result["remarks"]), end="")
    if failures:
        listed = "\n".join(failures)
        raise RefusedError(f"{len(failures)} of {len(shards)} tables could not be predicted:\n{listed}")
    return sum(result["rows"] for result in results)


def predict_shard(shard: Shard, config: Config, exported: Path, folder: Path) -> None:
    """Predicts a table in a worker, and writes the result, or the error, into `folder`."""
    shard.destination.parent.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"rows": 0, "remarks": [], "error": ""}
    try:
        num_rows, remarks = predict_table(config, exported, shard.source, shard.destination)
        result |= {"rows": num_rows, "remarks": remarks}
    except InputError as error:
        result["error"] = f"{shard.name}: {error}"
    artifacts.write_json(result_path(shard, folder), result)


def result_path(shard: Shard, folder: Path) -> Path:
    """The path of a worker's result."""
    return folder / f"{shard.number}.json"


def find(config: Config) -> list[Shard]:
    """The tables that match `input`, sorted; the folders below its fixed part are repeated in `output`.

    Raises:
        InputError: there is none, or outputs would overwrite inputs or each other.
    """
    names = sorted(glob.glob(config.input, recursive=True))  # noqa: PTH207 (the input may be absolute)
    if not names:
        raise InputError(f"input is {config.input!r}, which matches no file; give a table of examples")
    output = Path(config.output)
    if output.is_file() or piecewise.as_output(output) == output:
        raise InputError(f"output is {config.output!r}, but input matches several tables: give a folder")
    root = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), Path(config.input).parts))
    destinations = [output / piecewise.as_output(Path(name).relative_to(root)) for name in names]
    shards = [
        Shard(number, name, Path(name).resolve(), destination.resolve())
        for number, (name, destination) in enumerate(zip(names, destinations, strict=True))
    ]
    taken = {shard.source for shard in shards}
    for shard in shards:
        if shard.destination in taken:
            raise InputError(
                f"output is {config.output!r}, where the predictions of {shard.name} would overwrite an input or other "
                f"predictions; give another folder, or rename the file"
            )
        taken.add(shard.destination)
    return shards
