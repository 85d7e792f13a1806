"""Whether what a client sends as ground truth can be one."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..data import label_sets

LABELS_SHOWN = 10


def problem(parts: Mapping[str, Sequence[str]], label: Any, max_length: int) -> str:
    """What is expected in place of a label, empty if nothing is wrong: some of the labels that the model knows."""
    del max_length
    known = parts["labels"]
    with contextlib.suppress(ValueError):  # no list of labels
        if {*label_sets.parse(label)} <= {*known}:
            return ""
    more = f" and {len(known) - LABELS_SHOWN} others" if len(known) > LABELS_SHOWN else ""
    return f"a list of some of the labels {', '.join(known[:LABELS_SHOWN])}{more}, or of none"
