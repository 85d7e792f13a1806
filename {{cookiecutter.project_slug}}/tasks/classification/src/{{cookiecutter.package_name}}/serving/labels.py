"""Whether what a client sends as ground truth can be one."""

from collections.abc import Mapping, Sequence
from typing import Any

CLASSES_SHOWN = 10


def problem(parts: Mapping[str, Sequence[str]], label: Any, max_length: int) -> str:
    """What is expected in place of a label, empty if nothing is wrong: the name of a class that the model knows."""
    del max_length
    classes = parts["probabilities"]
    name = str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
    if isinstance(label, str | int | float) and name in classes:
        return ""
    more = f" and {len(classes) - CLASSES_SHOWN} others" if len(classes) > CLASSES_SHOWN else ""
    return f"one of the classes {', '.join(classes[:CLASSES_SHOWN])}{more}"
