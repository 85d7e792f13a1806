"""make validate: checks the statistics of every split against the schema; fails on anomalies."""

import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

from ..config import Config
from ..core import artifacts
from ..core.errors import RefusedError
from ..reporting import report
from ..reporting.plots import sparkline
from ..reporting.report import (
    Banner,
    Block,
    Cell,
    Column,
    Figure,
    Page,
    Row,
    Section,
    Status,
    Table,
    format_number,
    write_page,
)
from ..validation import anomalies, data_statistics, schema
from ..validation.anomalies import Anomaly, Distance, by_problem
from ..validation.data_statistics import ColumnStatistics, StatisticsList, by_column, num_values

MAX_LISTED = 20  # anomalies in the terminal; the page has them all
WIDTH = 110  # characters of a line in the terminal
MAX_NAME = 40  # characters of a column's name, or of a value
MAX_COLUMNS = 300  # of each kind that are shown, those with anomalies first: more make the page slow to open
MAX_ANOMALIES = 1_000  # on the page
BARS = 12  # of a small plot
TAILS = (1, 99)  # percentiles of the training split between which the bars lie; the outermost bars hold the rest
MISSING = Column("Missing", ".1%", "largest share of any split")
TOP_VALUES = 3  # named in the table

Splits: TypeAlias = Sequence[ColumnStatistics]  # of one column


def main(config: Config, unchecked: Collection[str] = ()) -> None:
    """Writes the anomalies and the page in any case, the statistics only if the data pass.

    Columns that the settings ignore, the key and those in `unchecked` may violate the schema: no model uses them.
    """
    folder = config.paths.validation
    statistics = data_statistics.compute(config)
    expected = schema.for_run(statistics, config)
    shifts = anomalies.measure_split_shift(statistics, expected, config)
    free = {config.key, *config.ignore, *unchecked}
    found = [anomaly for anomaly in anomalies.find(statistics, expected, shifts) if anomaly.column not in free]
    content = {"anomalies": [vars(anomaly) for anomaly in found], "split_shift": [vars(shift) for shift in shifts]}
    artifacts.write_json(folder / "anomalies.json", {"passed": not found, **content})
    write_report(folder / "report.html", statistics, found, shifts, config)
    if found:
        advice = (
            "If the data are wrong, fix them at their source; if they are right, `make schema` shows the changes\n"
            f"and updates the schema. See {folder / 'report.html'}"
        )
        raise RefusedError(refusal(found, config, advice))
    with artifacts.replacing(folder / "statistics.pb") as temporary:  # last: what make looks at
        temporary.write_bytes(statistics.SerializeToString(deterministic=True))
    rows = " + ".join(f"{split.num_examples:,}" for split in statistics.datasets)
    print(f"{rows} examples match {config.schema_path}; see {folder / 'report.html'}")


def check_new(config: Config, table: pa.Table, used: Collection[str]) -> None:
    """Checks the used columns of new examples by themselves: together with the old ones, few faulty ones might pass.

    Real numbers in a column of whole ones widen the schema, with a remark.

    Raises:
        RefusedError: they violate the schema.
    """
    statistics = data_statistics.summarize(table, "new data")
    expected = schema.load(config)
    remarks = schema.widen(expected, table)
    every = anomalies.find(data_statistics.StatisticsList(datasets=[statistics]), expected, [])
    found = [anomaly for anomaly in every if anomaly.column in used or anomaly.column not in table.column_names]
    if remarks and not found:
        schema.write(expected, config)
        print("\n".join([*remarks, f"wrote {config.schema_path}: these columns take real numbers now"]))
    if found:
        raise RefusedError(
            refusal(
                found,
                config,
                f"Fix the new data, or edit {config.schema_path} if they are right; nothing was changed.",
            )
        )


def refusal(found: list[Anomaly], config: Config, advice: str) -> str:
    """The message: the anomalies as a table, and what to do."""
    rows = [
        (shown(column), ", ".join(splits), report.visible(description))
        for column, splits, description in anomalies.by_problem(found)
    ]
    rest = len(rows) - MAX_LISTED
    lines = [
        f"the data violate {config.schema_path}:",
        "",
        *table_lines([("column", "split", "anomaly"), *rows[:MAX_LISTED]]),
        *([f"and {rest} more"] if rest > 0 else []),
        "",
        advice,
    ]
    return "\n".join(lines)


