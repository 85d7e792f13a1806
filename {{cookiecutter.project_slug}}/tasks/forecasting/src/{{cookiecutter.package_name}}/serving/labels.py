"""Whether what a client sends as ground truth can be one."""

from collections.abc import Mapping, Sequence
from typing import Any

LARGEST = 3e38  # as large as a float32 can be


def problem(parts: Mapping[str, Sequence[str]], label: Any, max_length: int) -> str:
    """What is expected in place of a label, empty if nothing is wrong: the values of the steps that were forecast."""
    del max_length
    num_steps = len(parts["forecast"])
    values = label if isinstance(label, list) else []
    are_good = len(values) == num_steps and all(value is None or is_number(value) for value in values)
    if are_good and any(value is not None for value in values):
        return ""
    return f"a list of {num_steps} numbers, null where one is not known yet, one per entry of the forecast"


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
