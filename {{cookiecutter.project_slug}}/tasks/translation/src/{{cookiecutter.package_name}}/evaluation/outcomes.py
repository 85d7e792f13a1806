"""Joins what came true with what was predicted, as `scoring` takes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome

OUTPUT = "translation"


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True translations (num_examples,), those of the model, and how many pairs cannot be used.

    Both have to be texts.
    """
    del parts  # every output has one
    usable = [
        (outcome, outputs[OUTPUT])
        for outputs, outcome in pairs
        if isinstance(outcome, str) and isinstance(outputs.get(OUTPUT), str)
    ]
    targets, translations = (np.array([pair[side] for pair in usable], object) for side in (0, 1))
    return targets, {OUTPUT: translations}, len(pairs) - len(usable)