def shown(column: str) -> str:
    """A column's name, shortened to fit into the table."""
    name = report.visible(column)
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def table_lines(rows: list[tuple[str, str, str]]) -> list[str]:
    """Rows as aligned lines; the last column is wrapped."""
    first, second = (max(len(row[place]) for row in rows) for place in (0, 1))
    lines = []
    for column, split, problem in rows:
        start = f"  {column:{first}}  {split:{second}}  "
        lines += textwrap.wrap(problem, WIDTH, initial_indent=start, subsequent_indent=" " * (first + second + 6))
    return lines


def write_report(
    path: Path, statistics: StatisticsList, found: Sequence[Anomaly], shifts: Sequence[Distance], config: Config
) -> None:
    """Writes the page; it opens without a network."""
    wrong = {anomaly.column for anomaly in found}
    columns = sorted(by_column(statistics).items(), key=lambda column: column[0] not in wrong)
    provenance = config.paths.provenance
    notes: list[Block] = artifacts.read_json(provenance, "collect")["notes"] if provenance.exists() else []
    sections = [
        Section("Anomalies", [anomaly_table(found)] if found else ["None: every split matches the schema."]),
        *([Section("Notes", notes)] if notes else []),
        Section("Numbers", column_tables(columns, statistics, numeric=True)),
        Section("Categories, texts and times", column_tables(columns, statistics, numeric=False)),
        Section("Split shift", [shift_table(shifts)] if shifts else [], note=shift_note(shifts, config)),
    ]
    facts: dict[str, Cell] = {f"{split.name} examples": split.num_examples for split in statistics.datasets}
    facts |= {"columns": len(columns), "source": schema.public(config.source), "target": config.target}
    write_page(path, Page("Data validation", banner(found, config), sections, facts))


def banner(found: Sequence[Anomaly], config: Config) -> Banner:
    """The result and what to do next."""
    if not found:
        return Banner("good", "The data match the schema", f"The schema is {config.schema_path}.")
    columns = len({anomaly.column for anomaly in found})
    headline = f"Anomalies in {columns} column{'s' if columns > 1 else ''}"
    detail = f"Fix the data, or update the schema with `make schema`. The schema is {config.schema_path}."
    return Banner("bad", headline, detail)


def anomaly_table(found: Sequence[Anomaly]) -> Table:
    """The anomalies by column."""
    problems = by_problem(found)
    rows = [
        (column, ", ".join(splits), Status("bad", description))
        for column, splits, description in problems[:MAX_ANOMALIES]
    ]
    note = f"The first {MAX_ANOMALIES:,} of {len(problems):,}." if len(problems) > MAX_ANOMALIES else ""
    return Table("Violations of the schema and its thresholds", ["Column", "Splits", "Anomaly"], rows, note)


def shift_table(shifts: Sequence[Distance]) -> Table:
    """The columns by their distance from the training split, the largest first."""
    ordered = sorted(shifts, key=lambda each: (-each.value, each.column, each.split))[:MAX_COLUMNS]
    rows = [(each.column, each.split, each.measure, each.value, each.threshold) for each in ordered]
    headings = ("Column", "Split", "Distance", Column("Value", ".3f"), Column("Threshold", ".3f"))
    return Table("Distance from the training split", headings, rows)


def shift_note(shifts: Sequence[Distance], config: Config) -> str:
    """Why split shift is not measured, or not judged; empty if it is."""
    if not shifts:
        return f"Not measured: a split has fewer than {config.min_shift_examples:,} examples (min_shift_examples)."
    if config.time or config.group:
        return "Measured, not judged: splits by time or group hold other periods or groups by design."
    return ""


