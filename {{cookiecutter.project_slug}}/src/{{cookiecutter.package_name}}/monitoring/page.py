"""The page of make monitor: the status, the rules that fired and what to do, then the details."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import metrics
from ..config import Config
from ..reporting import plots, report
from ..reporting.plots import Line
from ..reporting.report import (
    Banner,
    Block,
    Cell,
    Column,
    Figure,
    Interval,
    Page,
    Prose,
    Score,
    Scores,
    Section,
    Status,
    Table,
)
from ..settings.base import PROJECT
from . import rules
from .drift import Drift
from .traffic import Analysis, Tables, Traffic

BARS = 12  # of a small plot
TAILS = (1, 99)  # percentiles of a number between which the bars lie
MAX_COLUMNS = 300  # in a table, those that have drifted first
MAX_POINTS = 168  # of the plot of traffic: the hours of a week
SHARE = ".1%"


def write(
    config: Config, content: Mapping[str, Any], described: Mapping[str, Any], seen: Traffic, analysis: Analysis
) -> None:
    """Writes artifacts/monitoring/report.html."""
    sections = [
        Section("Rules", rule_tables(content["rules"])),
        Section("Features", drift_blocks(analysis, "features"), note=unwatched_note(analysis)),
        Section("Predictions", drift_blocks(analysis, "predictions")),
        Section("Quality", quality_blocks(analysis.quality)),
        Section("Schema violations", violation_blocks(analysis)),
        Section("Traffic", traffic_blocks(seen, content["version"])),
        Section("History", history_blocks(config, content["history"])),
    ]
    start, end = (content["window"][name][:16].replace("T", " ") for name in ("from", "to"))
    facts: dict[str, Cell] = {
        "Version": f"{content['version']}, exported {described['exported_at'][:10]}",
        "Window": f"{start} to {end} UTC",
        "Examples": seen.num_rows,
        "Goal": report.goal(described["goal"]),
    }
    page = Page("Monitoring of the model in service", banner(config, content), sections, facts)
    report.write_page(config.paths.monitoring / "report.html", page)


def banner(config: Config, content: Mapping[str, Any]) -> Banner:
    """The status, and the rules that fired."""
    fired = ", ".join(rule["name"] for rule in content["rules"] if rule["fired"])
    if content["status"] == "alarm":
        bad = rules.num_bad(config, content["history"])
        detail = f"{bad} of the last {config.history_windows} windows are bad, including this one."
        return Banner("bad", f"Alarm: {fired}", detail)
    if content["status"] == "unknown":
        return Banner("neutral", "Unknown: too little traffic", "The rules below say how much is needed.")
    if fired:
        detail = f"An alarm needs {config.alarm_windows} bad windows among the last {config.history_windows}."
        return Banner("neutral", f"No alarm yet, but this window is bad: {fired}", detail)
    return Banner("good", "Healthy: no rule has fired")


def rule_tables(judged: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The rules that fired, with what to do, then the others."""
    states = {None: Status("neutral", "unknown"), False: Status("good", "passed")}
    fired = [(rule["name"], rule["detail"], Prose(rule["action"])) for rule in judged if rule["fired"]]
    others = [(rule["name"], states[rule["fired"]], rule["detail"]) for rule in judged if not rule["fired"]]
    tables = [
        Table("Fired", ["Rule", "Details", "What to do"], fired),
        Table("Not fired", ["Rule", "State", "Details"], others),
    ]
    return [table for table in tables if table.rows]


