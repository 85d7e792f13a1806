"""Whatever happens to a file, it is read or refused in a sentence: never another error, a hang or a full memory."""

import bz2
import contextlib
import gzip
import io
import lzma
import re
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from project.core import artifacts, command
from project.core.errors import InputError
from project.data import cleaning, formats, piecewise, sources
from project.data.provenance import Provenance

from declared import Config
from fuzzing import EDITS, Edit, edited, gently, given, little_memory

__all__ = ["little_memory"]  # a fixture of every test here
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


TABLE = "a,y\n" + "".join(f"{row},{'pq'[row % 2]}\n" for row in range(60))


def stray_cell() -> bytes:
    """A workbook with a cell in its last row and column."""
    book, content = openpyxl.Workbook(), io.BytesIO()
    for line in TABLE.splitlines():
        book.active.append(line.split(","))
    book.active["XFD1048576"] = "x"
    book.save(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "settings", "words"),
    [
        (b"[" * 100_000, {}, "is not valid JSON: maximum recursion depth"),
        (b'[{"a": ' + b"9" * 5_000 + b', "y": "p"}]', {}, "is not valid JSON: Exceeds the limit"),
        (b'{"\\ud800": 1, "y": "p"}\n' * 60, {}, "error: "),
        (TABLE.encode(), {"delimiter": "é"}, "error: delimiter: 'é' is not allowed|Expecting an ASCII character"),
        (TABLE.encode(), {"target": ""}, "error: target is empty; set it to the column to predict: a, y"),
        (TABLE.encode(), {"source": ""}, "error: source is empty"),
        (TABLE.encode(), {"source": "http://127.0.0.1:9/a.csv"}, "cannot be read: Cannot connect"),
        (gzip.compress(TABLE.encode())[:-9], {}, "is cut off or damaged"),
        (stray_cell(), {}, "16,384 columns wide and max_columns is 1,000; look for a stray cell"),
        (f"a,y\n{'x' * 20_000_000},p\n".encode(), {}, "a row is too long"),
        (TABLE.replace("\n7,", "\n1e308,").encode(), {}, "beyond 3.4e\\+38 in row 8"),
    ],
)
def test_what_cannot_be_collected_ends_in_a_sentence(
    content: bytes, settings: dict[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suffix = {b"[": ".json", b"{": ".jsonl", b"P": ".xlsx", b"\x1f": ".csv.gz"}.get(content[:1], ".csv")
    (tmp_path / f"a{suffix}").write_bytes(content)
    given = {
        "source": tmp_path / f"a{suffix}",
        "target": "y",
        "artifacts": tmp_path / "artifacts",
        "delimiter": "",
    } | settings
    given |= dict.fromkeys(("key", "group", "time", "ignore", "categorical", "text"), "")  # whatever config.py says
    assert command.main(["collect", *(f"--{name}={value}" for name, value in given.items())])
    printed = "".join(capsys.readouterr())
    assert re.search(words, printed.splitlines()[-1])
    assert "Traceback" not in printed


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
        for piece in piecewise.read_pieces(CONFIG, path, Provenance()):
            assert len(piece.numbers) == piece.table.num_rows


@gently(100)
@given(edits=EDITS)
def test_a_damaged_artifact_is_read_or_refused(edits: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError):
        path = Path(folder, "run.json")
        path.write_bytes(edited(b'{"model": "a", "data": {"b": [1, 2.5, null]}}', edits))
        assert artifacts.read_json(path, "train")["model"] is not None
