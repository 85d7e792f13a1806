"""What is wrong with the times of a table is repaired by a stated rule, or refused in words that help."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import examples
from project.core.errors import InputError
from project.data import cell_formats

from declared import Config
from series_tables import DAYS, read, table


def test_the_bundled_sample_can_be_read() -> None:
    rows = examples.read_examples(Config(source=str(Path(__file__).parents[2] / Config().source)))
    assert Config().target in rows.columns
    assert len(rows) > 100


def test_rows_are_sorted_and_repetitions_left_out(tmp_path: Path) -> None:
    rows = table()
    doubled = pd.concat([rows, rows.head(2)]).sample(frac=1, random_state=0)
    read_rows = read(tmp_path, doubled)
    assert read_rows["y"].tolist() == rows["y"].tolist()
    assert read_rows.attrs["dropped"]["repeats another row"]["count"] == 2


def test_rows_that_contradict_each_other_are_refused_or_the_last_counts(tmp_path: Path) -> None:
    doubled = pd.concat([table(), table(DAYS[:1]).assign(y=77.0)])
    with pytest.raises(InputError, match=r"row 1 has the time .* timezone .* max_bad_share to 0.0345, "):
        read(tmp_path, doubled)
    assert read(tmp_path, doubled, max_bad_share=0.1)["y"].iloc[0] == 77


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ({"hour": np.arange(24.0)}, "join 't' and 'hour', which tells them apart, into one column of times"),
        ({"clock": [f"{hour:02}:00" for hour in range(24)]}, "join 't' and 'clock', which tells them apart, "),
        ({"station": [f"station {number}" for number in range(24)]}, "set series to 'station', which tells them apart"),
        ({"wind": [0.5] * 24}, "or another column by time, since most times are repeated"),
    ],
)
def test_a_day_that_each_hour_repeats_asks_for_another_time(tmp_path: Path, columns: dict, advice: str) -> None:
    rows = [
        {"t": day, **{name: values[hour] for name, values in columns.items()}} for day in DAYS for hour in range(24)
    ]
    with pytest.raises(InputError, match=advice):
        read(tmp_path, pd.DataFrame(rows).assign(y=range(len(rows))), max_bad_share=0.1)


def test_stamps_beside_a_day_are_the_time(tmp_path: Path) -> None:
    stamps = pd.date_range("2024-01-01", periods=48, freq="h")
    rows = pd.DataFrame({"t": stamps.date, "stamp": stamps, "y": range(48)})
    with pytest.raises(InputError, match="set time to 'stamp', which tells them apart"):
        read(tmp_path, rows)


def test_gaps_stay_missing_and_are_counted(tmp_path: Path) -> None:
    rows = read(tmp_path, table(DAYS[:5] + DAYS[8:]))
    assert len(rows) == 25
    assert "a step is 1 day; 3 steps have no row" in rows.attrs["notes"]


def test_irregular_times_are_refused_or_left_out(tmp_path: Path) -> None:
    times = [*DAYS[:10], "2024-01-10T07:30:00", *DAYS[10:]]
    with pytest.raises(InputError, match="1 of 29 times are not a whole number of steps"):
        read(tmp_path, table(times))
    assert len(read(tmp_path, table(times), max_bad_share=0.1)) == 28


def test_leaving_out_is_not_advised_where_most_times_are_irregular(tmp_path: Path) -> None:
    minutes = np.random.default_rng(0).integers(1, 1_400, 30)
    times = [f"{day}T{minute // 60:02}:{minute % 60:02}:00" for day, minute in zip(DAYS, minutes, strict=False)]
    with pytest.raises(InputError, match=r"apart, such as .*; aggregate them to regular steps") as refusal:
        read(tmp_path, table(times))
    assert "max_bad_share" not in str(refusal.value)


def test_too_many_gaps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="have no row; set frequency"):
        read(tmp_path, table(), frequency="1 hour")


def test_formats_may_be_mixed_if_each_means_one_thing(tmp_path: Path) -> None:
    mixed = [f"{day[8:]} Jan 2024" if number % 2 else day for number, day in enumerate(DAYS)]
    assert read(tmp_path, table(mixed))["t"].tolist() == [pd.Timestamp(day) for day in DAYS]
    ambiguous = ["01/02/2024", *DAYS[5:]]
    with pytest.raises(InputError, match="read in two ways"):
        read(tmp_path, table(ambiguous))
    with pytest.raises(InputError, match="which is no time"):
        read(tmp_path, table(["yesterday", *DAYS]))


def test_times_are_read_as_collect_found_them_written(tmp_path: Path) -> None:
    first = [f"{day:02}/02/2024" for day in range(1, 29)]
    rows = read(tmp_path, table(first))
    assert rows["t"].iloc[-1] == pd.Timestamp("2024-02-28")
    path = tmp_path / "formats.json"
    cell_formats.save(Config(cell_formats=path), rows.attrs["formats"])
    assert read(tmp_path, table(first[:9]), cell_formats=path)["t"].iloc[1] == pd.Timestamp("2024-02-02")
    with pytest.raises(InputError, match=r"'01/02/2024' can be read in two ways, .* set day_first"):
        read(tmp_path, table(first[:9]))
    assert read(tmp_path, table(first[:9]), day_first=True)["t"].iloc[1] == pd.Timestamp("2024-02-02")
    with pytest.raises(InputError, match="column 't' holds '02/13/2024' in rows 1, 2, which is not a date"):
        read(tmp_path, table(["02/13/2024", "02/14/2024"]), cell_formats=path)


@pytest.mark.parametrize(
    ("years", "step"),
    [
        (range(1990, 2020), "1 year"),
        ([f"{year}.0" for year in range(1990, 2020)], "1 year"),
        ([1990 + month / 12 for month in range(60)], "1 month"),
        ([round(1990 + month / 12, 2) for month in range(60)], "1 month"),
        ([1990 + (month + 0.5) / 12 for month in range(60)], "1 month"),
        ([1990 + quarter / 4 for quarter in range(40)], "1 quarter"),
        ([100 * year + month for year in (1990, 1991) for month in range(1, 13)], "1 month"),
        ([19900101 + day for day in range(31)], "1 day"),
    ],
)
def test_numbers_of_years_months_and_days_are_times(tmp_path: Path, years: Sequence[float], step: str) -> None:
    rows = read(tmp_path, table([str(year) for year in years]))
    assert rows["t"].iloc[0] == pd.Timestamp("1990-01-01")
    assert f"a step is {step}" in rows.attrs["notes"]


@pytest.mark.parametrize("first", [1565, 3, 1990.001, 199090])
def test_other_numbers_are_no_times(tmp_path: Path, first: float) -> None:
    with pytest.raises(InputError, match=r"no time .* years from 1678 on, such as 1959\.25"):
        read(tmp_path, table([str(first + number / 52) for number in range(30)]))


def test_series_have_starts_and_ends_of_their_own(tmp_path: Path) -> None:
    both = pd.concat([table(shop="a"), table(DAYS[10:20], shop="b")])
    rows = read(tmp_path, both, series="shop")
    assert rows["shop"].tolist() == ["a"] * 28 + ["b"] * 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"known": "price"}, "known is 'price', which is no column"),
        ({"series": "t"}, "has one duty"),
        ({"static": "z", "series": "shop"}, "take it out of static"),
        ({"frequency": "sometimes"}, "frequency is 'sometimes'"),
        ({"time": ""}, "time is empty"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    rows = table(shop="a", z=[float(number % 2) for number in range(28)])
    with pytest.raises(ValueError, match=message):
        read(tmp_path, rows, **settings)


def test_a_missing_time_is_named_by_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing in row 3"):
        read(tmp_path, table([*DAYS[:2], "", *DAYS[3:]]))
