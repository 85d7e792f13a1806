"""The step of a series is found, written and continued over months, leap years and ends of months."""

import numpy as np
import pandas as pd
import pytest

from project.series import steps
from project.series.steps import Step


def seconds(*times: str) -> np.ndarray:
    return np.array(times, "datetime64[s]").astype(np.int64)


@pytest.mark.parametrize(
    ("rule", "name", "seasons"),
    [
        ("15min", "15 minutes", (96, 672, 34_944)),
        ("H", "1 hour", (24, 168, 8_736)),
        ("D", "1 day", (7, 364)),
        ("B", "1 business day", (5, 260)),
        ("7D", "1 week", (52,)),
        ("MS", "1 month", (12,)),
        ("M", "1 month", (12,)),
        ("QS", "1 quarter", (4,)),
        ("YS", "1 year", ()),
    ],
)
def test_a_step_is_inferred_and_continued(rule: str, name: str, seasons: tuple[int, ...]) -> None:
    offset = pd.tseries.frequencies.to_offset({"M": pd.offsets.MonthEnd(), "H": pd.Timedelta("1h")}.get(rule, rule))
    times = pd.date_range("2019-12-31" if rule == "M" else "2020-01-01", periods=40, freq=offset)
    found = times.to_numpy("datetime64[s]").astype(np.int64)
    step = steps.infer([found[:30]])
    assert step is not None
    assert (step.name, step.seasons) == (name, seasons)
    np.testing.assert_array_equal(step.times(int(found[0]), np.arange(40)), found)
    np.testing.assert_allclose(step.number(found, int(found[0])), np.arange(40))
    assert steps.parse(name).months == step.months


def test_business_days_have_no_weekends_and_a_holiday_is_a_missing_step() -> None:
    days = pd.bdate_range("2024-01-01", periods=60).delete([7, 30]).to_numpy("datetime64[s]").astype(np.int64)
    step = steps.infer([days])
    assert step == steps.parse("business day") == Step(steps.DAY, business=True)
    friday = seconds("2024-03-01")[0]
    assert steps.write_times(step.times(int(friday), np.array([-1, 0, 1, 2, 6]))).tolist() == [
        *("2024-02-29T00:00:00", "2024-03-01T00:00:00", "2024-03-04T00:00:00"),
        *("2024-03-05T00:00:00", "2024-03-11T00:00:00"),
    ]
    odd = seconds("2024-03-02", "2024-03-04T01:00:00")  # a Saturday, and another time of day
    assert (step.number(odd, int(friday)) % 1 > 0).all()
    assert steps.infer([np.append(days, seconds("2024-06-01"))]) == Step(steps.DAY)


def test_a_missing_step_does_not_change_the_step() -> None:
    times = np.delete(np.arange(0, 86_400 * 30, 3_600), [3, 4, 5, 90])
    assert steps.infer([times]) == Step(3_600)
    assert steps.infer([times[:1]]) is None


@pytest.mark.parametrize("text", ["", "0 days", "often", "1 fortnight", "-1 day"])
def test_what_names_no_step_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="15 minutes or 1 day"):
        steps.parse(text)


def test_times_are_read_in_utc_and_written() -> None:
    assert steps.read_time("2024-02-29") == seconds("2024-02-29")[0]
    assert steps.read_time("2024-02-29T12:00:00+02:00") == seconds("2024-02-29T10:00:00")[0]
    assert steps.write_times(seconds("2024-02-29T10:00:00"))[0] == "2024-02-29T10:00:00"
