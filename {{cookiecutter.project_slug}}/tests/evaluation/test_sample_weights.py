"""Sample weights: twice the weight is the example twice, no weight is no example, and unusable weights are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from project import metrics, task
from project.core.errors import InputError
from project.data import batching, loading
from project.evaluation import criteria, inference, scoring
from project.stages import collect, train

import problem
import synthetic
from declared import Config

WEIGHT = "how much it counts"


@pytest.fixture
def weighted(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    """The settings of a project whose source has these weights, one for each row."""

    def write(weights: Any, **settings: Any) -> Config:
        table = synthetic.make_table()
        path = tmp_path / "weighted.csv"
        table.assign(**{WEIGHT: np.resize(np.array(weights, object), len(table))}).to_csv(path, index=False)
        return make_config(source=str(path), sample_weight=WEIGHT, **settings)

    return write


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2, None], "is missing in rows 3, 6"),
        ([1, 2, 0.5, -2], "is -2 in rows 4, 8"),
        (["much", "little"], "holds cells such as 'much'; numbers from 0 are needed"),
        ([0, 0], "is 0 in all .* examples of the train split"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights: list, message: str, weighted: Callable[..., Config]) -> None:
    with pytest.raises(InputError, match=message):
        collect.main(weighted(weights))


def test_a_column_that_is_not_there_is_refused(make_config: Callable[..., Config]) -> None:
    with pytest.raises(InputError, match="sample_weight is 'nothing', which is no column"):
        collect.main(make_config(sample_weight="nothing"))
    with pytest.raises(ValueError, match="which is the target"):
        make_config(sample_weight=problem.TARGET)


def test_weighted_scores_are_those_of_repeated_examples(finished: Config, complete: keras.Model) -> None:
    examples = loading.read_examples(finished, "validation")
    context = inference.context_of(finished, complete)
    targets = task.actual(inference.target_of(complete), examples[finished.target])
    predictions = inference.predict(complete, examples)
    counts = np.resize([2, 0, 1, 3], len(targets))
    repeated = np.repeat(np.arange(len(targets)), counts)
    expected = metrics.score(
        targets[repeated], {name: values[repeated] for name, values in predictions.items()}, context
    )
    found = metrics.score(targets, predictions, context, weights=counts / 7)
    expected.pop("ece", None)  # whose bins hold equal numbers of examples
    rounding = 0.02 if "bleu" in expected else 1e-6  # lengths of texts are whole numbers
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=rounding, abs=1e-9, nan_ok=True)
    interval = scoring.intervals(targets, predictions, context, 50, weights=counts / 7)[finished.metric]
    assert interval["low"] <= found[finished.metric] <= interval["high"]


def test_a_model_learns_and_is_judged_by_the_weights(weighted: Callable[..., Config]) -> None:
    config = weighted([1, 3, 0], epochs=1)
    collect.main(config)
    train.main(config)
    model = inference.load_model(config)
    assert WEIGHT not in model.input
    found = inference.evaluate_split(config, model, "test", criteria.named_baselines(config)).result
    examples = loading.read_examples(config, "test")
    context = inference.context_of(config, model)
    targets = task.actual(inference.target_of(model), examples[config.target])
    predictions = inference.predict(model, examples.drop(columns=WEIGHT))  # as at serving
    by_hand = metrics.score(targets, predictions, context, weights=examples[WEIGHT].to_numpy("float64"))
    plain = metrics.score(targets, predictions, context)
    assert found["metrics"][config.metric]["value"] == pytest.approx(by_hand[config.metric], rel=1e-5)
    assert found["unweighted"][config.metric]["value"] == pytest.approx(plain[config.metric], rel=1e-5)
    history = pd.read_csv(config.paths.history)
    assert np.isfinite(history[task.MONITOR]).all()


def test_weights_are_scaled_to_a_mean_of_one() -> None:
    assert batching.scaled(np.array([10.0, 30.0])).tolist() == [0.5, 1.5]
    assert batching.scaled(np.array([1.0, 4.0]), np.array([2, 1])).tolist() == [0.5, 2.0]


def test_quantiles_count_by_weight() -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    assert [batching.weighted_quantile(values, weights, wanted) for wanted in (2, 2.1, 3.5, 9)] == [1, 2, 3, 3]
