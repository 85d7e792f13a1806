"""The source opens in all its forms, and what cannot be read is refused with a message that helps."""

import bz2
import contextlib
import datetime as dt
import gzip
import http.server
import io
import json
import lzma
import os
import re
import sqlite3
import tarfile
import threading
import zipfile
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.core.errors import InputError
from project.data import formats, sources
from project.data.provenance import Provenance

from declared import Config

CSV = "name,size\nAda,1\nBob,2\n"
CELLS = {"name": ["Ada", "Bob"], "size": ["1", "2"]}


def read(source: Path | str, provenance: Provenance | None = None, **settings: Any) -> dict[str, list[Any]]:
    """The columns of a source."""
    table = sources.read_table(Config(source=str(source), **settings), provenance or Provenance())
    return {str(name): values for name, values in table.to_pydict().items()}


def saved(folder: Path, name: str, content: str | bytes) -> Path:
    """Writes a file and the folders above it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zstd(content: bytes) -> bytes:
    """Compresses as .zst."""
    return pa.compress(content, codec="zstd", asbytes=True)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_compression_is_recognised_by_content(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    assert read(saved(tmp_path, "data.csv", compress(CSV.encode()))) == CELLS


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data.csv.gz is cut off or damaged"):
        read(saved(tmp_path, "data.csv.gz", gzip.compress(CSV.encode() * 1_000)[:-20]))


def test_archives_of_other_kinds_are_refused_by_their_name(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(saved(tmp_path, "data.csv", CSV), "data.csv")
    for name, packed in (("data.tar", content.getvalue()), ("data.tar.gz", gzip.compress(content.getvalue()))):
        with pytest.raises(InputError, match=r"data.tar is a tar archive, which is not read; unpack it"):
            read(saved(tmp_path, name, packed))
    with pytest.raises(InputError, match="is a RAR archive"):
        read(saved(tmp_path, "data.rar", b"Rar!\x1a\x07\x00" + bytes(100)))


def test_row_numbers_without_a_name_are_a_column(tmp_path: Path) -> None:
    table = pd.DataFrame({"size": [7, 8]})
    table.to_csv(tmp_path / "data.csv")
    table.to_excel(tmp_path / "data.xlsx")
    assert read(tmp_path / "data.csv") == {"row": ["0", "1"], "size": ["7", "8"]}
    assert read(tmp_path / "data.xlsx") == {"row": [0, 1], "size": [7, 8]}
    with pytest.raises(InputError, match=r"column 1 .* has no name"):
        read(saved(tmp_path, "data.csv", ",row,size\n1,2,3\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n  \n", "is empty"),
        ("a,b,a\n1,2,3\n", "several columns named a"),
        ("a,,c\n1,2,3\n", "column 2 .* has no name"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "seems to have no header"),
        ('a,b\n1,"x\n2,y\n3,z\n', "row 1 opens a quote that is never closed"),
        ('a,b\n1,"' + "x\n" * 3_000_000, "a quote that is never closed"),
        ("a,b\n1," + "x" * 1_000_000 + "\n", "1000000 characters and max_cell is 100000"),
        (",".join(f"c{number}" for number in range(10_000)) + "\n" + "1," * 9_999 + "1\n", "10000 columns"),
        ("<!DOCTYPE html><html></html>", "a web page, not a table"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "save it as .xlsx"),
        (b"SQLite format 3\0" + bytes(100), "set source to sqlite:///"),
        (b"PAR1" + bytes(100), "damaged Parquet file"),
        (b"PK\x03\x04" + bytes(100), "cannot be unpacked"),
    ],
)
def test_a_file_that_is_no_good_table_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(saved(tmp_path, "data.csv", content), max_cell=100_000)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    for missing in ("none.csv", "none/*.csv", "none"):
        with pytest.raises(InputError, match="does not exist"):
            read(tmp_path / missing)
    with pytest.raises(InputError, match="holds no table"):
        read(tmp_path)


def test_folders_globs_and_archives_are_put_together(tmp_path: Path) -> None:
    saved(tmp_path, "all/a.csv", CSV)
    saved(tmp_path, "all/deeper/b.csv.gz", gzip.compress(b"size,name\n3,Cyd\n"))
    for name in ("README.md", "readme.csv", "LICENSE", ".hidden.csv", "_SUCCESS", "photo.png"):
        saved(tmp_path, f"all/{name}", "not,a,table\n")
    together = {"name": ["Ada", "Bob", "Cyd"], "size": ["1", "2", "3"]}
    assert read(tmp_path / "all") == together
    assert read(tmp_path / "all" / "[ab]*.csv") == CELLS
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "all/a.csv", "a.csv")
        archive.write(tmp_path / "all/deeper/b.csv.gz", "b.csv.gz")
        archive.writestr("__MACOSX/._a.csv", "rubbish")
        archive.writestr("README.txt", "rubbish")
    provenance = Provenance()
    assert read(tmp_path / "all.zip", provenance) == together
    assert [len(provenance.sources), len(provenance.sources[0]["sha256"])] == [1, 64]


def test_a_file_with_other_columns_is_named(tmp_path: Path) -> None:
    saved(tmp_path, "a.csv", CSV)
    saved(tmp_path, "b.csv", "name,weight\nCyd,3\n")
    with pytest.raises(InputError, match=r"b.csv has other columns .* it lacks \['size'\] and adds \['weight'\]"):
        read(tmp_path)


def test_parquet_keeps_its_types_and_simplifies_the_odd_ones(tmp_path: Path) -> None:
    table = pa.table(
        {
            "category": pa.array(["a", None]).dictionary_encode(),
            "small": pa.array([1, None], pa.int8()),
            "real": pa.array([1.5, None], pa.float32()),
            "day": pa.array([0, 1], pa.date32()),
            "duration": pa.array([dt.timedelta(minutes=1.5), None], pa.duration("ms")),
            "price": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "count": pa.array([Decimal(7), None], pa.decimal128(20, 0)),
            "id": pa.array([1, 2**64 - 1], pa.uint64()),
            "moment": pa.array([pd.Timestamp("2024-01-31 23:00"), None], pa.timestamp("ns", "Europe/Berlin")),
            "coded day": pa.array([dt.date(2024, 1, 31), None]).dictionary_encode(),
        }
    )
    for name in ("a.parquet", "b.parquet"):
        pq.write_table(table, tmp_path / name)
    read_back = sources.read_table(Config(source=str(tmp_path)), Provenance())
    first = read_back.to_pylist()[:2]
    assert [*first[0].values()] == [
        *("a", 1, 1.5, pd.Timestamp("1970-01-01"), 90.0, 1.5, 7, "1"),
        *(dt.datetime(2024, 1, 31, 23, tzinfo=dt.UTC), pd.Timestamp("2024-01-31")),
    ]
    assert [*first[1].values()] == [
        *(None, None, None, pd.Timestamp("1970-01-02"), None, None, None, str(2**64 - 1), None, None)
    ]
    assert read_back.to_pylist()[2:] == first
    half = pa.table({"half": pa.array(np.array([1.5, 2], "float16"))})  # not every version can write it
    assert formats.simplify("half", half).to_pydict() == {"half": [1.5, 2]}


def test_whole_numbers_that_another_file_would_round_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [2**53 + 1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": [1.5]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"a.parquet: column 'id' .* 9007199254740993 .* as text in all files"):
        read(tmp_path)


def test_nested_cells_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "data.jsonl", '{"name": "Ada", "sizes": [1, 2]}\n')
    with pytest.raises(InputError, match="column 'sizes' holds list"):
        read(path)


@pytest.mark.parametrize("as_lines", [True, False])
def test_json(tmp_path: Path, as_lines: bool) -> None:
    records = [{"name": "Ada", "size": 1}, {"name": "Bob", "extra": 2.5}]
    text = "\n".join(map(json.dumps, records)) if as_lines else json.dumps(records)
    expected = {"name": ["Ada", "Bob"], "size": [1, None], "extra": [None, 2.5]}
    assert read(saved(tmp_path, "data.json", text)) == expected


def test_broken_json_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2 cannot be read \(line 2"):
        read(saved(tmp_path, "data.jsonl", '{"a": 1}\n{"a": \n'))
    with pytest.raises(InputError, match="row 1 is '3'; every example must be a JSON object"):
        read(saved(tmp_path, "numbers.json", "[3]"))


def test_excel_sheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["name", "size", 2020], ["Ada", 1, 0.5], [None, None, None], ["Bob", None, 2]):
        book.active.append(row)
    book.create_sheet("other").append(["name"])
    book.save(tmp_path / "book.xlsx")
    provenance = Provenance()
    assert read(tmp_path / "book.xlsx", provenance) == {"name": ["Ada", "Bob"], "size": [1, None], "2020": [0.5, 2]}
    assert "sheet 'Sheet' is read" in provenance.notes[0]
    assert read(tmp_path / "book.xlsx", query="other") == {"name": []}
    with pytest.raises(InputError, match="no sheet 'third'; set query to one of Sheet, other"):
        read(tmp_path / "book.xlsx", query="third")


def test_sql(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "birds.db") as connection:
        connection.execute("CREATE TABLE birds (name TEXT, size INTEGER)")
        connection.executemany("INSERT INTO birds VALUES (?, ?)", [("Ada", 1), ("Bob", None)])
    connection.close()
    url = f"sqlite:///{tmp_path}/birds.db"
    assert read(url, query="SELECT * FROM birds ORDER BY name") == {"name": ["Ada", "Bob"], "size": [1, None]}
    with pytest.raises(InputError, match="query is empty"):
        read(url)
    with pytest.raises(InputError, match="no such table: fish"):
        read(url, query="SELECT * FROM fish")
    with pytest.raises(InputError, match="does not exist"):
        read(f"sqlite:///{tmp_path}/none.db", query="SELECT 1")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(InputError, match="install the database's driver"):
        read("klingon://host/name", query="SELECT 1")


def test_web_addresses(tmp_path: Path) -> None:
    saved(tmp_path, "data.csv.gz", gzip.compress(CSV.encode()))
    handler = partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert read(f"{address}/data.csv.gz") == CELLS
        with pytest.raises(InputError, match=re.escape(f"{address}/none.csv cannot be read")):
            read(f"{address}/none.csv")
        server.shutdown()
    with pytest.raises(InputError, match="cannot be read"):
        read(f"{address}/data.csv.gz")


def test_object_stores() -> None:
    store = fsspec.filesystem("memory")  # stands in for s3:// and gs://, whose drivers keep to the same interface
    store.pipe({"/birds/2024/one.csv": CSV.encode(), "/birds/2025/two.csv.gz": gzip.compress(CSV.encode())})
    provenance = Provenance()
    assert read("memory://birds/2024/one.csv") == CELLS
    assert (
        read("memory://birds", provenance)
        == read("memory://birds/*/*.csv*")
        == {name: cells * 2 for name, cells in CELLS.items()}
    )
    assert provenance.sources[0]["name"] == "memory:///birds/2024/one.csv"
    with pytest.raises(InputError, match=re.escape("memory://none.csv does not exist")):
        read("memory://none.csv")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it overrides
        """Says nothing."""


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver(source: str) -> None:
        raise ImportError(f"Install s3fs to access {source}")

    monkeypatch.setattr(sources.fsspec.core, "url_to_fs", no_driver)
    with pytest.raises(InputError, match="group `cloud`"):
        read("s3://bucket/data.csv")


def test_a_pandas_frame_survives_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"when": pd.to_datetime(["2024-01-05", None]), "flag": [True, False]})
    frame.to_parquet(tmp_path / "data.parquet")
    assert read(tmp_path / "data.parquet")["flag"] == [True, False]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_title_above_the_header_is_named(tmp_path: Path, suffix: str) -> None:
    rows = [["Sales of 2024", None, None], ["shop", "day", "sales"], *[["a", day, 3] for day in range(20)]]
    path = tmp_path / f"data{suffix}"
    if suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False, header=False)
    else:
        pd.DataFrame(rows).to_excel(path, index=False, header=False)
    with pytest.raises(InputError, match=r"the first row of .* holds only 'Sales of 2024'; if that is a title"):
        read(path)
    if suffix == ".csv":
        with pytest.raises(InputError, match="if 'Sales of 2024' is a title, remove all above the header"):
            read(saved(tmp_path, "short.csv", path.read_text(encoding="utf-8").replace("2024,,", "2024")))


@pytest.mark.parametrize(
    "query", ["DROP TABLE t", "SELECT a FROM t; DROP TABLE t", "WITH x AS (SELECT 1) DELETE FROM t", ""]
)
def test_a_query_can_only_read(tmp_path: Path, query: str) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("CREATE TABLE t (a)")
        database.commit()
        with pytest.raises(InputError, match="query"):
            sources.read_table(Config(source=f"sqlite:///{tmp_path}/a.db", query=query), Provenance())
        assert database.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_what_a_compressed_file_holds_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000))
    config = Config(source=str(tmp_path / "a.csv.gz"), max_unpacked_bytes=4_004)
    assert sources.read_table(config, Provenance()).num_rows == 1_000
    with pytest.raises(InputError, match="max_unpacked_bytes is 4,003"):
        sources.read_table(config.model_copy(update={"max_unpacked_bytes": 4_003}), Provenance())


def test_a_named_pipe_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    os.mkfifo(tmp_path / "b.csv")
    assert sources.read_table(Config(source=str(tmp_path)), Provenance()).num_rows == 1


def test_decimals_are_the_numbers_that_text_would_be() -> None:
    texts = [None, "0.000000", *(f"{number / 1000:.6f}" for number in range(1, 5_000, 7))]
    decimals = pa.array([text and Decimal(text) for text in texts], pa.decimal128(18, 6))
    (numbers,) = formats.simplify("new.parquet", pa.table({"number": decimals})).columns
    assert numbers.to_pylist() == [text and float(text) for text in texts]
