"""Tables that are read row by row have the same columns from the first row to the last."""

from pathlib import Path

import pyarrow as pa
import pytest

from project.core.errors import InputError
from project.data import piecewise
from project.data.provenance import Provenance

LINES = ['{"a": 1}', '{"a": 2, "b": 3}', "", "broken", '{"b": 1.5, "c": true}', '{"a": null, "c": "no"}']


@pytest.mark.parametrize("num_rows", [2, 100])
def test_json_lines_have_the_keys_and_types_of_all_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_rows: int
) -> None:
    monkeypatch.setattr(piecewise, "ROWS", num_rows)
    (tmp_path / "new.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    provenance = Provenance()
    found = list(piecewise.read_json_pieces(tmp_path / "new.jsonl", provenance))
    whole = pa.concat_tables([piece.table for piece in found])  # refuses differing schemas
    assert whole.to_pydict() == {"a": [1, 2, None, None], "b": [None, 3.0, 1.5, None], "c": [None, None, "True", "no"]}
    assert [number for piece in found for number in piece.numbers] == [1, 2, 5, 6]
    assert provenance.dropped["no JSON object"]["first_rows"] == [4]


@pytest.mark.parametrize(("setting", "name"), [("input", "new.xls"), ("input", "new.xlsx.gz"), ("output", "out.xlsx")])
def test_other_formats_are_refused(setting: str, name: str) -> None:
    with pytest.raises(InputError, match=rf"{setting} is '{name}'; a file named .csv, .tsv, .parquet"):
        piecewise.kind_of(Path(name), setting)
