"""Times of a zone: hours become UTC, days stay days, and a clock that was put back is no contradiction."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project.core.errors import InputError, RequestError
from project.data import requests
from project.series import table_input

from declared import Config
from series_tables import read, table

ZONE = "Europe/Berlin"
ENTRY = {"column": "t", "seconds": 3_600, "months": 0, "ends": False, "timezone": ZONE, "kind": "time", "length": 3}


def local_hours(first: str, last: str) -> list[str]:
    return [str(time) for time in pd.date_range(first, last, freq="1h", tz=ZONE).tz_localize(None)]


def num_steps(rows: pd.DataFrame) -> int:
    """How many different steps follow each other."""
    return len(rows["t"].diff().dropna().unique())


def test_zoned_hours_become_utc(tmp_path: Path) -> None:
    zoned = [f"2024-03-31T0{hour}:00:00+0{1 + (hour > 1)}:00" for hour in (0, 1, 3, 4, 5)]
    rows = read(tmp_path, table(zoned))
    assert rows["t"].iloc[0] == pd.Timestamp("2024-03-30T23:00:00")
    assert num_steps(rows) == 1
    assert "times of 't' are read in UTC, and forecasts are in UTC, too" in rows.attrs["notes"]
    assert read(tmp_path, table(zoned), timezone=ZONE)["t"].tolist() == rows["t"].tolist()
    local = read(tmp_path, table(local_hours("2024-03-01", "2024-03-02")))
    assert not any("in UTC" in note for note in local.attrs["notes"])


@pytest.mark.parametrize("order", [1, -1])
def test_a_clock_that_was_put_back_is_no_contradiction(tmp_path: Path, order: int) -> None:
    rows = read(tmp_path, table(local_hours("2024-10-26", "2024-10-28")[::order]), timezone=ZONE)
    assert num_steps(rows) == 1
    assert rows["t"].iloc[0] == pd.Timestamp("2024-10-25T22:00:00")


def test_each_series_has_its_own_clock(tmp_path: Path) -> None:
    hours = local_hours("2024-10-26", "2024-10-28")
    both = pd.concat([table(hours, shop="a"), table(hours, shop="b")])
    rows = read(tmp_path, both, timezone=ZONE, series="shop")
    assert len(rows) == 2 * len(hours)
    assert rows.groupby("shop")["t"].apply(lambda times: times.diff().dropna().nunique()).tolist() == [1, 1]


def test_an_hour_that_a_logger_had_once_is_summer_time(tmp_path: Path) -> None:
    hours = list(dict.fromkeys(local_hours("2024-10-26", "2024-10-28")))
    rows = read(tmp_path, table(hours), timezone=ZONE)
    assert "a step is 1 hour; 1 steps have no row" in rows.attrs["notes"]


@pytest.mark.parametrize("is_zoned", [True, False])
def test_days_of_a_zone_stay_days(tmp_path: Path, is_zoned: bool) -> None:
    days = pd.date_range("2024-03-25", "2024-04-05", freq="D", tz=ZONE)
    times = [day.isoformat() if is_zoned else str(day.date()) for day in days]
    rows = read(tmp_path, table(times), timezone=ZONE)
    assert rows["t"].tolist() == list(days.tz_localize(None))
    if is_zoned:
        with pytest.raises(InputError, match="set timezone if they are days of a zone"):
            read(tmp_path, table(times))


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=ZONE):
        read(tmp_path, table(), timezone="Atlantis/Poseidonis")


def test_clients_may_send_local_and_zoned_times() -> None:
    def sent(*cells: str) -> list[str]:
        return requests.read(ENTRY, [list(cells)], strict=True)[0].tolist()

    expected = ["2024-07-01T08:00:00", "2024-07-01T09:00:00", "2024-07-01T10:00:00"]
    assert sent("2024-07-01T10:00", "2024-07-01T11:00", "2024-07-01T12:00") == expected
    assert sent("2024-07-01T08:00Z", "2024-07-01T11:00+02:00", "2024-07-01T10:00Z") == expected
    with pytest.raises(RequestError, match="a time such as"):
        sent("2024-07-01T10:00", "noon", "2024-07-01T12:00")
    days: dict[str, Any] = ENTRY | {"seconds": 86_400, "length": 1}
    zoned = requests.read(days, [["2024-07-01T00:00:00+02:00"]], strict=True)
    assert zoned[0].tolist() == ["2024-07-01T00:00:00"]


@pytest.mark.parametrize("zone", ["", "+02:00"])
def test_tables_of_histories_may_hold_local_and_zoned_times(zone: str) -> None:
    config = Config(source="", target="y", time="t")
    values = pd.Series([f"2024-07-01T{hour}:00:00{zone}" for hour in (10, 11)])
    read_values = pd.to_datetime(values, utc=True).dt.tz_localize(None) if zone else pd.to_datetime(values)
    found = table_input.read_times(config, ENTRY, pd.DataFrame({"t": values}), read_values)
    np.testing.assert_array_equal(found.to_numpy(), pd.to_datetime(["2024-07-01T08:00", "2024-07-01T09:00"]).to_numpy())


@pytest.mark.parametrize("units", [1, 1_000, 1_000_000, 1_000_000_000])
def test_numbers_may_be_seconds_since_1970_or_parts_of_them(tmp_path: Path, units: int) -> None:
    hours = pd.date_range("2001-09-08", periods=40, freq="1h")  # when they got a digit more
    numbers = [int(hour.timestamp()) * units for hour in hours]
    rows = pd.DataFrame({"t": numbers, "y": np.arange(40.0)})
    assert read(tmp_path, rows)["t"].tolist() == hours.tolist()
    local = read(tmp_path, rows, timezone=ZONE)
    assert local["t"].tolist() == hours.tolist(), "they are in UTC whatever the zone"
    found = table_input.read_times(Config(source="", target="y", time="t"), ENTRY, rows, rows["t"])
    assert found.tolist() == hours.tolist()


@pytest.mark.parametrize(("written", "unit"), [("%Y%m%d%H", "h"), ("%Y%m%d%H%M", "min"), ("%Y%m%d%H%M%S", "s")])
def test_numbers_may_be_dates_and_clocks(tmp_path: Path, written: str, unit: str) -> None:
    times = pd.date_range("2024-02-28T23:00", periods=40, freq=f"1{unit}")
    rows = read(tmp_path, pd.DataFrame({"t": times.strftime(written).astype("int64"), "y": np.arange(40.0)}))
    assert rows["t"].tolist() == times.tolist()


def test_numbers_too_large_for_times_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no time that can be read"):
        read(tmp_path, pd.DataFrame({"t": np.arange(40) * 1e25, "y": np.arange(40.0)}))


def test_clocks_that_are_milliseconds_off_lie_on_the_grid(tmp_path: Path) -> None:
    hours = pd.date_range("2024-01-01", periods=40, freq="1h")
    off = pd.to_timedelta(np.tile([-4, 0, 3, 400], 10), unit="ms")
    rows = read(tmp_path, table([str(time) for time in hours + off]))
    assert rows["t"].tolist() == hours.tolist()
    sent = requests.read(ENTRY, [["2024-07-01T07:59:59.996Z"] * 3], strict=True)[0]
    assert sent.tolist() == ["2024-07-01T08:00:00"] * 3


@pytest.mark.parametrize("freq", ["100ms", "250ms"])
def test_steps_of_less_than_a_second_are_refused(tmp_path: Path, freq: str) -> None:
    times = pd.date_range("2024-01-01", periods=400, freq=freq)
    with pytest.raises(InputError, match="lie fractions of a second apart"):
        read(tmp_path, table([str(time) for time in times]))


def test_an_unknown_frequency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frequency is '100 milliseconds'; a number and a unit are needed"):
        read(tmp_path, table(), frequency="100 milliseconds")
