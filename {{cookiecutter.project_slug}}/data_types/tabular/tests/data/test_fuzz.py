"""Whatever happens to a file, it is read or refused in a sentence: never another error, a hang or a full memory."""

import bz2
import contextlib
import gzip
import io
import lzma
import resource
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from project.core import artifacts
from project.core.errors import InputError
from project.data import cleaning, formats, sources
from project.data.provenance import Provenance

from declared import Config

hypothesis = pytest.importorskip("hypothesis")
given, strategies = hypothesis.given, hypothesis.strategies

SECONDS = 5  # for one file
MORE_MEMORY = 1 << 31  # bytes beyond what the process has taken before
CONFIG = Config(source="table", target="y", query="", max_unpacked_bytes=1_000_000)


def as_excel(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_excel(content, index=False)
    return content.getvalue()


def as_zip(name: str, inside: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, inside)
    return content.getvalue()


def all_files() -> dict[str, bytes]:
    """A small table in every format."""
    table = pd.DataFrame(
        {"a": [1.5, 2.0, None, 4.25], "b": ["x", 'y "z"', "é", ""], "c": [1, 2, 3, 4], "y": ["p", "q", "p", "q"]}
    )
    table["d"] = pd.to_datetime("2024-02-29")
    csv = table.to_csv(index=False).encode()
    return {
        "a.csv": csv,
        "a.tsv": table.to_csv(index=False, sep="\t").encode(),
        "utf16.csv": csv.decode().encode("utf-16"),
        "a.json": (table.to_json(orient="records") or "").encode(),
        "a.jsonl": (table.to_json(orient="records", lines=True) or "").encode(),
        "a.parquet": table.to_parquet(),
        "a.xlsx": as_excel(table),
        "a.csv.gz": gzip.compress(csv),
        "a.csv.bz2": bz2.compress(csv),
        "a.csv.xz": lzma.compress(csv),
        "a.csv.zst": pa.compress(csv, "zstd", asbytes=True),
        "a.zip": as_zip("a.csv", csv),
    }


FILES = all_files()
Edit = tuple[float, str, bytes]  # where, what, and with which bytes
EDITS = strategies.lists(
    strategies.tuples(
        strategies.floats(0, 1),
        strategies.sampled_from(("overwrite", "insert", "cut", "end", "repeat")),
        strategies.binary(min_size=1, max_size=8)
        | strategies.sampled_from([b'"', b"\n", b"\0", b"[" * 5_000, b"9" * 5_000]),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """What a file becomes by damage here and there."""
    for share, what, more in edits:
        place = round(share * len(content))
        before, after = content[:place], content[place:]
        content = {
            "overwrite": before + more + after[len(more) :],
            "insert": before + more + after,
            "cut": before + after[len(more) :],
            "end": before,
            "repeat": before + before[-100:] * 20 + after,
        }[what]
    return content


@pytest.fixture(scope="module", autouse=True)
def little_memory() -> Iterator[None]:
    """Limits the memory of this process, so that what would fill it fails here."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError, ValueError):  # not on every system
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def gently(num_examples: int) -> Any:
    """The same files in every run, and a limit of time for each."""
    return hypothesis.settings(
        max_examples=num_examples, deadline=timedelta(seconds=SECONDS), derandomize=True, database=None
    )


@pytest.mark.parametrize("name", FILES)
@gently(100)
@given(edits=EDITS)
def test_a_damaged_source_is_read_or_refused(name: str, edits: list[Edit]) -> None:
    with contextlib.suppress(InputError):
        for member, payload in sources.unpack(CONFIG, name, edited(FILES[name], edits)):
            table = formats.parse(CONFIG, member, payload, Provenance())
            sources.check(CONFIG, member, table)
            cleaning.clean(CONFIG, table, Provenance())


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.parquet"])
@gently(50)
@given(edits=EDITS)
def test_a_damaged_table_to_predict_is_read_or_refused(name: str, edits: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError):
        path = Path(folder, name)
        path.write_bytes(edited(FILES[name], edits))
        for piece in formats.read_pieces(CONFIG, path, Provenance()):
            assert len(piece.numbers) == piece.table.num_rows


@gently(100)
@given(edits=EDITS)
def test_a_damaged_artifact_is_read_or_refused(edits: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError):
        path = Path(folder, "run.json")
        path.write_bytes(edited(b'{"model": "a", "data": {"b": [1, 2.5, null]}}', edits))
        assert artifacts.read_json(path, "train")["model"] is not None
