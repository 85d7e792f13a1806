"""make validate: checks the statistics of every split against the schema; fails on anomalies."""

import textwrap
from collections.abc import Collection

import pyarrow as pa

from ..config import Config
from ..core import artifacts
from ..core.errors import RefusedError
from ..reporting import report
from ..validation import anomalies, data_statistics, page, schema
from ..validation.anomalies import Anomaly

MAX_LISTED = 20  # anomalies in the terminal; the page has them all
WIDTH = 110  # characters of a line in the terminal
MAX_NAME = 40  # characters of a column's name


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
    page.write(folder / "report.html", statistics, found, shifts, config)
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
