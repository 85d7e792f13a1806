"""Compares scores with the success criteria of config.py."""

from collections.abc import Mapping
from typing import Any

from .. import metrics
from ..config import Config
from ..core.errors import InputError
from ..reporting import report
from ..reporting.report import Banner, Column, Interval, Page, Row, Section, Table


def judge(
    config: Config, scores: Mapping[str, Mapping[str, float]], baselines: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """One entry per criterion: metric, value, threshold (a baseline's score where it names one), passed.

    A metric that is undefined on these examples fails.
    """
    entries: list[dict[str, Any]] = []
    for metric, demanded in config.criteria.items():
        value = scores.get(metric, {}).get("value", float("nan"))
        if isinstance(demanded, str) and metric not in baselines.get(demanded, {}):
            known = ", ".join(name for name, scored in baselines.items() if metric in scored)
            raise InputError(f"criteria ask {metric} to beat {demanded!r}, which has no such score; known are: {known}")
        threshold = baselines[demanded][metric] if isinstance(demanded, str) else float(demanded)
        passed = value >= threshold if metrics.METRICS[metric].greater_is_better else value <= threshold
        entry: dict[str, Any] = {"metric": metric, "value": value, "threshold": threshold, "passed": bool(passed)}
        if isinstance(demanded, str):  # to be beaten, not only met
            entry |= {"baseline": demanded, "passed": bool(passed and value != threshold)}
        entries.append(entry)
    return entries


def named_baselines(config: Config) -> list[str]:
    """The baselines that the criteria name."""
    return [demanded for demanded in config.criteria.values() if isinstance(demanded, str)]


def sentence(entry: Mapping[str, Any]) -> str:
    """A criterion in words."""
    metric, threshold = metrics.METRICS[entry["metric"]], report.format_number(entry["threshold"])
    if "baseline" in entry:
        return f"{metric.label} better than {entry['baseline']} ({threshold})"
    return f"{metric.label} {'at least' if metric.greater_is_better else 'at most'} {threshold}"


def table(entries: list[dict[str, Any]], scores: Mapping[str, Mapping[str, float]]) -> report.Table:
    """The criteria as a table of a page."""
    rows = [
        [
            report.Status("good", "passed") if entry["passed"] else report.Status("bad", "failed"),
            sentence(entry),
            report.Interval(**scores[entry["metric"]]) if entry["metric"] in scores else None,
        ]
        for entry in entries
    ]
    return report.Table("Success criteria", ["Result", "Criterion", "Score"], rows)


def summary(entries: list[dict[str, Any]], examined: str) -> str:
    """How many criteria are met, and which ones are not, by how much."""
    met = sum(entry["passed"] for entry in entries)
    told = f"{met} of {len(entries)} success criteria are met on {examined}."
    missed = [
        f"{sentence(entry)}: it is {report.format_number(entry['value'])}" for entry in entries if not entry["passed"]
    ]
    return f"{told} Missed: {'; '.join(missed)}." if missed else told


def lines(entries: list[dict[str, Any]]) -> list[str]:
    """The criteria as lines for the terminal."""
    return [
        f"  {'passed' if entry['passed'] else 'FAILED'}  {sentence(entry)}: {report.format_number(entry['value'])}"
        for entry in entries
    ]


def write(config: Config, verdict: dict[str, Any], looks: str) -> None:
    """Writes artifacts/acceptance/report.html; `looks` says how often models have faced the test split."""
    accepted = verdict["accepted"]
    banner = Banner(
        "good" if accepted else "bad",
        "Accepted: it may be exported" if accepted else "Not accepted: it cannot be exported",
        summary(verdict["criteria"], "the test split"),
    )
    sections = [
        Section("Success criteria", [table(verdict["criteria"], verdict["metrics"])]),
        Section("Scores on the test split", [score_table(verdict)]),
        Section(
            "How far to trust them",
            [f"{verdict['examples']} test examples; the test split has been looked at {looks}."],
        ),
    ]
    examined = f"{verdict['time'][:16].replace('T', ' ')} UTC"
    facts = {"Goal": config.goal, "Target": config.target, "Examined": examined, "Model": verdict["model"][:12]}
    report.write_page(
        config.paths.verdict.with_name("report.html"), Page("Is the model good enough?", banner, sections, facts)
    )


def score_table(verdict: dict[str, Any]) -> Table:
    """Every metric of the model, and of the baselines that the criteria name."""
    baselines = verdict["baseline"]
    rows: list[Row] = [
        [metrics.METRICS[name].label, Interval(**score), *(values.get(name) for values in baselines.values())]
        for name, score in verdict["metrics"].items()
    ]
    columns: list[str | Column] = ["Metric", "This model", *(name.replace("_", " ") for name in baselines)]
    return Table("Scores", columns, rows, "Brackets are bootstrap 95 % intervals.")
