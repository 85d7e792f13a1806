"""Whether what a client sends as ground truth can be one."""

from collections.abc import Mapping, Sequence
from typing import Any

LARGEST = 3e38  # as large as a float32 can be


def problem(parts: Mapping[str, Sequence[str]], label: Any, max_length: int) -> str:
    """What is expected in place of a label, empty if nothing is wrong: a finite number, of several targets a list."""
    del max_length
    names = parts.get("prediction", ())
    if not names:
        return "" if is_number(label) else "a finite number"
    values = label if isinstance(label, list) and len(label) == len(names) else []
    if any(map(is_number, values)) and all(value is None or is_number(value) for value in values):
        return ""
    return f"a list of the numbers {', '.join(names)}, null where one is not known"


def is_number(value: Any) -> bool:
    """Whether a value is a number that a float32 can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
