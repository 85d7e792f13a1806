"""Joins what came true with what was predicted, as `scoring` takes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """Class numbers (num_examples,), probabilities (num_examples, num_classes), and how many pairs cannot be used.

    An outcome can be used if it is the name of a class, a prediction if it holds a probability for each class.
    """
    codes = {name: number for number, name in enumerate(parts["probabilities"])}
    targets, probabilities = [], []
    for outputs, outcome in pairs:
        name = str(int(outcome)) if isinstance(outcome, float) and outcome.is_integer() else str(outcome)
        predicted = outputs.get("probabilities")
        if name in codes and is_distribution(predicted, len(codes)):
            targets.append(codes[name])
            probabilities.append(predicted)
    shape = (len(targets), len(codes))
    predictions = {"probabilities": np.array(probabilities, "float64").reshape(shape)}
    return np.array(targets, "int32"), predictions, len(pairs) - len(targets)


def is_distribution(values: Any, num_classes: int) -> bool:
    """Whether a logged value is a list with a probability for each class."""
    return (
        isinstance(values, list)
        and len(values) == num_classes
        and all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)
    )
