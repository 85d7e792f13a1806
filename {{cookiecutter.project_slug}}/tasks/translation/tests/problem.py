"""What the tests of every stage need to know of the task."""

from collections.abc import Mapping

import numpy as np

TARGET, OTHER_TARGET = "target", "kind"
LENIENT = {"chrf": "copy"}
UNREACHABLE = {"bleu": 101.0}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "chrf", 0, "copy"
METRICS = {"bleu", "chrf", "exact_match"}


def perfect(targets: np.ndarray, predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Translations of the same form that are all true."""
    return {**predictions, "translation": targets}
