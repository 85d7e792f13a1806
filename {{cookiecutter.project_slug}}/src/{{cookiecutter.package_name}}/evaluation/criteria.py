"""Compares scores with the success criteria of config.py."""

from collections.abc import Mapping
from typing import Any

from .. import metrics
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import tables
from ..reporting import report
from ..reporting.report import Banner, Column, Interval, Page, Row, Section, Table

MANY_EVALUATIONS = 10  # on one test split, after which choosing the best of them makes its scores optimistic


def judge(
    config: Config, scores: Mapping[str, Mapping[str, float]], baselines: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """One entry per criterion: metric, value, threshold (a baseline's score where it names one), passed.

    A metric that is undefined on these examples fails.
    """
    entries: list[dict[str, Any]] = []
    for metric, required in config.criteria.items():
        value = scores.get(metric, {}).get("value")
        value = float("nan") if value is None else value  # JSON has no NaN
        if isinstance(required, str) and metric not in baselines.get(required, {}):
            known = ", ".join(name for name, scored in baselines.items() if metric in scored)
            raise InputError(
                f"criteria: {metric} has to beat {required!r}, which has no such score; choose one of: {known}"
            )
        threshold = baselines[required][metric] if isinstance(required, str) else float(required)
        passed = value >= threshold if metrics.METRICS[metric].greater_is_better else value <= threshold
        entry: dict[str, Any] = {"metric": metric, "value": value, "threshold": threshold, "passed": bool(passed)}
        if isinstance(required, str):  # must be beaten, not only equalled
            entry |= {"baseline": required, "passed": bool(passed and value != threshold)}
        entries.append(entry)
    return entries


def named_baselines(config: Config) -> list[str]:
    """The baselines that the criteria name."""
    return [required for required in config.criteria.values() if isinstance(required, str)]


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


def summary(entries: list[dict[str, Any]], split: str, result: Mapping[str, Any]) -> str:
    """How many criteria are met, which ones are not, with their values, and what else a result remarks."""
    met = sum(entry["passed"] for entry in entries)
    text = f"{met} of {len(entries)} success criteria are met on {split}."
    missed = [
        f"{sentence(entry)}, got {report.format_number(entry['value'])}" for entry in entries if not entry["passed"]
    ]
    return " ".join([text, *([f"Not met: {'; '.join(missed)}."] if missed else []), *result["remarks"]])


def lines(entries: list[dict[str, Any]]) -> list[str]:
    """The criteria as lines for the terminal."""
    return [
        f"  {'passed' if entry['passed'] else 'FAILED'}  {sentence(entry)}: {report.format_number(entry['value'])}"
        for entry in entries
    ]


def test_evaluations(verdict: Mapping[str, Any]) -> int:
    """How many models were evaluated on the same test split; versions before 1.0 stored it as `looks`."""
    return int(verdict["test_evaluations"] if "test_evaluations" in verdict else verdict["looks"])


def count_evaluation(config: Config, identity: Mapping[str, str], previous: Mapping[str, Any]) -> int:
    """Notes that a model was evaluated on the present test split; returns how many were, whatever came in between."""
    path, split = config.paths.test_evaluations, tables.split_hash(config, "test")
    history = artifacts.read_json(path, "accept") if path.exists() else {}
    models = history.setdefault(split, [])
    if not models and previous.get("data") == identity["data"]:  # from before there was such a file
        models += [previous["model"], *["unknown"] * (test_evaluations(previous) - 1)]
    if identity["model"] not in models:
        models.append(identity["model"])
        artifacts.write_json(path, history)
    return len(models)


def count_sentence(verdict: Mapping[str, Any]) -> str:
    """The number of test evaluations in words; many of them make the test split a second validation split."""
    count = test_evaluations(verdict)
    if count == 1:
        return "1 model has been evaluated on this test split."
    advice = " Their scores become optimistic: collect new test data." if count > MANY_EVALUATIONS else ""
    return f"{count} models have been evaluated on this test split.{advice}"


def write(config: Config, verdict: dict[str, Any]) -> None:
    """Writes artifacts/acceptance/report.html."""
    accepted = verdict["accepted"]
    banner = Banner(
        "good" if accepted else "bad",
        "Accepted: the model can be exported" if accepted else "Rejected: the model cannot be exported",
        summary(verdict["criteria"], "the test split", verdict),
    )
    sections = [
        Section("Success criteria", [table(verdict["criteria"], verdict["metrics"])]),
        Section("Scores on the test split", [score_table(verdict)]),
        Section("Test data", [f"{verdict['examples']} test examples. {count_sentence(verdict)}"]),
    ]
    evaluated = f"{verdict['time'][:16].replace('T', ' ')} UTC"
    facts = {
        "Goal": report.goal(config.goal),
        "Target": config.target,
        "Evaluated": evaluated,
        "Model": verdict["model"][:12],
    }
    report.write_page(config.paths.verdict.with_name("report.html"), Page("Test evaluation", banner, sections, facts))


def score_table(result: dict[str, Any]) -> Table:
    """Every metric of the model and of the baselines, from the content of metrics.json or verdict.json."""
    baselines, unweighted = result["baseline"], result.get("unweighted", {})
    rows: list[Row] = [
        [
            metrics.METRICS[name].label,
            Interval(**score),
            *([Interval(**unweighted[name])] if unweighted else []),
            *(values.get(name) for values in baselines.values()),
        ]
        for name, score in result["metrics"].items()
    ]
    models = ["This model", "This model, unweighted"] if unweighted else ["This model"]
    columns: list[str | Column] = ["Metric", *models, *(name.replace("_", " ") for name in baselines)]
    weighted = " Scores are by sample weight, except those in the column that says otherwise." if unweighted else ""
    note = f"The baselines are simple models trained on the same examples.{weighted} {result['intervals']}"
    return Table("Comparison with baselines", columns, rows, note)
