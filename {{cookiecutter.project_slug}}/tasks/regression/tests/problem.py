"""What the tests of every stage need to know of the task."""

from collections.abc import Mapping

import numpy as np

TARGET, OTHER_TARGET = "price", "kind"
LENIENT = {"rmse": "mean"}
UNREACHABLE = {"r2": 1.01}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "rmse", 1e9, "mean"
METRICS = {"rmse", "mae", "r2", "mape", "coverage", "interval_width"}


def perfect(targets: np.ndarray, predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predictions of the same form that are all true."""
    return dict.fromkeys(predictions, targets)
