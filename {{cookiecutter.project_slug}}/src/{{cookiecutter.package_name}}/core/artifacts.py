"""Reading and writing artifacts so that a killed stage leaves the last good result whole."""

import contextlib
import glob
import hashlib
import json
import math
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .paths import SPLITS

if TYPE_CHECKING:
    import pandas as pd

    from ..config import Config


DRAWN_FROM = "drawn from"  # the attribute of a sample that says how many examples there are


@contextlib.contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """Gives a temporary file or folder name beside `path` to write; it becomes `path` when all went well.

    A folder cannot be renamed onto another one: the old one steps aside for a moment, and whoever comes next puts it
    back if the process was killed just then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".old.{path.name}")
    if aside.exists() and not path.exists():
        aside.rename(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")  # keeps the suffix, which Keras and others look at
    for leftover in [aside, *path.parent.glob(f".[0-9]*.{glob.escape(path.name)}")]:
        remove(leftover)
    try:
        yield temporary
        if path.is_dir():
            path.rename(aside)
        temporary.replace(path)
        remove(aside)
    finally:
        remove(temporary)


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Writes JSON whole or not at all; NaN and infinity become null."""
    write_text(path, json.dumps(finite(content), indent=2, ensure_ascii=False, default=str) + "\n")


def finite(content: Any) -> Any:
    """The same content without the numbers that JSON has no word for."""
    if isinstance(content, dict):
        return {str(key): finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if hasattr(content, "item"):  # a NumPy scalar
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def read_json(path: Path, made_by: str) -> Any:
    """Reads a JSON artifact; `made_by` is the target to run when it is missing."""
    return json.loads(require(path, made_by).read_text(encoding="utf-8"))


def require(path: Path, made_by: str) -> Path:
    """The path of an artifact that must exist.

    Raises:
        InputError: it does not; the message names the make target that writes it.
    """
    if not path.exists():
        raise InputError(f"{path} is missing: run `make {made_by}` first")
    return path


def content_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_hash(content: Any) -> str:
    """A short hash of anything that JSON can write."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def data_hash(config: "Config") -> str:
    """A hash of the examples of all splits, by which a model and a verdict name the data they are about."""
    return text_hash([content_hash(file) for split in SPLITS for file in examples_files(config, split)])


def validation_hash(config: "Config") -> str:
    """A hash of the validation examples and of what is predicted of them: scores with the same one can be compared."""
    return text_hash([*map(content_hash, examples_files(config, "validation")), config.target])


def examples_files(config: "Config", split: str) -> list[Path]:
    """The Parquet files of a split in their order: most often one; several where its path is a folder of shards."""
    path = require(config.paths.examples(split), "collect")
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def num_examples(config: "Config", split: str) -> int:
    """How many examples a split has."""
    import pyarrow.parquet  # here, since stages that only handle JSON need not wait for it

    return sum(int(pyarrow.parquet.read_metadata(path).num_rows) for path in examples_files(config, split))


def read_examples(config: "Config", split: str) -> "pd.DataFrame":
    """The examples of a split, as the data type makes them of its table, one row each; a sample if they are many."""
    from ..data.example_tables import read_split  # here, since it needs what is written here

    return read_split(config, split)


def all_targets(config: "Config", split: str, examples: "pd.DataFrame") -> "pd.Series":
    """The targets of all examples of a split, of which `examples` may be a sample."""
    rows = read_rows(config, split, [config.target]) if DRAWN_FROM in examples.attrs else examples
    return rows[config.target]


def extent(examples: "pd.DataFrame") -> str:
    """How many examples there are; of a sample, also of how many they were drawn."""
    drawn = f" of {examples.attrs[DRAWN_FROM]:,}, drawn at random" if DRAWN_FROM in examples.attrs else ""
    return f"{len(examples):,}{drawn}"


def read_rows(config: "Config", split: str, columns: list[str] | None = None) -> "pd.DataFrame":
    """The table of a split as collecting wrote it, or some of its columns."""
    import pandas as pd  # here, since stages that only handle JSON need not wait for it

    return pd.read_parquet(require(config.paths.examples(split), "collect"), columns=columns)


def read_blocks(config: "Config", split: str, num_rows: int) -> Generator["pd.DataFrame", None, None]:
    """The table of a split in blocks of at most so many rows, in order."""
    import pyarrow as pa  # here, since stages that only handle JSON need not wait for it
    import pyarrow.parquet

    for path in examples_files(config, split):
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(num_rows):
                yield pa.Table.from_batches([batch]).to_pandas()