def drift_blocks(analysis: Analysis, kind: str) -> list[Block]:
    """The compared columns, those with the most drift first."""
    if not analysis.has_enough_examples:
        return ["Not compared: the window has too few examples."]
    compared: list[Drift] = getattr(analysis, kind)
    ordered = sorted(compared, key=lambda each: (not (each.drifted or each.missing_drifted), -each.excess))
    rows = [drift_row(each, analysis.tables[kind]) for each in ordered[:MAX_COLUMNS]]
    columns: list[str | Column] = ["Column", "State", "Reference", "Window", Column("Distance", ".3f")]
    columns += [Column("Threshold", ".3f", "tolerance and sampling noise of a window of this size")]
    columns += [Column("Missing", SHARE, "in the window"), Column("Before", SHARE, "missing in the reference")]
    reference = "training examples" if kind == "features" else "predictions for training and validation examples"
    note = f"The first {MAX_COLUMNS} of {len(ordered):,} columns. " if len(ordered) > MAX_COLUMNS else ""
    note += "Jensen-Shannon divergence of numbers, L-infinity distance of categories; both range from 0 to 1."
    return [Table(f"Compared with the {reference}", columns, rows, note)] if rows else ["None of them is logged."]


def drift_row(compared: Drift, tables: Tables) -> list[Cell]:
    """A compared column, with plots of both distributions."""
    before, now, titles = bars(tables.reference[compared.column], tables.window[compared.column])
    plot = [
        Figure(place, plots.sparkline(list(shares), titles, width=72), f"{compared.column} in the {place}")
        for place, shares in (("reference", before), ("window", now))
    ]
    state = Status("good", "no drift")
    if compared.drifted or compared.missing_drifted:
        state = Status("bad", "drift" if compared.drifted else "missing values")
    elif compared.is_expected:
        state = Status("neutral", "expected to change")
    missing = (compared.missing, compared.reference_missing)
    return [compared.column, state, *plot, compared.distance, compared.threshold, *missing]


def bars(before: pd.Series, now: pd.Series) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], list[str]]:
    """Histograms of both with the same few bins, as shares, and the names of the bins."""
    both = pd.concat([before, now]).dropna()
    if pd.api.types.is_float_dtype(both):
        finite = both[np.isfinite(both)]
        low, high = np.percentile(finite, TAILS) if len(finite) else (0.0, 0.0)
        edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
        heights = [np.histogram(np.clip(values.dropna(), edges[0], edges[-1]), edges)[0] for values in (before, now)]
        titles = [f"{report.format_number(low)} … {report.format_number(high)}" for low, high in pairwise(edges)]
    else:
        titles = list(both.value_counts().index[:BARS])
        heights = [values.value_counts().reindex(titles, fill_value=0).to_numpy() for values in (before, now)]
    first, second = (height / max(height.sum(), 1) for height in heights)
    return first, second, titles


def unwatched_note(analysis: Analysis) -> str:
    """The columns that are not logged."""
    return f"Not monitored, because not logged: {', '.join(analysis.unwatched)}." if analysis.unwatched else ""


def quality_blocks(quality: Mapping[str, Any]) -> list[Block]:
    """The scores of the labelled predictions."""
    unusable = f"{quality['unusable']:,} labels could not be used." if quality["unusable"] else ""
    if "metrics" not in quality:
        text = f"{quality['examples']:,} predictions have a usable label; {quality['needed']} are needed."
        return [f"{text} {unusable} Send labels to the server, at /v1/models/{PROJECT}/feedback."]
    scores, primary = quality["metrics"], quality["metric"]
    ordered = sorted(scores, key=lambda name: name != primary)
    chosen = {name: metrics.METRICS[name] for name in ordered}
    items = [Score(each.label, Interval.of(scores[name], each.format)) for name, each in chosen.items()]
    if primary in scores:
        accepted = " ".join(report.format_interval(Interval.of(quality["accepted"]), chosen[primary].format))
        items[0] = items[0]._replace(note=f"accepted with {accepted}", state="bad" if quality["worse"] else "good")
    note = f"{quality['examples']:,} labelled predictions, which may differ from those without a label. {unusable}"
    return [Scores(items), note]


def violation_blocks(analysis: Analysis) -> list[Block]:
    """Violations of the reviewed schema; they fire no rule, since a single value is enough."""
    if not analysis.violations:
        return ["None." if analysis.has_enough_examples else "Not checked: the window has too few examples."]
    return [Table("Requests against the schema", ["Column", "Violation"], analysis.violations)]


