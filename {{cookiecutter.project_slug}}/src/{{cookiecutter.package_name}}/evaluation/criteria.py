"""Compares scores with the success criteria of config.py."""

import math
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from .. import metrics
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import resampling, tables
from ..data.resampling import Context, Floats
from ..reporting import report
from ..reporting.report import Banner, Cell, Column, Interval, Page, Row, Section, Table
from ..settings import evaluation
from . import scoring

SLICE_RESAMPLES = 500  # for the bounds of a slice
MANY_EVALUATIONS = 10  # on one test split, after which choosing the best of them makes its scores optimistic


def measure(
    context: Context,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    simple: Mapping[str, Mapping[str, np.ndarray]],
) -> dict[str, Any]:
    """What criteria need beside the scores: gains over the baselines that they name, and the scores of slices."""
    weights = tables.sample_weights(context.config, examples)
    gains, slices = {}, {}
    for name, required in context.config.criteria.items():
        _, column, metric = evaluation.parts(name)
        if part := metric.rpartition(":")[0]:
            context.place(part)  # refuses one that the model does not predict
        if isinstance(required, str) and required in simple:
            gains[f"{required}:{metric}"] = gain(context, targets, predictions, simple[required], metric, weights)
        if column:
            slices[f"{column}:{metric}"] = score_groups(context, examples, targets, predictions, column, metric)
    return {"gains": gains, "groups": slices}


def gain(
    context: Context,
    targets: np.ndarray,
    ours: Mapping[str, np.ndarray],
    theirs: Mapping[str, np.ndarray],
    metric: str,
    weights: Floats | None,
) -> dict[str, float]:
    """How much better our predictions are than others, with its interval by a paired bootstrap; empty if undefined."""
    found = scoring.pair(context, targets, (theirs, ours), {metric: metrics.METRICS[metric]}, weights)
    return resampling.summarize(found.gains, found.samples).get(metric, {})


def score_groups(
    context: Context,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    column: str,
    metric: str,
) -> dict[str, Any]:
    """The scores of the `slices` by a column, and those that are too `small` to be judged, with their examples."""
    scoring.check_columns("criteria", [column], examples)
    weights, chosen = tables.sample_weights(context.config, examples), {metric: metrics.METRICS[metric]}
    part, slices, small = metric.rpartition(":")[0], [], []
    is_known = np.ones(len(targets), bool)
    if part and targets.ndim > 1:
        is_known = np.isfinite(targets[:, context.place(part)])
    for name, members in scoring.slices_of(examples[column]):
        inside = members & is_known
        selected = {output: values[inside] for output, values in predictions.items()}
        own = None if weights is None else weights[inside]
        size = int(inside.sum())
        is_judged = size >= scoring.MIN_EXAMPLES
        found = scoring.intervals(targets[inside], selected, context, SLICE_RESAMPLES, chosen, own) if is_judged else {}
        if metric in found and math.isfinite(found[metric]["value"]):
            slices.append({"slice": name, "examples": size, **found[metric]})
        elif size:
            small.append(f"{name} ({size})")
    return {"slices": slices, "small": small}


