"""Whether what a client sends as ground truth can be one."""

from collections.abc import Mapping, Sequence
from typing import Any

LARGEST = 3e38  # as large as a float32 can be


def problem(parts: Mapping[str, Sequence[str]], label: Any, max_length: int) -> str:
    """What is expected in place of a label, empty if nothing is wrong: a finite number."""
    del parts, max_length
    is_number = isinstance(label, int | float) and not isinstance(label, bool)
    return "" if is_number and abs(label) < LARGEST else "a finite number"
