"""From the table of a source to rows that series can be made of: times read, sorted, unique and on the grid."""

import numpy as np
import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..data.provenance import Provenance, name_rows, share_needed
from . import series_times, steps
from .steps import Step

MAX_LOST_SHARE = 0.5  # of rows whose time another row has, or that lie between steps; with more, it is not their time
TIME_OF_DAY = r"\d{1,2}([:.h]\d{2}){0,2}h?( ?[AaPp]\.?[Mm]\.?)?"
MAX_MISSING_SHARE = 0.5  # of the steps between the first and the last time of all series
ONE = "all"  # the name of the series where there is only one


def clean(config: Config, rows: pd.DataFrame, provenance: Provenance, is_zoned: bool = False) -> pd.DataFrame:
    """Sorted rows with one row per series and time, all times on the grid; says in `provenance` what was done.

    Times are read by `series_times`; `is_zoned` says whether the source wrote them with their zone. Rows that repeat
    another one are left out; of rows that contradict each other the last one counts, if they are at most
    `max_bad_share`. Steps without a row stay missing.

    Raises:
        InputError: a setting names no column, or the times cannot be used.
    """
    check_names(config, rows)
    rows = rows.assign(**{config.time: series_times.read_times(config, rows, is_zoned, provenance)})
    order = [config.series, config.time] if config.series else [config.time]
    is_missing = rows[order].isna().any(axis=1)
    if is_missing.any():
        message = f"{' or '.join(order)} is missing in {name_rows((np.flatnonzero(is_missing) + 1).tolist())}"
        raise InputError(f"{message}; every row needs them: fill them or leave the rows out")
    if config.series:
        rows = rows.assign(**{config.series: rows[config.series].astype(str)})
    check_fractions(config, rows, order)
    rows = rows.assign(**{config.time: series_times.to_seconds(rows[config.time])})
    rows = without_repetitions(config, rows, order, provenance)
    check_static(config, rows)
    return on_grid(config, rows.sort_values(order, kind="stable", ignore_index=True), provenance)


def check_names(config: Config, rows: pd.DataFrame) -> None:
    """Refuses settings that name no column, or one column for two duties."""
    duties = {"time": [config.time], "series": [config.series] if config.series else []}
    duties["sample_weight"] = [config.sample_weight] if config.sample_weight else []
    duties |= {"target": [config.target, *config.further_targets], "known": [*config.known], "static": [*config.static]}
    seen: dict[str, str] = {}
    for duty, names in duties.items():
        for name in names:
            if name not in rows.columns:
                known = ", ".join(map(str, rows.columns[:20])) or "none"
                raise InputError(
                    f"{duty} is {name!r}, which is no column of the source ({known}); set it to one of these"
                )
            if name in seen:
                raise InputError(f"{name!r} is both {seen[name]} and {duty}; a column has one duty: fix the settings")
            seen[name] = duty


def check_fractions(config: Config, rows: pd.DataFrame, order: list[str]) -> None:
    """Refuses times of which several lie in one second, of which all but one would be lost."""
    seconds = rows[order].assign(**{config.time: series_times.to_seconds(rows[config.time])})
    num_lost = len(rows[order].drop_duplicates()) - len(seconds.drop_duplicates())
    if num_lost > MAX_LOST_SHARE * len(rows):
        message = f"times of {config.time!r} lie fractions of a second apart, and steps are whole seconds"
        raise InputError(f"{message}; average the rows of each second, or write times in which a step is a second")


def without_repetitions(config: Config, rows: pd.DataFrame, order: list[str], provenance: Provenance) -> pd.DataFrame:
    """The last row of each series and time."""
    is_repeated = rows.duplicated(keep="first")
    provenance.drop("repeats another row", (np.flatnonzero(is_repeated) + 1).tolist())
    contradicts = rows[order].duplicated(keep="last") & ~is_repeated
    numbers = (np.flatnonzero(contradicts & ~rows.duplicated(keep="last")) + 1).tolist()
    if len(numbers) > config.max_bad_share * len(rows):
        message = (
            f"{name_rows(numbers)} ha{'s' if len(numbers) == 1 else 've'} the time of another row with other values"
        )
        raise InputError(f"{message}; {how_to_tell_apart(config, rows, order, len(numbers), provenance)}")
    provenance.drop("has the time of a later row", numbers)
    return rows[~rows[order].duplicated(keep="last")]


