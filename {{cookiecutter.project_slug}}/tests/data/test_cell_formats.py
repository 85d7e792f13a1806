"""How the cells of a column are written is found in all of them, written down, and holds for whatever comes later."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from project.core.errors import InputError
from project.data import cell_formats, cleaning
from project.data.cell_formats import CellFormat
from project.data.provenance import Provenance

from declared import Config

NUMBER: dict[str, Any] = {"kind": "number"}
DATE: dict[str, Any] = {"kind": "date"}
TEXT: dict[str, Any] = {"kind": "text"}
GERMAN = {**NUMBER, "decimal": ",", "thousands": "."}
DAY_FIRST = {**DATE, "format": "%d/%m/%Y"}


def config_for(folder: Path, written: dict[str, Any] | None = None, **settings: Any) -> Config:
    """Settings of a project in a folder, with a file of formats if they are given."""
    path = folder / "cell_formats.json"
    if written is not None:
        path.write_text(json.dumps(written), encoding="utf-8")
    return Config(cell_formats=path, **settings)


def clean(config: Config, cells: list[Any], **options: Any) -> tuple[pd.Series, Provenance]:
    """A column of the name x, and what was noted."""
    provenance = Provenance()
    return cleaning.clean(config, pa.table({"x": cells}), provenance, **options)["x"], provenance


@pytest.mark.parametrize(
    ("cell", "day"), [("1959Q1", "1959-01-01"), ("Q4 2024", "2024-10-01"), ("2020-W53", "2020-12-28")]
)
def test_quarters_and_weeks_are_their_first_days(tmp_path: Path, cell: str, day: str) -> None:
    values, provenance = clean(config_for(tmp_path), [cell, None])
    assert values[0] == pd.Timestamp(day)
    assert cell_formats.example(provenance.formats["x"]).startswith("a date written like ")
    assert "%" not in cell_formats.example(provenance.formats["x"])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2.5"], NUMBER),
        (["3.045,03", "12"], GERMAN),
        (["5.000", "1.000.000"], GERMAN),
        (["5.000", "1,5"], GERMAN),
        (["5.000", "0.125"], NUMBER),
        (["5.000", "1234.500"], NUMBER),
        (["1,234", "0,5"], {**NUMBER, "decimal": ","}),
        (["1,234", "1,234,567"], {**NUMBER, "thousands": ","}),
        (["1 234", "7"], {**NUMBER, "thousands": " "}),
        (["5,50 €", "1.200,00 €"], {**GERMAN, "unit": "€"}),
        (["2024-01-31", "2024-02-01T10:00"], DATE),
        (["01/02/2024", "28/02/2024"], DAY_FIRST),
        (["01/02/2024", "02/28/2024"], {**DATE, "format": "%m/%d/%Y"}),
        (["05 May 2024", "06 June 2024"], {**DATE, "format": "%d %b %Y"}),
        (["05-May-2024", "26-Oct-2024"], {**DATE, "format": "%d-%b-%Y"}),
        (["05. 05. 2024", "26. 10. 2024"], {**DATE, "format": "%d. %m. %Y"}),
        (["2024-05", "2024-10"], {**DATE, "format": "%Y-%m"}),
        (["2024 May", "2024 October"], {**DATE, "format": "%Y %b"}),
        (["2024Q1", "2023Q4"], {**DATE, "format": "%YQ%q"}),
        (["2024-Q1", "2023-Q4"], {**DATE, "format": "%Y-Q%q"}),
        (["2024-Q1", "2023-10"], TEXT),
        (["2024-W01", "2020-W53"], {**DATE, "format": "%G-W%V"}),
        (["CHF 1'050.29", "CHF 7"], {**NUMBER, "thousands": "'", "unit": "CHF"}),
        (["5 kg", "1.5 kg"], {**NUMBER, "unit": "kg"}),
        (["12,34,567", "12,345"], {**NUMBER, "thousands": ","}),
        (["8:30", "100:05"], {"kind": "duration", "format": "h:mm"}),
        (["8:30:00", "1 days 02:03:04.5"], {"kind": "duration", "format": "h:mm:ss"}),
        (["8:30", "8:30:15"], TEXT),
        (["(1)", "(2)"], TEXT),
        (["2-", "3"], TEXT),
        (["True", "FALSE"], {"kind": "truth value"}),
        (["ja", "nein"], TEXT),
        (["01", "10"], TEXT),
    ],
)
def test_the_format_is_found_in_all_cells(tmp_path: Path, cells: list[str], expected: dict[str, Any]) -> None:
    for order in (cells, cells[::-1], [*(cells[:1] * 200), *cells]):
        _, provenance = clean(config_for(tmp_path), order)
        assert provenance.formats["x"] == CellFormat(**expected)
        finding = None
        for cell in order:  # in parts, as a large source comes
            finding = cell_formats.look(pa.array([cell]), finding)
        assert finding is not None
        assert cell_formats.settle(Config(), "x", finding) == CellFormat(**expected)


@pytest.mark.parametrize(
    ("cells", "settings", "values", "words"),
    [
        (["5.000", "12"], {"decimal": "."}, [5.0, 12.0], r"column 'x': '5.000' .* as 5 or 5000, .* set decimal to"),
        (["12", "5.000"], {"decimal": ","}, [12, 5000], r"column 'x': '5.000' .* as 5 or 5000, .* set decimal to"),
        (["$1,200"], {"decimal": "."}, [1200], r"'\$1,200' can be read in two ways, as 1.2 or 1200"),
        (
            ["03/04/2024"],
            {"day_first": True},
            [pd.Timestamp("2024-04-03")],
            "'03/04/2024' .* as 2024-03-04 or 2024-04-03, .* set day_first to true or false",
        ),
        (["03/04/2024"], {"day_first": False}, [pd.Timestamp("2024-03-04")], "x"),
        (["01/01/2024"], {"day_first": True}, [pd.Timestamp("2024-01-01")], "day_first"),
    ],
)
def test_cells_that_can_be_read_in_two_ways_are_refused_until_a_setting_or_the_file_tells(
    tmp_path: Path, cells: list[str], settings: dict[str, Any], values: list[Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        clean(config_for(tmp_path), cells)
    assert clean(config_for(tmp_path, ignore=("x",)), cells)[0].tolist() == cells, "nobody uses it"
    column, provenance = clean(config_for(tmp_path, **settings), cells)
    assert column.tolist() == values
    config = config_for(tmp_path)
    assert cell_formats.save(config, provenance.formats)
    assert clean(config, cells)[0].tolist() == values
    assert not cell_formats.save(config, provenance.formats), "it says so already"


@pytest.mark.parametrize(
    ("cells", "other", "value"),
    [
        ("5.000", ["0.5", "2"], 5.0),
        ("5.000", ["1,5", "2"], 5000),
        ("03/04/2024", ["28/05/2024", "01/01/2024"], pd.Timestamp("2024-04-03")),
        ("03/04/2024", ["05/28/2024", "01/01/2024"], pd.Timestamp("2024-03-04")),
        ("5.000", ["7", "2"], None),  # whole numbers tell nothing of decimals
        ("5.000", ["28/05/2024", "01/01/2024"], None),
    ],
)
def test_other_columns_tell_how_an_ambiguous_one_is_read(
    tmp_path: Path, cells: str, other: list[str], value: object
) -> None:
    table = pa.table({"x": [cells, cells], "other": other})
    if value is None:
        with pytest.raises(InputError, match="two ways"):
            cleaning.clean(config_for(tmp_path), table, Provenance())
    else:
        assert cleaning.clean(config_for(tmp_path), table, Provenance())["x"].tolist() == [value, value]


def test_the_file_has_a_line_per_column_and_what_is_corrected_there_wins(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    table = pa.table({"amount": ["1.234,5", "7"], "größe": ["a", "b"], "day": ["28/05/2024", "01/02/2024"]})
    provenance = Provenance()
    cleaning.clean(config, table, provenance)
    cell_formats.save(config, provenance.formats)
    assert config.cell_formats.read_text(encoding="utf-8").splitlines() == [
        "{",
        '  "amount": {"kind": "number", "decimal": ",", "thousands": ".", "unit": ""},',
        '  "größe": {"kind": "text"},',
        '  "day": {"kind": "date", "format": "%d/%m/%Y"}',
        "}",
    ]
    written = {"x": {"kind": "truth value", "true": "ja", "false": "nein", "missing": ["k. A."]}}
    answers, _ = clean(config_for(tmp_path, written), ["Ja", "nein", "k. A.", ""])
    assert answers.tolist() == [True, False, pd.NA, pd.NA]
    names, _ = clean(config_for(tmp_path, {"x": {**TEXT, "missing": []}}), ["None", "1", ""])
    assert names.tolist() == ["None", "1", None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Invalid JSON"),
        ('{"x": {"kind": "numbers"}}', "cell_formats.json: x kind: Input should be 'number'"),
        ('{"x": {"kind": "date", "fromat": "%d"}}', "x fromat: Extra inputs"),
    ],
)
def test_a_file_with_a_mistake_is_refused(tmp_path: Path, text: str, words: str) -> None:
    config = config_for(tmp_path)
    config.cell_formats.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        cell_formats.load(config)


@pytest.mark.parametrize(
    ("written", "cells", "words"),
    [
        (GERMAN, ["1.234,5", "1234.5"], r"column 'x' holds '1234.5' in row 2, which is not a number .* like 1.234,5"),
        (GERMAN, ["5", "5 €"], "holds '5 €' in row 2"),
        ({**NUMBER, "unit": "€"}, ["5", "5 €"], "holds '5' in row 1, which is not a number written like 1234.5 €"),
        (NUMBER, ["1", "1,234", "?", "2,5"], "holds '1,234' in rows 2, 4"),
        (DAY_FIRST, ["28/05/2024", "05/28/2024", "05/28/2024"], "holds '05/28/2024' in rows 2, 3"),
        (DATE, ["2024-02-29", "2023-02-29"], "holds '2023-02-29' in row 2"),
        (DATE, ["2024-02-29", "9999-01-01"], "holds '9999-01-01' in row 2"),
        ({"kind": "truth value"}, ["true", "maybe"], "holds 'maybe' in row 2, which is not true or false"),
        (DATE, [1, 2], "holds values of the type int64"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_with_its_row_column_and_value(
    tmp_path: Path, written: dict[str, str], cells: list[Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        clean(config_for(tmp_path, {"x": written}), cells)


def test_cells_of_a_new_table_are_read_for_the_model_as_the_file_says(tmp_path: Path) -> None:
    config = config_for(tmp_path, {"amount": GERMAN, "day": DAY_FIRST, "name": TEXT})
    table = pd.DataFrame(
        {
            "amount": ["5.000", "3,5", "4.5", "NA"],
            "day": ["03/04/2024", "2024-04-03", "31/04/2024", ""],
            "name": ["1", "b", "c", "NA"],
        }
    )
    kinds = {"amount": "number", "day": "date", "name": "category"}
    columns, reasons = cleaning.read_for_model(config, table, kinds)
    assert columns["amount"].tolist()[:2] == [5000, 3.5]
    assert columns["day"].tolist()[:2] == [pd.Timestamp("2024-04-03")] * 2
    assert columns.isna().sum(axis=1).tolist() == [0, 0, 2, 3]
    assert columns["name"].tolist()[:3] == ["1", "b", "c"]
    assert [bool(reason) for reason in reasons] == [False, False, True, False]
    assert reasons[2].startswith("column 'amount' holds '4.5', which is not a number written like 1.234,5")
    swapped = pd.DataFrame({"amount": ["5.000", "5.5", "7"], "day": ["03/04/2024", "04/28/2024", "05/05/2024"]})
    _, reasons = cleaning.read_for_model(config, swapped.assign(name="a"), kinds)  # other formats fit all cells
    assert reasons[0].startswith("column 'amount' holds '5.000', among cells that are not a number written like")
    assert reasons[1].startswith("column 'amount' holds '5.5', which is not")
    assert not reasons[2], "7 and 05/05 can mean only one thing"
    _, reasons = cleaning.read_for_model(config, swapped.assign(name="a", amount="7"), kinds)
    assert reasons[0].startswith("column 'day' holds '03/04/2024', among cells that are not a date written like")
    typed = pd.DataFrame({"amount": [5.5, np.nan], "day": pd.to_datetime(["2024-04-03", None]), "name": ["a", None]})
    for same in (typed, typed.astype({"name": "category"}), typed.assign(day=typed["day"].dt.date)):
        columns, reasons = cleaning.read_for_model(config, same, kinds)
        assert columns["amount"].iloc[0] == 5.5
        assert columns["day"].iloc[0] == pd.Timestamp("2024-04-03")
        assert columns["name"].iloc[0] == "a"
        assert not any(reasons)


def test_categories_that_differ_only_in_case_or_blanks_are_told_and_made_one_by_a_setting(tmp_path: Path) -> None:
    cells = ["Yes"] * 3 + ["yes", "Yes ", "No", "not  yet", "Not yet", "Not yet"]
    column, provenance = clean(config_for(tmp_path), cells)
    assert column.nunique() == 5
    (note,) = provenance.notes
    assert "only in case or blanks, 'yes' (1) like 'Yes', 'not  yet' (1) like 'Not yet'; name the column" in note
    config = config_for(tmp_path, merge_spellings=("x",))
    column, provenance = clean(config, cells)
    assert sorted(set(column)) == ["No", "Not yet", "Yes"]
    assert provenance.formats["x"].spellings == ("No", "Not yet", "Yes")
    cell_formats.save(config, provenance.formats)
    columns, _ = cleaning.read_for_model(config, pd.DataFrame({"x": ["YES", "no", "perhaps"]}), {"x": "category"})
    assert columns["x"].tolist() == ["Yes", "No", "perhaps"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["(52.84)", "$(5)", "-7", "1,050.29"], None),
        (["(52.84)", "-7", "1,050.29"], [-52.84, -7, 1050.29]),
        (["($52.84)", "$7", "$1,050.29"], [-52.84, 7, 1050.29]),
        (["52,84-", "1.050,29", "-3"], [-52.84, 1050.29, -3]),
        (["\u221252.84", "7"], [-52.84, 7]),
        (["\u0661\u0662\u066b\u0665", "\u0669"], [12.5, 9]),
        (["8:30", "0:15", ""], [30_600, 900, None]),
        (["-0:00:01.5", "1 days 02:03:04"], [-1.5, 93_784]),
    ],
)
def test_numbers_and_durations_have_their_values(tmp_path: Path, cells: list[str], values: list[float] | None) -> None:
    config = config_for(tmp_path)
    if values is None:
        assert clean(config, cells)[1].formats["x"] == CellFormat(kind="text"), "not all have the unit"
    else:
        column = clean(config, cells)[0]
        assert [None if pd.isna(value) else value for value in column] == values


@pytest.mark.parametrize("cells", [["0.947 kg", "1050 g"], ["$5", "€7.50", "$6"], ["EUR 5", "7 USD"]])
def test_numbers_in_different_units_are_refused(tmp_path: Path, cells: list[str]) -> None:
    with pytest.raises(InputError, match="column 'x' holds numbers in different units, such as ") as refusal:
        clean(config_for(tmp_path), cells * 20)
    assert repr(cells[1]) in str(refusal.value)
    assert clean(config_for(tmp_path), cells, as_text=["x"])[0].tolist() == cells


def test_whole_numbers_that_may_be_dates_are_told_and_read_as_such_if_the_file_says_so(tmp_path: Path) -> None:
    config, cells = config_for(tmp_path), ["20240131", "20231101"]
    column, provenance = clean(config, cells)
    assert column.tolist() == [20240131, 20231101]
    assert 'write {"kind": "date", "format": "%Y%m%d"}' in " ".join(provenance.notes)
    assert not clean(config, ["20240131", "20241301"])[1].notes
    written = config_for(tmp_path, {"x": {**DATE, "format": "%Y%m%d"}})
    assert clean(written, cells)[0].tolist() == [pd.Timestamp("2024-01-31"), pd.Timestamp("2023-11-01")]
