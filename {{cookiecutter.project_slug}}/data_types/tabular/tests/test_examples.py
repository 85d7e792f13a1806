"""The rows of a table become examples whose columns have the types that the settings ask for."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from project import examples
from project.core.errors import InputError
from project.data import reading
from project.data.provenance import Provenance

from declared import Config


def read(folder: Path, rows: str, **settings: Any) -> pd.DataFrame:
    """The examples of a table."""
    (folder / "data.csv").write_text(rows, encoding="utf-8")
    return examples.read_examples(Config(source=str(folder / "data.csv"), **settings))


def test_the_bundled_sample_can_be_read() -> None:
    table = examples.read_examples(Config(source=str(Path(__file__).parents[1] / Config().source)))
    assert Config().target in table.columns
    assert len(table) > 100


def test_settings_decide_what_is_a_category_or_a_text(tmp_path: Path) -> None:
    rows = "postcode,remark,count\n3,17,1\n4.0,18,2\n,19,3\n"
    table = read(tmp_path, rows, categorical="postcode", text="remark")
    assert table["postcode"].tolist() == ["3", "4", None]
    assert table["remark"].tolist() == ["17", "18", "19"]
    assert table["count"].tolist() == [1, 2, 3]


def test_an_ignored_column_may_mix_numbers_and_words(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number}\n" for number in range(99))
    table = read(tmp_path, f"count,remark\n{rows}99,none of them\n", ignore="remark")
    assert table["remark"].iloc[-1] == "none of them"


def test_row_numbers_hide_no_duplicates(tmp_path: Path) -> None:
    table = read(tmp_path, ",size,kind\n0,7,a\n1,8,b\n2,7,a\n")
    first, other, again = examples.identities(Config(target="kind"), table)
    assert first == again != other


def noted(folder: Path, period: int, **settings: Any) -> list[str]:
    """What is told of 60 examples with identifiers, which are the same again after so many."""
    rows = [f"{7_000 + 3 * number},a{number},{number * 37 % period / 4},b\n" for number in range(60)]
    table = read(folder, f"visit,code,size,kind\n{''.join(rows)}")
    splits = {"train": table[:50], "validation": table[50:55], "test": table[55:]}
    return examples.check_splits(Config(target="kind", **settings), splits.__getitem__)


def test_identifiers_are_told(tmp_path: Path) -> None:
    found = "visit (only counts the examples), code (hardly ever repeats)"
    told = f"left out as identifiers: {found}; keep_identifiers, categorical and text name columns to keep"
    assert noted(tmp_path, 61) == [told]
    (kept,) = noted(tmp_path, 61, keep_identifiers="visit")
    assert "visit" not in kept


def test_duplicates_that_identifiers_hide_are_told(tmp_path: Path) -> None:
    _, told = noted(tmp_path, 57)
    assert told == (
        "but for identifiers, 3 validation and test examples equal a training example: set key to visit and leave the "
        "others out of the source to keep such examples in one split"
    )
    table = read(tmp_path, "visit,size,kind\n1,7,a\n2,8,b\n3,7,a\n")
    first, other, again = examples.identities(Config(target="kind", key="visit"), table)
    assert first == again != other


def test_facts_about_the_source_travel_with_the_table(tmp_path: Path) -> None:
    table = read(tmp_path, "when\n31/01/2024\n")
    assert table.attrs["sources"][0]["bytes"] == 16
    assert table.attrs["formats"]["when"].format == "%d/%m/%Y"


def test_further_sources_are_read_as_the_first_one(tmp_path: Path) -> None:
    lots = ["day;size\n28/05/2024;1.234,5\n", "day;size\n03/04/2024;5.000\n", "day;size\n03/04/2024;5000.1\n"]
    sources = []
    for number, text in enumerate(lots):
        sources.append(str(tmp_path / f"{number}.csv"))
        Path(sources[-1]).write_text(text, encoding="utf-8")
    config = Config(source=sources[0])
    parts = [part for _, part in reading.read(examples, config, sources[:2], Provenance())]
    assert parts[1]["day"].tolist() == [pd.Timestamp("2024-04-03")]
    assert parts[1]["size"].tolist() == [5000]
    with pytest.raises(InputError, match=r"column 'size' holds '5000\.1' in row 1, which is not a number"):
        list(reading.read(examples, config, sources, Provenance()))
