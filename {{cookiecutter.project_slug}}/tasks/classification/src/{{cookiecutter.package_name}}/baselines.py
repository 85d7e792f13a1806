"""Baselines: simple models on numeric and categorical features, which the network is compared with."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import estimators
from .data.resampling import Floats
from .metrics import Integers

BASELINES = ("majority", "linear", "gradient_boosting")
MAX_BOOSTED_CLASSES = 50
MAX_TREES = 1_000  # of gradient boosting, which grows one per class and round


def baseline(
    train: tuple[estimators.Features, Integers],
    evaluation: estimators.Features,
    names: Collection[str] = BASELINES,
    weights: Floats | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Predictions of the named baselines, fitted to the training examples, for the evaluation examples.

    `weights` are the sample weights of the training examples, (num_examples,), if there are any.

    majority always predicts the class frequencies, linear is a logistic regression on at most 50,000 examples, and
    gradient_boosting scikit-learn's with its default settings, but fewer rounds if there are more than 10 classes; it
    is left out if there are more than 50, where it takes longer than the network.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # here, since it takes a second and a half
    from sklearn.linear_model import LogisticRegression

    features, targets = train
    num_classes = targets.max() + 1
    counts = np.bincount(targets if weights is None else targets[weights > 0], minlength=num_classes)
    shares = np.bincount(targets, weights, num_classes) / (len(targets) if weights is None else weights.sum())
    candidates = {"linear": estimators.linear(LogisticRegression(max_iter=200, tol=1e-3), features)}
    if num_classes <= MAX_BOOSTED_CLASSES:
        trees = HistGradientBoostingClassifier(
            early_stopping="auto" if counts[counts > 0].min() > 1 else False,  # both parts need every class
            max_iter=min(100, MAX_TREES // num_classes),
            random_state=0,
        )
        candidates["gradient_boosting"] = estimators.boosting(trees, features)
    models = {name: candidates[name] for name in candidates if name in names}
    probabilities = {"majority": np.tile(shares, (evaluation.shape[0], 1))}
    for name, fitted in estimators.fit_and_predict(models, train, evaluation, "predict_proba", weights).items():
        probabilities[name] = np.zeros((evaluation.shape[0], num_classes))
        probabilities[name][:, models[name].classes_] = fitted  # a sample of the examples may lack a class
    return {name: {"probabilities": values} for name, values in probabilities.items()}
