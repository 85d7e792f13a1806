"""Whether the collected targets can be learnt; apart from task.py, so that collecting need not load TensorFlow."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..config import Config
from ..core.errors import InputError
from .probability import with_rare

IS_NAME = True  # whether targets are names, even if all are digits
IS_SET = False  # whether a target is a set of labels
IS_FREE = False  # whether targets are free texts, which differ from example to example
OTHER = "other"  # the class into which rare ones are merged
CLASSES_SHOWN = 10
MIN_EXAMPLES_PER_CLASS = 2  # on average; with fewer, the target is a quantity or a name
RARE = 30  # examples of a class below which its scores say little


def prepare(config: Config, examples: pd.DataFrame) -> pd.DataFrame:
    """The examples with the target as it is written to the tables: as it was read."""
    del config
    return examples


def keep_rare(config: Config, values: pd.Series, draws: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """The splits with an example of each class in each of them, where there are enough, (num_examples,) str."""
    codes, classes = pd.factorize(values)
    order = np.argsort(codes, kind="stable")[(codes < 0).sum() :]
    ends = np.cumsum(np.bincount(codes[codes >= 0], minlength=len(classes)))
    return with_rare(config, sorted(np.split(order, ends[:-1]), key=len), draws, splits)


def ordered_counts(config: Config, values: pd.Series) -> pd.Series:
    """How many examples each class has, in the order of the model's outputs: of two, the positive one is the last.

    Raises:
        InputError: the setting `positive` names no class, or there are more than two; or `order` has other classes.
    """
    counts = values.value_counts().sort_index()
    names = [str(name) for name in counts.index]
    if config.order:
        check_order(config, names)
        return counts.iloc[[names.index(name) for name in config.order]]
    if not config.positive:
        return counts.sort_values(ascending=False, kind="stable") if len(counts) == 2 else counts
    if len(counts) != 2 or config.positive not in names:
        shown = ", ".join(names[:CLASSES_SHOWN])
        raise InputError(
            f"positive is {config.positive!r}; expected one of two classes, and {config.target} has {shown}: "
            "name one of two, or leave it empty"
        )
    return counts.iloc[[1, 0]] if config.positive == names[0] else counts


def check_order(config: Config, names: Sequence[str]) -> None:
    """Refuses an order that does not name exactly the classes of the data."""
    unknown = [name for name in config.order if name not in names]
    left_out = [name for name in names if name not in config.order]
    if unknown or left_out:
        wrong = f"names {unknown[0]!r}, which is no class" if unknown else f"leaves out the class {left_out[0]!r}"
        shown = ", ".join(names[:CLASSES_SHOWN]) + (" ..." if len(names) > CLASSES_SHOWN else "")
        raise InputError(f"order {wrong} of {config.target}; expected each of {shown}, from the lowest to the highest")


def without_rare(config: Config, values: pd.Series, trained: pd.Series, counted: pd.Series | None = None) -> pd.Series:
    """The targets without rare classes, as the setting says: merged into one, or missing where examples are dropped.

    Classes are common if they are among those `trained` and, if given, often enough among those `counted`.
    """
    common = set(trained.astype(str))
    if counted is not None:
        counts = counted.astype(str).value_counts()
        common &= set(counts.index[counts >= config.min_class_examples])
    is_rare = ~values.astype(str).isin(common) & values.notna()
    if config.rare_classes == "refuse" or not is_rare.any():
        return values
    if config.rare_classes == "drop":
        return values.astype(object).mask(is_rare, None)
    return values.astype(str).astype(object).mask(is_rare, OTHER)


def check_targets(config: Config, values: Mapping[str, pd.Series]) -> list[str]:
    """Checks the classes, given the targets by split; returns notes for the person.

    Raises:
        InputError: there are fewer than two classes, or some have too few examples.
    """
    counts = pd.concat(values.values()).value_counts()
    if len(counts) < 2:
        message = f"target {config.target!r} has only the class {counts.index[0]}; at least two are needed"
        raise InputError(f"{message}: check `target`, or collect examples of another class")
    if counts.sum() < MIN_EXAMPLES_PER_CLASS * len(counts):
        message = f"target {config.target!r} has {len(counts)} classes in {counts.sum()} examples"
        raise InputError(
            f"{message}; a class needs at least {config.min_class_examples}: is it a quantity, for a regression?"
        )
    rare = counts[(counts < config.min_class_examples) | ~counts.index.isin(values["train"].unique())]
    if len(rare):
        shown = ", ".join(f"{name} ({count})" for name, count in rare.head(CLASSES_SHOWN).items())
        raise InputError(
            f"target {config.target!r} has classes too rare to split: {shown}; each needs at least "
            f"{config.min_class_examples} examples, one of them for training: collect more, set rare_classes to drop "
            "or merge, or merge_spellings if classes differ only in case or blanks"
        )
    ordered_counts(config, values["train"])
    few = [f"{name} ({count})" for name, count in counts.items() if count < RARE]
    shown = ", ".join(few[:CLASSES_SHOWN])
    notes = [f"classes with few examples, whose scores will be uncertain: {shown}"] if few else []
    return notes + [
        note for split in ("validation", "test") if (note := lacking(split, values["train"], values[split]))
    ]


def lacking(split: str, train: pd.Series, present: pd.Series) -> str:
    """Which classes of the training split another split lacks; empty if none."""
    known = set(present)
    names = [str(name) for name in train.value_counts().index if name not in known]
    if not names:
        return ""
    shown = ", ".join(names[:CLASSES_SHOWN]) + (" ..." if len(names) > CLASSES_SHOWN else "")
    return (
        f"the {split} split has no example of {shown}: it cannot say how well they are told apart, and with a single "
        "class left ROC AUC and PR AUC are undefined; collect more examples, or change seed or split_fractions"
    )
