"""Whether the collected targets can be learnt; apart from task.py, so that collecting need not load TensorFlow."""

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

from ..config import Config
from ..core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

IS_NAME = True  # whether targets are texts, even if all are digits
IS_SET = False  # whether a target is a set of labels
IS_FREE = True  # whether targets are free texts, which differ from example to example
MANY_EXAMPLES = 100_000  # of training: for texts about anything
FEW_EXAMPLES = 1_000  # of training: below, a network learns hardly more than a translation memory knows

BLEU_ORDER = 4  # words of the longest runs that BLEU counts
SCRIPT_TEXTS = 1_000  # that tell the script
KANA, HAN = "\u3040-\u30ff", "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
UNSPACED = re.compile(f"[{KANA}{HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # and Thai, Lao, Burmese, Khmer
JAPANESE = 0.1  # share of kana from which on Han characters are Japanese


def prepare(config: Config, examples: "pd.DataFrame") -> "pd.DataFrame":
    """The examples with the target as it is written to the tables: as it was read."""
    del config
    return examples


def keep_rare(config: Config, values: "pd.Series", draws: "np.ndarray", splits: "np.ndarray") -> "np.ndarray":
    """The splits, with what is rare in each of them: as they were drawn, (num_examples,) str."""
    del config, values, draws
    return splits


def without_rare(
    config: Config, values: "pd.Series", trained: "pd.Series", counted: "pd.Series | None" = None
) -> "pd.Series":
    """The targets without rare classes: there are none."""
    del config, trained, counted
    return values


def check_targets(config: Config, values: Mapping[str, "pd.Series"]) -> list[str]:
    """Checks that targets are texts that vary, given by split; returns notes for the person.

    Raises:
        InputError: they are all the same.
    """
    import pandas as pd  # here, since the server reads metrics, and does without pandas

    together = pd.concat(values.values())
    if together.nunique() < 2:
        message = f"target {config.target!r} is {together.iloc[0]!r} in every example"
        raise InputError(f"{message}; translations are needed: check `target`")
    notes, num_examples = [], len(values["train"])
    if num_examples < FEW_EXAMPLES:
        notes.append(f"only {num_examples:,} pairs to learn from: expect little")
    elif num_examples < MANY_EXAMPLES:
        what = f"everyday language takes about {MANY_EXAMPLES:,}"
        notes.append(f"{num_examples:,} pairs to learn from: enough for a narrow subject, {what}")
    has_spaces = bleu_tokenizer(together) == "13a"
    if (together.str.split() if has_spaces else together).str.len().max() < BLEU_ORDER:
        notes.append(f"no target has {BLEU_ORDER} words, as BLEU needs: set metric and criteria to chrf or exact_match")
    return notes


def bleu_tokenizer(texts: Iterable[str]) -> str:
    """How sacrebleu finds the words of texts: 13a where spaces separate them, else by the script, mostly by character.

    Japanese is split by MeCab if it and its dictionary are installed (`sacrebleu[ja]`).
    """
    sample = "".join("".join(islice(texts, SCRIPT_TEXTS)).split())
    unspaced = "".join(UNSPACED.findall(sample))
    if 2 * len(unspaced) <= len(sample):
        return "13a"
    if len(re.findall(f"[{KANA}]", unspaced)) > JAPANESE * len(unspaced):
        return "ja-mecab" if find_spec("MeCab") and find_spec("ipadic") else "char"
    return "zh" if 2 * len(re.findall(f"[{HAN}]", unspaced)) > len(unspaced) else "char"


def lacking(split: str, train: "pd.Series", present: "pd.Series") -> str:
    """Which classes of the training split another split lacks: there are none."""
    del split, train, present
    return ""
