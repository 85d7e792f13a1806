"""Permutation importance measures the loss, whatever the primary metric is blind to."""

import keras
import numpy as np
import pytest

from project import metrics, task
from project.data import loading
from project.data.resampling import Metric
from project.evaluation import explain, inference

from declared import Config


def test_importance_is_of_the_loss(finished: Config, complete: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = Metric("Blind", greater_is_better=True, function=lambda *arguments: np.ones(len(arguments[-1])))
    monkeypatch.setitem(metrics.METRICS, "blind", blind)  # as an accuracy is where one class is always predicted
    examples = loading.read_examples(finished, "validation")
    targets = task.actual(inference.target_of(complete), examples[finished.target])
    config = finished.model_copy(update={"metric": "blind"})
    predictions = inference.predict(complete, examples)
    found = explain.permutation_importance(config, complete, examples, targets, predictions)
    assert max(found, key=lambda name: found[name].value or 0) == "size"
    assert (found["size"].low or 0) > 0
