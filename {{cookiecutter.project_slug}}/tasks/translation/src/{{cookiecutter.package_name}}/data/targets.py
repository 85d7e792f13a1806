"""Whether the collected targets can be learnt; apart from task.py, so that collecting need not load TensorFlow."""

from collections.abc import Mapping

import pandas as pd

from ..config import Config
from ..core.errors import InputError

IS_NAME = True  # whether targets are texts, even if all are digits
FEW_EXAMPLES = 1_000  # of training: below, a network learns hardly more than a translation memory knows

BLEU_ORDER = 4  # words of the longest runs that BLEU counts


def without_rare(config: Config, values: pd.Series, trained: pd.Series, counted: pd.Series | None = None) -> pd.Series:
    """The targets without rare classes: there are none."""
    del config, trained, counted
    return values


def check_targets(config: Config, values: Mapping[str, pd.Series]) -> list[str]:
    """Checks that targets are texts that vary, given by split; returns notes for the person.

    Raises:
        InputError: they are all the same.
    """
    together = pd.concat(values.values())
    if together.nunique() < 2:
        message = f"target {config.target!r} is {together.iloc[0]!r} in every example"
        raise InputError(f"{message}; translations are needed: check `target`")
    notes, num_examples = [], len(values["train"])
    if num_examples < FEW_EXAMPLES:
        notes.append(f"only {num_examples:,} pairs to learn from: expect little")
    if together.str.split().str.len().max() < BLEU_ORDER:
        notes.append(f"no target has {BLEU_ORDER} words, as BLEU needs: set metric and criteria to chrf or exact_match")
    return notes


def lacking(split: str, train: pd.Series, present: pd.Series) -> str:
    """Which classes of the training split another split lacks: there are none."""
    del split, train, present
    return ""