def judge(config: Config, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per criterion: its score, the bound or value that is compared, the threshold, and whether it passed.

    `result` is that of `inference.evaluate_split`. A score that is undefined on these examples fails. Criteria of the
    export are left out.
    """
    return [
        decided(config, name, required, result)
        for name, required in config.criteria.items()
        if name not in evaluation.OF_EXPORT
    ]


def decided(config: Config, name: str, required: float | str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a criterion; `needed` is how many examples would make sure what only the score itself shows."""
    kind, column, metric = evaluation.parts(name)
    greater = metrics.METRICS[metric].greater_is_better and kind != "gap"
    entry: dict[str, Any] = {"metric": metric, "kind": kind, "column": column, "on": config.criteria_on}
    if isinstance(required, str):
        entry |= {"baseline": required, **against_baseline(metric, required, result, greater)}
    elif kind:
        entry |= {"threshold": required, **of_groups(entry, result["groups"][f"{column}:{metric}"], greater)}
    else:
        found = result["metrics"].get(metric, {})
        entry |= {"threshold": required, "value": found.get("value"), "bound": found.get("low" if greater else "high")}
    numbers = {each: entry[each] for each in ("value", "bound", "threshold")}
    value, bound, threshold = (math.nan if number is None else number for number in numbers.values())  # as in JSON
    compared = bound if config.criteria_on == "bound" else value
    passes, would_pass = (each >= threshold if greater else each <= threshold for each in (compared, value))
    is_beaten = compared != threshold or not isinstance(required, str)  # a baseline must not only be equalled
    entry |= {"value": value, "bound": bound, "passed": bool(passes and is_beaten)}
    examples = entry.pop("examples", result.get("num_examples"))
    if would_pass and value != threshold and not entry["passed"] and isinstance(examples, int):
        times_as_narrow = (value - bound) / (value - threshold)  # as the interval has to be
        entry["needed"] = math.ceil(round(examples * times_as_narrow**2, 6))
    return entry


def against_baseline(metric: str, baseline: str, result: Mapping[str, Any], greater: bool) -> dict[str, Any]:
    """The score, the baseline's, and the score at the bad bound of the gain over it."""
    scores = result["baseline"]
    if metric not in scores.get(baseline, {}):
        known = ", ".join(name for name, scored in scores.items() if metric in scored)
        raise InputError(
            f"criteria: {metric} has to beat {baseline!r}, which has no such score; choose one of: {known}"
        )
    threshold, low = scores[baseline][metric], result.get("gains", {}).get(f"{baseline}:{metric}", {}).get("low")
    bound = None if low is None or threshold is None else threshold + low if greater else threshold - low
    return {"value": result["metrics"].get(metric, {}).get("value"), "bound": bound, "threshold": threshold}


def of_groups(criterion: Mapping[str, Any], found: Mapping[str, Any], greater: bool) -> dict[str, Any]:
    """The worst slice, or the two with the largest gap; the errors of two slices are independent."""
    bad = "low" if greater else "high"
    if criterion["kind"] == "worst":
        each_one = [(each["value"], each[bad], each["examples"], each["slice"]) for each in found["slices"]]
    else:
        each_one = [
            (
                one["value"] - other["value"],
                one["value"] - other["value"] + math.hypot(one["high"] - one["value"], other["value"] - other["low"]),
                one["examples"] + other["examples"],
                f"{one['slice']} and {other['slice']}",
            )
            for one, other in permutations(found["slices"], 2)
        ]
    small = [f"too small to be judged: {', '.join(found['small'])}"] if found["small"] else []
    if not each_one:
        return {"value": None, "bound": None, "note": "; ".join(["there are not enough slices", *small])}
    compared = 1 if criterion["on"] == "bound" else 0
    value, bound, examples, name = (min if greater else max)(each_one, key=lambda each: each[compared])
    return {"value": value, "bound": bound, "examples": examples, "note": "; ".join([name, *small])}


def named_baselines(config: Config) -> list[str]:
    """The baselines that the criteria name."""
    return [required for required in config.criteria.values() if isinstance(required, str)]


def covered(config: Config, result: Mapping[str, Any]) -> bool:
    """Whether a result holds all that the criteria need."""
    names = {name: evaluation.parts(name) for name in config.criteria}
    gains = {f"{each}:{names[name][2]}" for name, each in config.criteria.items() if isinstance(each, str)}
    groups = {f"{column}:{metric}" for _, column, metric in names.values() if column}
    named = evaluation.named_parts(config)
    asked = {metric for _, column, metric in names.values() if metric in named and not column}
    needed = {"gains": gains, "groups": groups, "metrics": asked}
    return all(found <= result.get(name, {}).keys() for name, found in needed.items())


def sentence(entry: Mapping[str, Any]) -> str:
    """A criterion in words."""
    metric, threshold = metrics.METRICS[entry["metric"]], number(entry, "threshold")
    kind, column, on_bound = entry.get("kind"), entry.get("column"), entry.get("on") == "bound"
    if "baseline" in entry:
        return f"{metric.label} better than {entry['baseline']} ({threshold}){' by the bound of the gain' * on_bound}"
    greater = metric.greater_is_better and kind != "gap"
    label = f"Gap in {metric.label} by {column}" if kind == "gap" else metric.label
    label += f" in every slice by {column}" if kind == "worst" else ""
    bound = f" by the {'lower' if greater else 'upper'} bound" * on_bound
    return f"{label} {'at least' if greater else 'at most'} {threshold}{bound}"


def outcome(entry: Mapping[str, Any]) -> str:
    """What a criterion got, in words."""
    compared = f", bound {number(entry, 'bound')}" if entry.get("on") == "bound" else ""
    needed = f"; about {entry['needed']:,} examples would make it sure" if "needed" in entry else ""
    note = f" ({entry['note']})" if entry.get("note") else ""
    return f"{number(entry, 'value')}{compared}{needed}{note}"


def number(entry: Mapping[str, Any], name: str) -> str:
    """A number of a criterion as its metric is written."""
    return report.format_number(entry[name], metrics.METRICS[entry["metric"]].format)


def table(entries: list[dict[str, Any]]) -> report.Table:
    """The criteria as a table of a page."""
    rows: list[Row] = [
        [
            report.Status("good", "passed") if entry["passed"] else report.Status("bad", "failed"),
            sentence(entry),
            outcome(entry),
        ]
        for entry in entries
    ]
    return report.Table("Success criteria", ["Result", "Criterion", "Score"], rows)


def summary(entries: list[dict[str, Any]], split: str, result: Mapping[str, Any]) -> str:
    """How many criteria are met, which ones are not, with their values, and what else a result remarks."""
    met = sum(entry["passed"] for entry in entries)
    text = f"{met} of {len(entries)} success criteria are met on {split}."
    missed = [f"{sentence(entry)}, got {outcome(entry)}" for entry in entries if not entry["passed"]]
    return " ".join([text, *([f"Not met: {'; '.join(missed)}."] if missed else []), *result["remarks"]])


def lines(entries: list[dict[str, Any]]) -> list[str]:
    """The criteria as lines for the terminal."""
    return [f"  {'passed' if entry['passed'] else 'FAILED'}  {sentence(entry)}: {outcome(entry)}" for entry in entries]


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
        Section("Success criteria", [table(verdict["criteria"])]),
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
    own = [result["metrics"], unweighted] if unweighted else [result["metrics"]]
    rows: list[Row] = [
        [
            metrics.METRICS[name].label,
            *(Interval.of(scores[name], metrics.METRICS[name].format) for scores in own),
            *(simple(name, values.get(name)) for values in baselines.values()),
        ]
        for name in result["metrics"]
    ]
    models = ["This model", "This model, unweighted"] if unweighted else ["This model"]
    columns: list[str | Column] = ["Metric", *models, *(name.replace("_", " ") for name in baselines)]
    weighted = " Scores are by sample weight, except those in the column that says otherwise." if unweighted else ""
    note = f"The baselines are simple models trained on the same examples.{weighted} {result['intervals']}"
    return Table("Comparison with baselines", columns, rows, note)


def simple(metric: str, value: float | None) -> Cell:
    """The score of a baseline, as its metric is written."""
    specification = metrics.METRICS[metric].format
    return Interval(value, format=specification) if specification else value
