"""Joins what came true with what was predicted, as `scoring` takes it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome

OUTPUTS = ("prediction", "low", "high")


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True numbers (num_examples,), the outputs, each (num_examples,), and how many pairs cannot be used.

    An outcome can be used if it is a finite number, a prediction if each of its outputs is one.
    """
    del parts  # every output is one number
    usable = [
        (outcome, *(outputs[name] for name in OUTPUTS))
        for outputs, outcome in pairs
        if all(is_number(value) for value in (outcome, *(outputs.get(name) for name in OUTPUTS)))
    ]
    targets, *columns = np.array(usable, "float64").reshape(-1, 1 + len(OUTPUTS)).T
    return targets, dict(zip(OUTPUTS, columns, strict=True)), len(pairs) - len(usable)


def is_number(value: Any) -> bool:
    """Whether a logged value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