def how_to_tell_apart(
    config: Config, rows: pd.DataFrame, order: list[str], num_repeated: int, provenance: Provenance
) -> str:
    """What to do about different rows of the same time, by the first column that tells them apart."""
    for name in rows.columns.difference([*order, config.target, *config.further_targets], sort=False):
        values = rows[name].dropna()
        is_clock = name in provenance.formats and provenance.formats[name].kind == "duration"
        is_whole = types.is_numeric_dtype(values) and bool((values % 1 == 0).all())
        is_real = types.is_float_dtype(values) and not is_whole and not is_clock
        if is_real or rows.duplicated([*order, name]).any():
            continue
        if types.is_datetime64_any_dtype(values):
            return f"set time to {name!r}, which tells them apart"
        if is_clock or is_whole or values.astype(str).str.fullmatch(TIME_OF_DAY).all():
            return f"join {config.time!r} and {name!r}, which tells them apart, into one column of times"
        if not config.series:
            return f"set series to {name!r}, which tells them apart"
    advice = "name their series by the setting series, their zone by timezone if the clock was put back"
    if num_repeated > MAX_LOST_SHARE * len(rows):
        return f"{advice}, or another column by time, since most times are repeated"
    return f"{advice}, or set max_bad_share to {share_needed(num_repeated, len(rows))}, and the last of each counts"


def check_static(config: Config, rows: pd.DataFrame) -> None:
    """Refuses static columns that change within a series."""
    for name in config.static:
        values = rows.groupby(config.series)[name] if config.series else rows.groupby(np.zeros(len(rows)))[name]
        changing = values.nunique()
        if (changing > 1).any():
            message = f"static names {name!r}, which has {changing.max()} values in series {changing.idxmax()}"
            raise InputError(f"{message}; take it out of static: what changes in time is a covariate")


def on_grid(config: Config, rows: pd.DataFrame, provenance: Provenance) -> pd.DataFrame:
    """The rows whose times lie on the grid of their series, which is that of most of its times."""
    step, groups = step_of(config, rows), by_series(config, rows)
    is_off = np.zeros(len(rows), bool)
    num_steps = 0
    for _, places in groups:
        times = seconds_of(rows[config.time].iloc[places])
        numbers = step.number(times, int(times[0]))
        phases = np.round(numbers % 1, 6) % 1
        is_off[places] = phases != steps_phase(phases)
        num_steps += int(np.floor(numbers[-1])) + 1
    numbers_off = (np.flatnonzero(is_off) + 1).tolist()
    if len(numbers_off) > config.max_bad_share * len(rows):
        message = f"{len(numbers_off)} of {len(rows)} times are not a whole number of steps ({step.name}) apart"
        first = rows[config.time].iloc[numbers_off[0] - 1]
        advice = "aggregate them to regular steps, set frequency, set timezone if they are days of a zone"
        if len(numbers_off) <= MAX_LOST_SHARE * len(rows):
            advice += f", or leave them out by max_bad_share {share_needed(len(numbers_off), len(rows))}"
        raise InputError(f"{message}, such as {first}; {advice}")
    provenance.drop(f"time is off the grid of {step.name}", numbers_off)
    num_missing = num_steps - len(rows) + len(numbers_off)
    if num_missing > MAX_MISSING_SHARE * num_steps:
        message = f"{num_missing:,} of {num_steps:,} steps of {step.name} have no row"
        raise InputError(f"{message}; set frequency to the step in which the series was recorded")
    provenance.note(f"a step is {step.name}" + (f"; {num_missing:,} steps have no row" if num_missing else ""))
    return rows[~is_off].reset_index(drop=True)


def steps_phase(phases: np.ndarray) -> float:
    """The fraction of a step that most times have."""
    values, counts = np.unique(phases, return_counts=True)
    return float(values[np.argmax(counts)])


def step_of(config: Config, rows: pd.DataFrame) -> Step:
    """The step: the setting, or what the sorted rows show.

    Raises:
        InputError: there are too few rows to see one.
    """
    series = [seconds_of(rows[config.time].iloc[places]) for _, places in by_series(config, rows)]
    found = steps.infer(series)
    if config.frequency:
        try:
            named = steps.parse(config.frequency)
        except ValueError as error:
            raise InputError(str(error)) from error
        return Step(months=named.months, ends=bool(found and found.ends)) if named.months else named
    if found is None:
        raise InputError(f"the times of {config.time!r} show no step; set frequency, such as 1 day")
    return found


def by_series(config: Config, rows: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """The name of each series and the places of its rows, which are sorted by series and time."""
    if not config.series:
        return [(ONE, np.arange(len(rows)))] if len(rows) else []
    return [(str(name), places) for name, places in rows.groupby(config.series, sort=True).indices.items()]


def seconds_of(times: pd.Series) -> np.ndarray:
    """Times as whole seconds since 1970, (num_times,) int64."""
    return times.to_numpy("datetime64[s]").astype(np.int64)
