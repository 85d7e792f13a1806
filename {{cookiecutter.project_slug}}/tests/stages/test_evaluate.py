"""make evaluate: scores with intervals, baselines and scores, and a page that shows them."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from project import baselines, metrics
from project.core import artifacts
from project.core.errors import InputError
from project.data import loading
from project.evaluation import criteria, explain, inference, learning_curve, scoring

import problem
import synthetic
from declared import Config


def test_metrics_have_intervals_baselines_and_slices(evaluated: Config) -> None:
    content = artifacts.read_json(evaluated.paths.evaluation / "metrics.json", "evaluate")
    assert content["split"] == "validation"
    assert content["metrics"].keys() <= metrics.METRICS.keys()
    assert all(score["low"] <= score["value"] <= score["high"] for score in content["metrics"].values())
    assert content["baseline"].keys() == set(baselines.BASELINES)
    assert {entry["column"] for entry in content["slices"]} > {synthetic.SLICED}
    assert content["model"] == artifacts.content_hash(evaluated.paths.model)


def test_the_learning_curve_ends_at_the_best_baseline(evaluated: Config) -> None:
    content = artifacts.read_json(evaluated.paths.evaluation / "metrics.json", "evaluate")
    curve, train = content["learning_curve"], loading.read_examples(evaluated, "train")
    if not curve:  # of this made-up data no baseline learns anything
        return
    assert [point["examples"] for point in curve["points"]] == [round(s * len(train)) for s in (0.25, 0.5, 1)]
    best = content["baseline"][curve["model"].replace(" ", "_")][evaluated.metric]
    assert curve["points"][-1]["value"] == pytest.approx(best)
    first, *_, last = learning_curve.subsets(evaluated, train)
    assert last.all()
    assert first.sum() == round(0.25 * len(train))
    assert learning_curve.subsets(evaluated.model_copy(update={"curve_examples": 9}), train) == []


def test_the_page_answers_first_and_needs_no_network(evaluated: Config) -> None:
    page = (evaluated.paths.evaluation / "report.html").read_text(encoding="utf-8")
    assert page.index("success criteria are met") < page.index("<table")
    for title in (
        "Success criteria",
        "Learning curves",
        "Amount of data",
        synthetic.EXPLAINED,
        "Largest errors",
        "Versions",
    ):
        assert title in page
    assert "src=" not in page.replace('src="data:', "")
    worst = page[page.rindex("Largest errors") :]
    assert not any(f">{name}<" in worst for name in explain.HIDDEN)
    assert len(page) < 5_000_000


def test_a_metric_that_fails_says_so(evaluated: Config) -> None:
    scores = artifacts.read_json(evaluated.paths.evaluation / "metrics.json", "evaluate")
    demanding = evaluated.model_copy(update={"criteria": problem.UNREACHABLE})
    (entry,) = criteria.judge(demanding, scores)
    assert not entry["passed"]
    assert "FAILED" in criteria.lines([entry])[0]
    told = criteria.summary([entry], "the validation split", {"remarks": ["Mind the gap."]})
    assert told.startswith("0 of 1 success criteria are met on the validation split. Not met: ")
    assert told.endswith(". Mind the gap.")
    assert criteria.sentence(entry) in told


def test_an_undefined_metric_fails(evaluated: Config) -> None:
    (entry,) = criteria.judge(evaluated, {"metrics": {}, "baseline": {problem.BASELINE: {problem.EASY_METRIC: 0.0}}})
    assert not entry["passed"]


def test_a_baseline_must_be_beaten_not_equalled(evaluated: Config) -> None:
    equal = {problem.EASY_METRIC: {"value": 0.5}}
    result = {"metrics": equal, "baseline": {problem.BASELINE: {problem.EASY_METRIC: 0.5}}}
    (entry,) = criteria.judge(evaluated, result)
    assert not entry["passed"]


def test_of_duplicates_the_worst_is_shown() -> None:
    errors, identities = np.array([0.1, 0.9, 0.9, 0.5, 0.2]), np.array([1, 2, 2, 1, 3], "uint64")
    assert scoring.worst(errors, identities, 9).tolist() == [1, 3, 4]
    assert scoring.worst(errors, identities, 2).tolist() == [1, 3]


def scored(value: float, low: float, high: float) -> dict[str, Any]:
    """A result of 100 examples with such a score, better by 0.1 than the baseline, and slices a and b of a column."""
    metric = problem.EASY_METRIC
    worse = -0.1 if metrics.METRICS[metric].greater_is_better else 0.1
    slices = [
        {"slice": "a", "examples": 60, "value": value, "low": low, "high": high},
        {"slice": "b", "examples": 40, "value": value + 0.3, "low": low + 0.3, "high": high + 0.3},
    ]
    return {
        "num_examples": 100,
        "metrics": {metric: {"value": value, "low": low, "high": high}},
        "baseline": {problem.BASELINE: {metric: value + worse}},
        "gains": {f"{problem.BASELINE}:{metric}": {"value": 0.1, "low": -0.1, "high": 0.3}},
        "groups": {f"colour:{metric}": {"slices": slices, "small": ["c (3)"]}},
    }


@pytest.mark.parametrize(
    ("criterion", "strict", "lenient", "found"),
    [  # of a metric that is better when lower; the last number is the examples that would be enough for `strict`
        ("{}", 0.6, 0.8, "{} at most 0.6 by the upper bound: 0.5, bound 0.7; about 400 examples would make it sure"),
        ("worst:colour:{}", 0.9, 1.1, "by colour at most 0.9 by the upper bound: 0.8, bound 1; about 160 examples"),
        ("gap:colour:{}", 0.5, 0.6, "at most 0.5 by the upper bound: 0.3000, bound 0.5828; about 200 examples"),
    ],
)
def test_a_criterion_is_met_only_by_the_bound(
    evaluated: Config, criterion: str, strict: float, lenient: float, found: str
) -> None:
    name, label = criterion.format(problem.EASY_METRIC), metrics.METRICS[problem.EASY_METRIC].label
    result = scored(0.5, 0.3, 0.7)
    if metrics.METRICS[problem.EASY_METRIC].greater_is_better:
        return
    for threshold, on, passes in ((strict, "bound", False), (strict, "value", True), (lenient, "bound", True)):
        (entry,) = criteria.judge(
            evaluated.model_copy(update={"criteria": {name: threshold}, "criteria_on": on}), result
        )
        assert entry["passed"] is passes, (threshold, on)
    config = evaluated.model_copy(update={"criteria": {name: strict}, "criteria_on": "bound"})
    (line,) = criteria.lines(criteria.judge(config, result))
    assert found.format(label) in line
    assert ("too small to be judged: c (3)" in line) == (":" in criterion)


def test_a_baseline_is_beaten_only_if_that_is_sure(evaluated: Config) -> None:
    config = evaluated.model_copy(update={"criteria": {problem.EASY_METRIC: problem.BASELINE}, "criteria_on": "bound"})
    result = scored(0.5, 0.3, 0.7)
    (entry,) = criteria.judge(config, result)
    assert not entry["passed"]
    assert entry["needed"] == 400
    result["gains"][f"{problem.BASELINE}:{problem.EASY_METRIC}"]["low"] = 0.01
    assert criteria.judge(config, result)[0]["passed"]


def test_criteria_of_slices_are_measured(finished: Config, complete: keras.Model) -> None:
    name = f"worst:{synthetic.SLICED}:{problem.EASY_METRIC}"
    config = finished.model_copy(
        update={"criteria": {name: problem.EASY_THRESHOLD, problem.EASY_METRIC: problem.BASELINE}}
    )
    result = inference.evaluate_split(config, complete, "train", [problem.BASELINE]).result
    assert result["num_examples"] == len(loading.read_examples(config, "train"))
    (found,) = result["groups"].values()
    assert len(found["slices"]) > 1
    assert all(each["low"] <= each["value"] <= each["high"] for each in found["slices"])
    (gain,) = result["gains"].values()
    scores = [
        result["metrics"][problem.EASY_METRIC]["value"],
        result["baseline"][problem.BASELINE][problem.EASY_METRIC],
    ]
    assert abs(gain["value"]) == pytest.approx(abs(scores[0] - scores[1]))
    assert gain["low"] < gain["value"] < gain["high"]
    assert criteria.covered(config, result)
    assert not criteria.covered(
        config.model_copy(update={"criteria": {f"gap:other:{problem.EASY_METRIC}": 1.0}}), result
    )
    with pytest.raises(InputError, match="criteria names the column 'flavour', which the examples lack"):
        inference.evaluate_split(
            config.model_copy(update={"criteria": {f"gap:flavour:{problem.EASY_METRIC}": 1.0}}), complete, "train", []
        )


def test_slices_hold_enough_examples_and_cover_them_all(finished: Config) -> None:
    examples = loading.read_examples(finished, "train")
    found = list(scoring.slices(finished, examples))
    assert all(scoring.MIN_EXAMPLES <= inside.sum() < len(examples) for _, _, inside in found)
    binned = [inside for column, _, inside in found if column == synthetic.VARYING]
    assert len(binned) == scoring.NUM_BINS
    assert sum(inside.sum() for inside in binned) == len(examples)


def test_a_slice_by_a_column_that_is_not_there_is_refused(finished: Config) -> None:
    with pytest.raises(InputError, match="flavour"):
        list(scoring.slices(finished.model_copy(update={"slices": ("flavour",)}), pd.DataFrame({"a": [1]})))