def traffic_blocks(seen: Traffic, version: int) -> list[Block]:
    """Requests, latency, rejections and broken lines of the log."""
    items = [Score("Requests", Interval(seen.num_requests), note=f"{seen.num_rejected:,} rejected")]
    items += [Score(f"p{share} latency, ms", Interval(seen.latency(share / 100))) for share in (50, 95, 99)]
    blocks: list[Block] = [Scores(items)]
    if seen.num_requests:
        blocks.append(traffic_figure(seen))
    served = [
        (str(number), count, "in service" if number == version else "")
        for number, count in sorted(seen.rows_by_version.items())
    ]
    blocks.append(Table("Examples by version", ["Version", "Examples", "State"], served) if served else "No examples.")
    if seen.rejections:
        rows = [
            (str(status) if status else "", name, count, seen.messages[status, name])
            for (status, name), count in seen.rejections.most_common()
        ]
        blocks.append(Table("Rejected requests", ["Status", "Field", "Requests", "First message"], rows))
    if seen.broken:
        note = f"{seen.broken.total():,} lines could not be read and were skipped; the first are shown."
        blocks.append(Table("Broken lines of the log", ["Line"], [(line,) for line in seen.first_broken], note))
    return blocks


def traffic_figure(seen: Traffic) -> Figure:
    """Answered and rejected requests over time."""
    hours = sorted({*seen.answered_by_hour, *seen.rejected_by_hour})
    span = int((hours[-1] - hours[0]) / timedelta(hours=1)) + 1
    width = math.ceil(span / MAX_POINTS)
    places = np.arange(0, span, width)
    curves = []
    for name, counts in (("answered", seen.answered_by_hour), ("rejected", seen.rejected_by_hour)):
        heights = np.zeros(len(places))
        for hour, count in counts.items():
            heights[int((hour - hours[0]) / timedelta(hours=1)) // width] += count
        curves.append(Line(name, places, heights))
    unit = "hour" if width == 1 else f"{width} hours"
    since = f"hours since {hours[0]:%Y-%m-%d %H:%M} UTC"
    drawn = plots.lines(curves, since, f"requests per {unit}", marks=len(places) < 3)
    return Figure("Requests over time", drawn, f"answered and rejected requests per {unit}")


def history_blocks(config: Config, entries: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The windows so far."""
    if not entries:
        return ["No window yet."]
    states = {"good": Status("good", "good"), "bad": Status("bad", "bad"), "unknown": Status("neutral", "unknown")}
    rows = [
        (
            entry["time"][:16].replace("T", " "),
            states[entry["state"]],
            entry["examples"],
            ", ".join(entry["fired"]),
            Interval.of(entry["score"]) if entry["score"] else None,
        )
        for entry in reversed(entries)
    ]
    primary = Column("Primary metric", metrics.METRICS[config.metric].format)
    columns: list[str | Column] = ["Time (UTC)", "State", "Examples", "Rules fired", primary]
    note = (
        f"Alarm if {config.alarm_windows} of the last {config.history_windows} windows are bad, including the latest."
    )
    blocks: list[Block] = [Table("Windows, latest first", columns, rows, note)]
    names = {"features": "feature_drift", "predictions": "prediction_drift"}
    curves = [Line(label, *curve) for label, name in names.items() if len((curve := points(entries, name))[0])]
    if curves:
        limit = Line("threshold", [1, max(len(entries), 2)], [1, 1], dashed=True)
        drawn = plots.lines([*curves, limit], "window", "largest distance / threshold", marks=True)
        blocks.insert(
            0, Figure("Drift over the windows", drawn, "largest distance of each window, relative to its threshold")
        )
    return blocks


def points(entries: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """A value of the history: the numbers of the windows that have it, and the values."""
    chosen = [(place + 1.0, float(entry[name])) for place, entry in enumerate(entries) if entry[name] is not None]
    return [x for x, _ in chosen], [y for _, y in chosen]
