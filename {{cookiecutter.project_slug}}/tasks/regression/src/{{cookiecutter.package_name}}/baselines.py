"""Baselines: simple models on numeric and categorical features, which the network is compared with."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import estimators
from .data.resampling import Floats
from .metrics import Numbers

BASELINES = ("mean", "linear", "gradient_boosting")


def baseline(
    train: tuple[estimators.Features, Numbers],
    evaluation: estimators.Features,
    names: Collection[str] = BASELINES,
    weights: Floats | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Predictions of the named baselines, fitted to the training examples, for the evaluation examples.

    `weights` are the sample weights of the training examples, (num_examples,), if there are any.

    mean always predicts the mean, linear is a ridge regression on at most 50,000 examples, and gradient_boosting
    scikit-learn's with its default settings. Each of several targets, (num_examples, num_targets), has its own models,
    which learn from the examples that have it.
    """
    if train[1].ndim == 2:
        found = []
        for numbers in train[1].T:
            known = np.isfinite(numbers)
            own = None if weights is None else weights[known]
            found.append(baseline((train[0][known], numbers[known]), evaluation, names, own))
        return {
            name: {"prediction": np.stack([each[name]["prediction"] for each in found], axis=1)} for name in found[0]
        }
    from sklearn.ensemble import HistGradientBoostingRegressor  # here, since it takes a second and a half
    from sklearn.linear_model import Ridge

    features, targets = train
    trees = estimators.boosting(HistGradientBoostingRegressor(random_state=0), features)
    candidates = {"linear": estimators.linear(Ridge(), features), "gradient_boosting": trees}
    models = {name: candidates[name] for name in candidates if name in names}
    predictions = {"mean": np.full(evaluation.shape[0], np.average(targets, weights=weights))}
    predictions |= estimators.fit_and_predict(models, train, evaluation, "predict", weights)
    return {name: {"prediction": values} for name, values in predictions.items()}
