"""Whether what a client sends as ground truth can be one."""

from collections.abc import Mapping, Sequence
from typing import Any


def problem(parts: Mapping[str, Sequence[str]], label: Any, max_length: int) -> str:
    """What is expected in place of a label, empty if nothing is wrong: a text that is not blank."""
    del parts
    if isinstance(label, str) and label.strip() and len(label) <= max_length:
        return ""
    return f"a text of 1 to {max_length:,} characters"
