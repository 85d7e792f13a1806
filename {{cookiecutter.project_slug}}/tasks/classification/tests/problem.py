"""What the tests of every stage need to know of the task."""

from collections.abc import Mapping

import numpy as np

TARGET, OTHER_TARGET = "kind", "price"
LENIENT = {"log_loss": "majority"}
UNREACHABLE = {"accuracy": 1.01}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "log_loss", 1e9, "majority"
METRICS = {
    *("quadratic_kappa", "rank_error"),
    *("sensitivity", "specificity", "ppv", "npv", "f_beta", "mcc", "top_k_accuracy"),
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "ece",
    "expected_cost",
    *("refer_rate", "risk", "coverage"),
}


def perfect(targets: np.ndarray, predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predictions of the same form that are all true."""
    probabilities = np.eye(predictions["probabilities"].shape[1])[targets]
    return {**predictions, "probabilities": probabilities, "probability": probabilities.max(axis=1)}
