"""Joins what came true with what was forecast, as `scoring` takes it."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome

NEEDED = ("forecast", "seasonal_error")
QUANTILE = re.compile(r"p\d+(_\d+)?")


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True values (num_examples, horizon * num_targets), the outputs, and how many pairs cannot be used.

    An outcome is a list with a number for each entry of the forecast, null where it is not known yet.
    """
    length = len(parts["forecast"])
    names = [name for name in parts if name in NEEDED or QUANTILE.fullmatch(name)]
    usable = [
        (outcome, [outputs[name] for name in names])
        for outputs, outcome in pairs
        if are_numbers(outcome, length) and all(are_numbers(outputs.get(name), len(parts[name])) for name in names)
    ]
    targets = np.array([outcome for outcome, _ in usable], "float64").reshape(-1, length)
    columns = zip(names, zip(*(outputs for _, outputs in usable), strict=True), strict=True)
    predictions = {name: np.array(values, "float64") for name, values in columns} if usable else {}
    return targets, predictions, len(pairs) - len(usable)


def are_numbers(values: Any, length: int) -> bool:
    """Whether a logged value is a list of so many numbers, of which some may be missing, but not all."""
    if not isinstance(values, list) or len(values) != length:
        return False
    are_good = all(value is None or is_number(value) for value in values)
    return are_good and any(value is not None for value in values)


def is_number(value: Any) -> bool:
    """Whether a logged value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
