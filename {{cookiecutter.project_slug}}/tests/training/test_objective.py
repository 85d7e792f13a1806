"""The objective: any metric, in either direction, decides which epoch and which trial is the best."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project import metrics, task
from project.core import artifacts
from project.core.errors import InputError
from project.data.resampling import Context, Floats, Metric
from project.stages import compare, evaluate, train
from project.training import fit
from project.training.fit import Objective

from declared import Config

OUTPUTS = {"probability", "prediction", "mean", "confidence"}  # numbers of each task, (num_examples,)


def own(targets: Any, predictions: Mapping[str, Any], weights: Floats, context: Context) -> Floats | None:
    """A metric of one's own, which is not defined for all baselines, and may use settings and names."""
    del targets
    assert context.config.objective == "own"
    for name, values in predictions.items():
        assert (
            values.ndim == 1 or name in ("seasonal_error", "thresholds") or len(context.parts[name]) == values.shape[1]
        )
    known = [predictions[name] for name in OUTPUTS & predictions.keys()]
    if "labels" in predictions:
        known = [predictions["probabilities"][:, 0]]
    return weights @ np.asarray(known[0], float) / weights.sum(axis=1) if known else None


@pytest.fixture
def with_own(trained: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings by which that metric is the primary one and the objective."""
    monkeypatch.setitem(metrics.METRICS, "own", Metric("Own", greater_is_better=True, function=own))
    return trained.model_copy(update={"objective": "own", "metric": "own"})


def test_the_epoch_that_is_kept_is_the_best_by_a_metric_of_ones_own(
    with_own: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    train.main(with_own)
    history = pd.read_csv(with_own.paths.history)
    assert artifacts.read_json(with_own.paths.run, "train")["best_epoch"] == history["val_own"].idxmax() + 1
    evaluate.main(with_own)
    scores = artifacts.read_json(with_own.paths.evaluation / "metrics.json", "evaluate")["metrics"]
    assert scores["own"]["value"] == pytest.approx(history["val_own"].max(), rel=1e-4)
    compare.main(with_own)
    assert "\nOwn " in capsys.readouterr().out


def test_costs_are_lower_for_better_scores_and_infinite_for_none() -> None:
    loss, accuracy = Objective("val_loss", "", greater_is_better=False), Objective("val_a", "", greater_is_better=True)
    assert loss.cost({"val_loss": 1.0}) < loss.cost({"val_loss": 2.0}) < loss.cost({"val_loss": math.nan}) == math.inf
    assert accuracy.cost({"val_a": 0.9}) < accuracy.cost({"val_a": 0.8}) < accuracy.cost({"val_a": math.nan})
    assert accuracy.cost({"val_a": 0.9, "val_loss": math.nan}) == math.inf


def test_without_a_setting_the_objective_is_what_the_task_minimises(finished: Config) -> None:
    assert fit.chosen_objective(finished)[::2] == (task.MONITOR, False)
    assert all(
        fit.chosen_objective(finished.model_copy(update={"objective": name}))[1:] == metric[:2]
        for name, metric in metrics.METRICS.items()
    )


def test_a_score_that_nothing_computes_is_asked_for_in_a_sentence(
    finished: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "MONITOR", "val_fame")
    nothing: Any = None  # comes to be used
    scorer = fit.Score(finished, nothing, nothing, nothing)
    with pytest.raises(InputError, match=r"training logs no val_fame, .* return fame, or set objective to one of "):
        scorer.on_epoch_end(0, {"val_loss": 1.0})
