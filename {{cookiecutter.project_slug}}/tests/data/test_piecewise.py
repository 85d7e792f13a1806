"""Tables that are read row by row have the same columns from the first row to the last."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.core.errors import InputError
from project.data import piecewise
from project.data.provenance import Provenance

from declared import Config

LINES = ['{"a": 1}', '{"a": 2, "b": 3}', "", "broken", '{"b": 1.5, "c": true}', '{"a": null, "c": "no"}']


@pytest.mark.parametrize("num_rows", [2, 100])
def test_json_lines_have_the_keys_and_types_of_all_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_rows: int
) -> None:
    monkeypatch.setattr(piecewise, "ROWS", num_rows)
    (tmp_path / "new.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    provenance = Provenance()
    found = list(piecewise.read_pieces(Config(), tmp_path / "new.jsonl", provenance))
    whole = pa.concat_tables([piece.table for piece in found])  # refuses differing schemas
    assert whole.to_pydict() == {"a": [1, 2, None, None], "b": [None, 3.0, 1.5, None], "c": [None, None, "True", "no"]}
    assert [number for piece in found for number in piece.numbers] == [1, 2, 5, 6]
    assert provenance.dropped["no JSON object"]["first_rows"] == [4]


@pytest.mark.parametrize(("setting", "name"), [("input", "new.xls"), ("input", "new.xlsx.gz"), ("output", "out.xlsx")])
def test_other_formats_are_refused(setting: str, name: str) -> None:
    with pytest.raises(InputError, match=rf"{setting} is '{name}'; a file named .csv, .tsv, .parquet"):
        piecewise.kind_of(Path(name), setting)


@pytest.mark.parametrize("name", ["new.zip", "new.tar.gz", "New.ZIP"])
def test_archive_has_to_be_unpacked(name: str) -> None:
    with pytest.raises(InputError, match=r"is needed; unpack the archive first$"):
        piecewise.kind_of(Path(name), "input")
    with pytest.raises(InputError, match=r"is needed$"):
        piecewise.kind_of(Path(name), "output")


RECORDS = [{"a": "é", " b": [1]}, {"a": "ü", " b": [2, 3]}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("form", ["lines", "array"])
def test_json_is_read_in_any_encoding_and_form(tmp_path: Path, encoding: str, form: str) -> None:
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS)
    text = lines if form == "lines" else json.dumps(RECORDS, ensure_ascii=False)
    (tmp_path / "new.jsonl").write_text(text, encoding=encoding)
    (piece,) = piecewise.read_pieces(Config(), tmp_path / "new.jsonl", Provenance())
    assert piece.table.to_pydict() == {"a": ["é", "ü"], "b": [[1], [2, 3]]}


def test_texts_of_parquet_are_plain_and_names_have_no_blanks_around_them(tmp_path: Path) -> None:
    texts = pa.array(["a", None, "b"])
    table = pa.table({" x": texts.dictionary_encode(), "y ": texts.cast(pa.large_string()), "z": [[1], [2], [3]]})
    pq.write_table(table, tmp_path / "new.parquet")
    (piece,) = piecewise.read_pieces(Config(), tmp_path / "new.parquet", Provenance())
    assert piece.table.schema.types == [pa.string(), pa.string(), pa.list_(pa.int64())]
    assert piece.table.to_pydict() == {"x": ["a", None, "b"], "y": ["a", None, "b"], "z": [[1], [2], [3]]}


@pytest.mark.parametrize("name", ["new.csv", "new.parquet", "new.xlsx"])
def test_several_columns_of_the_same_name_are_refused(tmp_path: Path, name: str) -> None:
    table = pa.table([[1], [2], [3]], ["a", "b", "a "])
    if name.endswith(".parquet"):
        pq.write_table(table, tmp_path / name)
    elif name.endswith(".xlsx"):
        table.to_pandas().to_excel(tmp_path / name, index=False)
    else:
        (tmp_path / name).write_text("a,b,a \n1,2,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="several columns named a; rename them"):
        list(piecewise.read_pieces(Config(), tmp_path / name, Provenance()))


@pytest.mark.parametrize("name", ["new.csv", "new.xlsx", "new.json", "new.parquet"])
def test_a_table_without_rows_has_no_pieces(tmp_path: Path, name: str) -> None:
    table = pa.table({"a": pa.array([], pa.string())})
    writers = {
        "new.csv": lambda path: path.write_text("a\n", encoding="utf-8"),
        "new.xlsx": lambda path: table.to_pandas().to_excel(path, index=False),
        "new.json": lambda path: path.write_text("[]", encoding="utf-8"),
        "new.parquet": lambda path: pq.write_table(table, path),
    }
    writers[name](tmp_path / name)
    assert not sum(len(piece.table) for piece in piecewise.read_pieces(Config(), tmp_path / name, Provenance()))


ODD = {
    "list": ([[1, 2], None], pa.list_(pa.int64()), "[1, 2]"),
    "object": ([{"a": "é"}, None], pa.struct([("a", pa.string())]), '{"a": "é"}'),
    "decimal": ([Decimal("1.50"), None], pa.decimal128(5, 2), "1.50"),
    "duration": ([timedelta(minutes=1), None], pa.duration("ns"), 60.0),
    "bytes": ([b"\xff", None], pa.binary(), str(b"\xff")),
    "number": ([1, None], pa.int16(), 1),
    "day": ([date(9999, 12, 31), None], pa.date32(), date(9999, 12, 31)),
}


@pytest.mark.parametrize(("values", "kind", "cell"), ODD.values(), ids=ODD)
def test_cells_of_any_type_can_be_written_as_text(
    tmp_path: Path, values: list[object], kind: pa.DataType, cell: object
) -> None:
    table = pa.table({"odd": pa.array(values, kind)})
    assert piecewise.as_cells(table).to_pydict() == {"odd": [cell, None]}
    for name in ("out.csv", "out.tsv.gz", "out.jsonl", "out.parquet"):
        assert piecewise.write_pieces(tmp_path / name, iter([table, table])) == 4


def test_numbers_stay_whole_and_dates_may_lie_far_ahead() -> None:
    until = pa.array(["9999-12-31", None]).cast(pa.timestamp("us"))
    table = pa.table({"id": [2**60 + 1, None], "until": until})
    found = piecewise.to_pandas(table)
    assert pa.Table.from_pandas(found, preserve_index=False).to_pydict() == table.to_pydict()
