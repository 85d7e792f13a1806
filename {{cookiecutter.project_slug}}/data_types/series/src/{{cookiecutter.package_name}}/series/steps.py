"""The step of a time series: how it is inferred, written, counted and continued; times are whole seconds since 1970.

Free of pandas, so that the server can use it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]

DAY = 86_400
UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": DAY, "week": 7 * DAY}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
CALENDAR = (DAY, 7 * DAY, 52 * 7 * DAY)  # seconds; the year of whole weeks keeps the day of the week
MIN_SEASON = 4  # steps
WEEKS_OF_YEAR = 52
BUSINESS_DAY, WORKDAYS = "1 business day", 5
PATTERN = re.compile(r"(\d*) *(second|minute|hour|day|week|month|quarter|year)s?")


@dataclass(frozen=True)
class Step:
    """A step of so many seconds or, if `months` is above 0, of so many months; `ends` if times are ends of months.

    With `business` it is a day, and there is none on Saturdays and Sundays.
    """

    seconds: int = 0
    months: int = 0
    ends: bool = False
    business: bool = False

    @property
    def name(self) -> str:
        """The step in words, as the setting `frequency` takes it."""
        if self.business:
            return BUSINESS_DAY
        for units, size in ((MONTHS, self.months), (UNITS, self.seconds)):
            for unit, length in reversed(units.items()):
                if size and size % length == 0:
                    return f"{size // length} {unit}{'s' if size > length else ''}"
        return f"{self.seconds} seconds"

    @property
    def seasons(self) -> tuple[int, ...]:
        """The cycles of the calendar that have at least MIN_SEASON steps, in steps: a day, a week and a year."""
        if self.business:
            return WORKDAYS, WORKDAYS * WEEKS_OF_YEAR
        if self.months:
            lengths = [12 // self.months] if 12 % self.months == 0 else []
        else:
            lengths = [cycle // self.seconds for cycle in CALENDAR if cycle % self.seconds == 0]
        return tuple(length for length in lengths if length >= MIN_SEASON)

    @property
    def is_days(self) -> bool:
        """Whether it is made of whole days."""
        return self.months > 0 or self.seconds % DAY == 0

    def number(self, times: Seconds, first: int) -> npt.NDArray[np.float64]:
        """How many steps each time lies behind the first one; a fraction where it is off the grid."""
        if self.business:
            off = (times - first) % DAY / DAY + np.where(are_weekends(times), 0.5, 0)
            return np.asarray(business_number(times // DAY) - business_number(np.array(first // DAY)) + off)
        if not self.months:
            return (times - first) / self.seconds
        months, rest = months_of(times)
        start, offset = months_of(np.array([first]))
        off_grid = 0.0 if self.ends else (rest - offset) / (40 * DAY)
        return np.asarray((months - start) / self.months + off_grid)

    def times(self, first: int, numbers: npt.NDArray[np.integer]) -> Seconds:
        """The times that lie so many steps behind the first one."""
        if self.business:
            days = business_day(business_number(np.array(first // DAY)) + numbers)
            return np.asarray(DAY * days + first % DAY, np.int64)
        if not self.months:
            return np.asarray(first + numbers * self.seconds, np.int64)
        start, offset = months_of(np.array([first]))
        months = start + numbers * self.months
        if self.ends:
            return start_of_month(months + 1) - DAY + offset % DAY
        return np.minimum(start_of_month(months) + offset, start_of_month(months + 1) - DAY + offset % DAY)


def parse(text: str) -> Step:
    """The step that the setting `frequency` names, such as 15 minutes, hour, 1 day or 3 months.

    Raises:
        ValueError: it names none.
    """
    if text.strip().lower().removeprefix("1 ") == BUSINESS_DAY.removeprefix("1 "):
        return Step(DAY, business=True)
    found = PATTERN.fullmatch(text.strip().lower())
    if not found or found[1] == "0":
        message = f"frequency is {text!r}; a number and a unit are needed: {', '.join((*UNITS, *MONTHS))}"
        raise ValueError(f"{message}, such as 15 minutes or 1 day")
    count = int(found[1] or 1)
    return Step(count * UNITS[found[2]]) if found[2] in UNITS else Step(months=count * MONTHS[found[2]])


def infer(series: Sequence[Seconds]) -> Step | None:
    """The step by which most of the sorted times of all series follow each other; None if there are too few times."""
    gaps = np.concatenate([np.diff(times) for times in series] or [np.zeros(0, np.int64)])
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return None
    times = np.concatenate(series)
    months, rest = months_of(times)
    is_end = (start_of_month(months + 1) - times <= DAY).all()
    if np.median(gaps) >= 28 * DAY and (is_end or (rest == rest[0]).all()):
        distances = np.concatenate([np.diff(months_of(each)[0]) for each in series])
        return Step(months=common(distances[distances > 0]), ends=bool(is_end))
    step = common(gaps)
    return Step(
        step, business=step == DAY < gaps.max() and len(times) >= 2 * WORKDAYS and not are_weekends(times).any()
    )


def are_weekends(times: Seconds) -> npt.NDArray[np.bool_]:
    """Which times lie on a Saturday or Sunday."""
    return np.asarray((times // DAY + 3) % 7 >= WORKDAYS)  # 1970 began on a Thursday


def business_number(days: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Consecutive numbers of days since 1970 from Monday to Friday; Saturday and Sunday have that of Friday."""
    weeks, weekday = np.divmod(days + 3, 7)
    return np.asarray(WORKDAYS * weeks + np.minimum(weekday, WORKDAYS - 1), np.int64)


def business_day(numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Days since 1970 of such numbers."""
    return np.asarray(7 * (numbers // WORKDAYS) + numbers % WORKDAYS - 3, np.int64)


def common(gaps: npt.NDArray[np.integer]) -> int:
    """The most frequent gap; of equally frequent ones the shortest."""
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[np.argmax(counts)])


def months_of(times: Seconds) -> tuple[Seconds, Seconds]:
    """The months since January 1970, and the seconds since the month's beginning."""
    months = times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return months, times - start_of_month(months)


def start_of_month(months: npt.NDArray[np.integer]) -> Seconds:
    """When months, counted from January 1970, begin."""
    return months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)


def read_time(text: str, timezone: str = "", keeps_days: bool = False) -> int:
    """An ISO 8601 time as seconds since 1970, in UTC, to the nearest one.

    Without a zone it is a local time of `timezone` or, if that is empty, in UTC. With `keeps_days`, what counts is the
    clock that `timezone` shows.

    Raises:
        ValueError: it is none.
    """
    time = datetime.fromisoformat(text)
    zone = ZoneInfo(timezone) if timezone else UTC
    time = time if time.tzinfo else time.replace(tzinfo=zone)
    if keeps_days:
        time = time.astimezone(zone).replace(tzinfo=UTC)
    return round(time.timestamp())


def write_times(times: Seconds) -> npt.NDArray[np.object_]:
    """Times as the model reads them, such as 2026-11-22T09:30:00."""
    return np.datetime_as_string(times.astype("datetime64[s]")).astype(object)
