"""Baselines: a simple model of each label on numeric and categorical features, which the network is compared with."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import estimators
from .data.resampling import Floats
from .metrics import Booleans

BASELINES = ("prior", "linear", "gradient_boosting")
MAX_BOOSTED_LABELS = 50
MAX_TREES = 1_000  # of gradient boosting, for all labels


def baseline(
    train: tuple[estimators.Features, Booleans],
    evaluation: estimators.Features,
    names: Collection[str] = BASELINES,
    weights: Floats | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Predictions of the named baselines, fitted to the training examples, for the evaluation examples.

    `weights` are the sample weights of the training examples, (num_examples,), if there are any.

    prior always predicts how frequent each label is. The others are one model for each label: linear a logistic
    regression on at most 50,000 examples, and gradient_boosting scikit-learn's with its default settings, but fewer
    rounds if there are more than 10 labels; it is left out if there are more than 50.
    """
    features, targets = train
    shares, num_labels = np.average(targets, axis=0, weights=weights), targets.shape[1]
    chosen = [name for name in names if name != "prior"]
    if num_labels > MAX_BOOSTED_LABELS:
        chosen = [name for name in chosen if name != "gradient_boosting"]
    found = {name: np.tile(shares, (evaluation.shape[0], 1)) for name in ("prior", *chosen)}
    for label in range(num_labels):
        own = targets[:, label]
        used = own if weights is None else own[weights > 0]
        models = {name: model(name, features, used, num_labels) for name in chosen if can_learn(name, used)}
        fitted = estimators.fit_and_predict(models, (features, own), evaluation, "predict_proba", weights)
        for name, probabilities in fitted.items():
            found[name][:, label] = probabilities[:, 1]
    return {name: {"probabilities": values} for name, values in found.items()}


def model(name: str, features: estimators.Features, targets: Booleans, num_labels: int) -> Any:
    """The estimator of one label."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # here, since it takes a second and a half
    from sklearn.linear_model import LogisticRegression

    if name == "linear":
        return estimators.linear(LogisticRegression(max_iter=200, tol=1e-3), features)
    is_frequent = min(targets.sum(), (~targets).sum()) > 1
    trees = HistGradientBoostingClassifier(
        early_stopping="auto" if is_frequent else False,  # both parts need both answers
        max_iter=min(100, max(1, MAX_TREES // num_labels)),
        random_state=0,
    )
    return estimators.boosting(trees, features)


def can_learn(name: str, targets: Booleans) -> bool:
    """Whether both answers are among the examples that a model learns from; else the prior stays."""
    if name == "linear":
        targets = targets[estimators.sample(len(targets), estimators.MAX_LINEAR_EXAMPLES)]
    return bool(0 < targets.sum() < len(targets))