def column_tables(columns: Sequence[tuple[str, Splits]], statistics: StatisticsList, *, numeric: bool) -> list[Block]:
    """The table of the numeric columns, or of the others."""
    chosen = [column for column in columns if any(split.HasField("num_stats") for split in column[1]) == numeric]
    names = [split.name for split in statistics.datasets]
    sizes = [split.num_examples for split in statistics.datasets]
    describe = number_row if numeric else text_row
    rows = [
        [name, *describe(name, splits, names), missing_share(splits, sizes)] for name, splits in chosen[:MAX_COLUMNS]
    ]
    summary = ["Min", "Median", "Max", "Mean"] if numeric else ["Distinct", "Most frequent"]
    note = f"The first {MAX_COLUMNS} of {len(chosen):,} columns." if len(chosen) > MAX_COLUMNS else ""
    title = (
        "Summary of the training split, distribution in each split"
        if numeric
        else "Most frequent values, and their counts in each split"
    )
    headings: list[str | Column] = ["Column", *(name.capitalize() for name in names), *summary, MISSING]
    return [Table(title, headings, rows, note)] if rows else ["None."]


def number_row(column: str, splits: Splits, names: Sequence[str]) -> Row:
    """A numeric column: its plots and its range in the training split."""
    numbers = splits[0].num_stats
    edges = bar_edges(quantiles(splits[0]))
    plots = [spark(column, name, *number_bars(split, edges)) for split, name in zip(splits, names, strict=True)]
    return [*plots, numbers.min, numbers.median, numbers.max, numbers.mean]


def text_row(column: str, splits: Splits, names: Sequence[str]) -> Row:
    """A text column: its plots and its most frequent values in the training split."""
    counts = [{rank.label: rank.sample_count for rank in split.string_stats.rank_histogram.buckets} for split in splits]
    values = list(counts[0])[:BARS]
    plots: list[Cell] = []
    for count, split in zip(counts, names, strict=True):
        heights = [count.get(value, 0.0) for value in values]
        titles = [f"{value}: {height:,.0f}" for value, height in zip(values, heights, strict=True)]
        plots.append(spark(column, split, heights, titles))
    top = ", ".join(value if len(value) <= MAX_NAME else f"{value[:MAX_NAME]}…" for value in values[:TOP_VALUES])
    return [*plots, splits[0].string_stats.unique, top]


def missing_share(splits: Splits, sizes: Sequence[int]) -> float:
    """The share of missing values in the split that has most."""
    return max(1 - num_values(split) / max(size, 1) for split, size in zip(splits, sizes, strict=True))


def quantiles(split: ColumnStatistics) -> Histogram | None:
    """The quantiles histogram of a numeric column; None if it has no values."""
    found = [each for each in split.num_stats.histograms if each.type == Histogram.QUANTILES and each.buckets]
    return found[0] if found else None


def bar_edges(histogram: Histogram | None) -> npt.NDArray[np.float64]:
    """Where the bars of a numeric column end, the same for all splits."""
    if histogram is None:
        return np.zeros(0)
    ends = [bucket.high_value for bucket in histogram.buckets if np.isfinite(bucket.high_value)] or [0.0]
    low, high = np.percentile(ends, TAILS)
    return np.linspace(low, high, BARS - 1) if high > low else np.array([low, low])


def number_bars(split: ColumnStatistics, edges: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], list[str]]:
    """The number of values between the edges, interpolated between the quantiles, and the title of each bar."""
    histogram = quantiles(split)
    if histogram is None or not len(edges):
        return np.zeros(0), []
    ends = [histogram.buckets[0].low_value, *(bucket.high_value for bucket in histogram.buckets)]
    below = np.cumsum([0.0, *(bucket.sample_count for bucket in histogram.buckets)])
    counts = np.diff(np.concatenate([[0.0], np.interp(edges, ends, below), [below[-1]]]))
    limits = ["", *(format_number(edge) for edge in edges), ""]
    titles = [f"{low} … {high}: {count:,.0f}" for low, high, count in zip(limits, limits[1:], counts, strict=False)]
    return counts, titles


def spark(column: str, split: str, heights: Sequence[float] | npt.NDArray[np.float64], titles: Sequence[str]) -> Figure:
    """A plot for a cell of the table."""
    return Figure(column, sparkline(list(heights), titles), f"distribution of {column} in the {split} split")
