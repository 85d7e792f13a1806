"""make evaluate: scores with intervals, baselines and scores, and a page that shows them."""

import numpy as np
import pandas as pd
import pytest

from project import baselines, metrics
from project.core import artifacts
from project.core.errors import InputError
from project.data import loading
from project.evaluation import criteria, explain, scoring

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


def test_the_page_answers_first_and_needs_no_network(evaluated: Config) -> None:
    page = (evaluated.paths.evaluation / "report.html").read_text(encoding="utf-8")
    assert page.index("success criteria are met") < page.index("<table")
    for title in ("Success criteria", "Learning curves", synthetic.EXPLAINED, "Largest errors", "Versions"):
        assert title in page
    assert "src=" not in page.replace('src="data:', "")
    worst = page[page.rindex("Largest errors") :]
    assert not any(f">{name}<" in worst for name in explain.HIDDEN)
    assert len(page) < 5_000_000


def test_a_metric_that_fails_says_so(evaluated: Config) -> None:
    scores = artifacts.read_json(evaluated.paths.evaluation / "metrics.json", "evaluate")
    demanding = evaluated.model_copy(update={"criteria": problem.UNREACHABLE})
    (entry,) = criteria.judge(demanding, scores["metrics"], scores["baseline"])
    assert not entry["passed"]
    assert "FAILED" in criteria.lines([entry])[0]
    told = criteria.summary([entry], "the validation split", {"remarks": ["Mind the gap."]})
    assert told.startswith("0 of 1 success criteria are met on the validation split. Not met: ")
    assert told.endswith(". Mind the gap.")
    assert criteria.sentence(entry) in told


def test_an_undefined_metric_fails(evaluated: Config) -> None:
    (entry,) = criteria.judge(evaluated, {}, {problem.BASELINE: {problem.EASY_METRIC: 0.0}})
    assert not entry["passed"]


def test_a_baseline_must_be_beaten_not_equalled(evaluated: Config) -> None:
    equal = {problem.EASY_METRIC: {"value": 0.5}}
    (entry,) = criteria.judge(evaluated, equal, {problem.BASELINE: {problem.EASY_METRIC: 0.5}})
    assert not entry["passed"]


def test_of_duplicates_the_worst_is_shown() -> None:
    errors, identities = np.array([0.1, 0.9, 0.9, 0.5, 0.2]), np.array([1, 2, 2, 1, 3], "uint64")
    assert scoring.worst(errors, identities, 9).tolist() == [1, 3, 4]
    assert scoring.worst(errors, identities, 2).tolist() == [1, 3]


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
