"""Cells become numbers, dates, truth values and missing values by rules that hold for a whole column."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from project.core.errors import InputError
from project.data import cleaning, targets
from project.data.provenance import Provenance

from declared import Config

CONFIG = Config(missing_markers=("", "NA", "?", "-999"))


def clean(values: list[Any], kind: pa.DataType | None = None, **options: Any) -> tuple[pd.Series, list[str]]:
    """One cleaned column and the notes taken."""
    provenance = Provenance()
    table = pa.table({"x": pa.array(values, kind)})
    return cleaning.clean(CONFIG, table, provenance, **options)["x"], provenance.notes


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1", " 7 ", "+3", "-2"], [1, 7, 3, -2]),
        (["1", "2.5", ".5", "1e3", "3."], [1, 2.5, 0.5, 1000, 3]),
        (["1,234", "12", "1,234,567"], [1234, 12, 1234567]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["3,14", "1.234,5", "2"], [3.14, 1234.5, 2]),
        (["0,123", "0,5"], [0.123, 0.5]),
        (["1 234", "5"], [1234, 5]),
        (["1'234.5", "5"], [1234.5, 5]),
        (["$5.00", "$ 1,200.50", "-$3"], [5, 1200.5, -3]),
        (["5 €", "1.200,50 €"], [5, 1200.5]),
        (["12%", "3.5 %"], [12, 3.5]),
    ],
)
def test_numbers_as_text_become_numbers(texts: list[str], numbers: list[float]) -> None:
    column, _ = clean([*texts, "NA"])
    assert column[:-1].astype("float64").tolist() == numbers
    assert pd.isna(column.iloc[-1])


def test_whole_numbers_stay_whole_beside_missing_ones() -> None:
    assert clean(["1", "2"])[0].dtype == "int64"
    assert clean(["9007199254740993", "?"])[0].tolist()[0] == 9007199254740993
    assert str(clean(["1", ""])[0].dtype) == "Int64"
    assert str(clean([1, None])[0].dtype) == "Int64"
    assert clean(["1.0", ""])[0].dtype == "float64"


def test_missing_markers_are_missing_in_every_kind_of_column() -> None:
    assert clean(["a", " NA ", "?", ""])[0].isna().tolist() == [False, True, True, True]
    assert clean([1, -999])[0].isna().tolist() == [False, True]
    assert clean([1.5, -999.0, float("nan")])[0].isna().tolist() == [False, True, True]
    assert clean(["1.5", "-999.0"])[0].isna().tolist() == [False, True]
    assert clean(["NA", ""])[0].isna().all()
    assert clean([None, None])[0].isna().all()


def test_names_made_of_digits_stay_text() -> None:
    assert clean(["01234", "98765"])[0].tolist() == ["01234", "98765"]
    assert clean(["12345678901234567890", "1"])[0].tolist()[0] == "12345678901234567890"
    assert clean(["12%", "0.5"])[0].tolist() == ["12%", "0.5"]


def test_columns_read_as_text_keep_their_cells() -> None:
    assert clean(["3", "4", "NA"], as_text=["x"])[0].tolist() == ["3", "4", None]
    assert clean(["3.0", "", "4.0"], as_text=["x"])[0].tolist() == ["3", None, "4"]
    assert clean([3, None], as_text=["x"])[0].tolist() == ["3", None]
    assert clean([3.0, 4.5], as_text=["x"])[0].tolist() == ["3", "4.5"]


def test_truth_values() -> None:
    assert clean(["True", "false", "TRUE"])[0].tolist() == [True, False, True]
    assert str(clean(["true", "NA"])[0].dtype) == "boolean"
    assert clean([True, False])[0].dtype == "bool"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-01-31", "2024-02-01"], "2024-01-31"),
        (["2024-01-31 10:30", "2024-02-01"], "2024-01-31T10:30"),
        (["2024-01-31T10:30:05.123456789", "2024-02-01"], "2024-01-31T10:30:05.123456"),
        (["2024-01-31T10:30:00+02:00", "2024-02-01T00:00:00Z"], "2024-01-31T08:30"),
        (["31.01.2024", "1.2.2024"], "2024-01-31"),
        (["1/31/2024 3:05 PM", "2/1/2024 3:05 AM"], "2024-01-31T15:05"),
        (["31/01/2024 15:05:30", "01/02/2024 15:05:30"], "2024-01-31T15:05:30"),
        (["01/02/2024", "31/01/2024"], "2024-02-01"),
        (["2024/01/31", "2024/02/01"], "2024-01-31"),
        (["31 Jan 2024", "1 Feb 2024"], "2024-01-31"),
        (["January 31, 2024", "February 1, 2024"], "2024-01-31"),
        (["31-Jan-24", "01-Feb-24"], "2024-01-31"),
        (["Wed, 31 Jan 2024 10:30:00 +0200", "Thu, 01 Feb 2024 10:30:00 +0000"], "2024-01-31T08:30"),
    ],
)
def test_dates_in_many_formats(texts: list[str], expected: str) -> None:
    column, _ = clean([*texts, "NA"])
    assert column.iloc[0] == pd.Timestamp(expected)
    assert pd.isna(column.iloc[-1])


def test_dates_of_several_formats_or_beyond_pandas_stay_text() -> None:
    assert clean(["2024-01-31", "31.01.2024"])[0].tolist() == ["2024-01-31", "31.01.2024"]
    assert clean(["2024-02-30", "2024-01-01"])[0].tolist() == ["2024-02-30", "2024-01-01"]
    assert clean(["2024-01-31", "9999-12-31"])[0].tolist()[1] == "9999-12-31"
    never = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
    assert clean([never], pa.timestamp("us", "UTC"))[0].iloc[0].startswith("9999-12-31")


def test_zoned_timestamps_become_utc() -> None:
    zoned = dt.datetime(2024, 1, 31, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert clean([zoned], pa.timestamp("us", "UTC"))[0].iloc[0] == pd.Timestamp("2024-01-31 08:00")


def test_a_few_words_among_numbers_are_refused() -> None:
    texts = [str(number) for number in range(1, 99)] + ["unknown", "n.a."]
    with pytest.raises(InputError, match=r"'x' mixes 98 numbers with 2 other cells, such as 'unknown', 'n.a.'"):
        clean(texts)
    assert clean(texts, as_text=["x"])[0].tolist() == texts
    assert clean(texts, unchecked=["x"])[0].tolist() == texts
    assert clean(texts[90:])[0].tolist() == texts[90:]


def test_all_columns_that_cannot_be_read_are_named_at_once() -> None:
    mixed = [*map(str, range(98)), "unknown", "n.a."]
    table = pa.table({"x": mixed, "fine": [*mixed[:98], "98", "99"], "y": mixed})
    with pytest.raises(InputError, match=r"(?s)column 'x' mixes 98 .*\ncolumn 'y' mixes 98 ") as refusal:
        cleaning.clean(CONFIG, table, Provenance())
    assert "'fine'" not in str(refusal.value)


@pytest.mark.parametrize("values", [["1", "inf", "-inf"], [1.0, np.inf, -np.inf]])
def test_infinite_numbers_are_refused(values: list[Any]) -> None:
    with pytest.raises(InputError, match=r"'x' holds numbers that are infinite or beyond 3.4e\+38 in rows 2, 3"):
        clean(values)


def test_many_chunks_and_no_rows() -> None:
    table = pa.table({"x": pa.chunked_array([["1", "b"], ["c", "1"], ["b"]])})
    assert cleaning.clean(CONFIG, table, Provenance())["x"].tolist() == ["1", "b", "c", "1", "b"]
    assert len(cleaning.clean(CONFIG, table.slice(0, 0), Provenance())) == 0


def test_columns_that_no_model_uses_may_hold_what_no_network_can_learn_from() -> None:
    table = pa.table({"x": ["1", "2e39"]})
    config = CONFIG.model_copy(update={"ignore": ("x",)})
    assert cleaning.clean(config, table, Provenance())["x"].tolist() == [1, 2e39]


def test_predicting_refuses_numbers_as_the_server_does() -> None:
    table = pd.DataFrame({"x": ["1.5", "1e39", "-inf", "", "3e38"]})
    values, reasons = cleaning.read_for_model(CONFIG, table, {"x": "number"})
    assert values["x"].iloc[[0, 4]].tolist() == [1.5, 3e38]
    assert (reasons != "").tolist() == [False, True, True, False, False]
    assert reasons[1] == "column 'x' holds '1e39', which is not a number of at most 3.4e+38"


def test_markers_that_may_be_values_are_counted_and_can_be_kept() -> None:
    table = pa.table({"y": ["None", "yes", "None", "NA"], "garage": ["?", "a", "b", "?"], "size": ["1", "?", "3", "4"]})
    config = CONFIG.model_copy(update={"target": "y", "missing_markers": ("", "NA", "None", "?")})
    provenance = Provenance()
    assert cleaning.clean(config, table, provenance)["y"].isna().sum() == 3
    advice = "if that is a value like others, name the column in keep_markers"
    assert provenance.notes == [
        f"y: 3 cells count as missing, of which 2 are 'None', 1 are 'NA'; {advice}",
        f"garage: 2 cells count as missing, of which 2 are '?'; {advice}",
    ]
    keeping = config.model_copy(update={"keep_markers": ("y",)})
    assert cleaning.clean(keeping, table, Provenance())["y"].tolist() == ["None", "yes", "None", "NA"]
    values, _ = cleaning.read_for_model(keeping, pd.DataFrame({"y": ["None", ""]}), {"y": "category"})
    assert values["y"].tolist() == ["None", "" if targets.IS_SET else None]
