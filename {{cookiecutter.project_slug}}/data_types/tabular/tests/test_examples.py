"""The rows of a table become examples whose columns have the types that the settings ask for."""

from pathlib import Path
from typing import Any

import pandas as pd

from project import examples
from project.config import Config


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


def test_facts_about_the_source_travel_with_the_table(tmp_path: Path) -> None:
    table = read(tmp_path, "when\n01/02/2024\n")
    assert table.attrs["sources"][0]["bytes"] == 16
    assert "fits too" in table.attrs["notes"][0]
