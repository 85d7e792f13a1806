"""Reads sets of labels and checks whether they can be learnt, without TensorFlow, which collecting does not need."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..settings.base import BETWEEN_LABELS, SPLITS
from . import label_sets
from .probability import with_rare
from .resampling import check_named

IS_NAME = True  # whether targets are names, even if all are digits
IS_SET = True  # whether a target is a set of labels
IS_FREE = False  # whether targets are free texts, which differ from example to example
LABELS_SHOWN = 10
OTHER_SEPARATORS = (";", ",", "|", "/", "+", "\t", " ")  # that are looked for where `label_separator` divides nothing
RARE = 30  # examples of a label below which its scores say little


def prepare(config: Config, examples: pd.DataFrame) -> pd.DataFrame:
    """The examples with a column of sets, each a text as the project writes it, empty where there is no label.

    The setting `target` names that column, or several columns of 0 and 1, which are the labels and are replaced by it.
    An example that lacks one of these has no target, and neither has one whose cell is missing.

    Raises:
        InputError: a cell holds no labels, a column is missing, or holds something else than 0 and 1.
    """
    if config.target in examples:
        cells = examples[config.target]
        known = {cell: read_cell(config, cell) for cell in cells.dropna().unique()}
        return examples.assign(**{config.target: cells.astype(object).map(known)})
    names = [name.strip() for name in config.target.split(",")]
    lacking = [name for name in names if name not in examples]
    if len(lacking) == len(names):
        return examples  # refused with the other settings that name columns
    if lacking:
        known_names = ", ".join(map(str, examples.columns[:20]))
        raise InputError(f"target names the column {lacking[0]!r}, which the source lacks; it has: {known_names}")
    flags = {name: read_flags(examples[name]) for name in names}
    is_missing = np.any([np.isnan(values) for values in flags.values()], axis=0)
    pieces = np.array([np.where(flags[name] == 1, name + BETWEEN_LABELS, "") for name in sorted(names)], object)
    sets = pd.Series(pieces.sum(axis=0), examples.index, dtype=object).str.removesuffix(BETWEEN_LABELS)
    return examples.drop(columns=names).assign(**{config.target: sets.mask(is_missing, None)})


def read_cell(config: Config, cell: str | float) -> str:
    """A cell as the project writes it."""
    try:
        return label_sets.join(label_sets.parse(cell, config.label_separator))
    except ValueError as error:
        message = f"target {config.target!r} holds {cell!r}; {error} is expected"
        raise InputError(f"{message}, with {config.label_separator} between labels: fix it") from error


def read_flags(values: pd.Series) -> npt.NDArray[np.float64]:
    """A column of 0 and 1, NaN where missing, (num_examples,)."""
    if values.isna().all():
        return np.full(len(values), np.nan)
    is_number = types.is_numeric_dtype(values)  # truth values, too
    numbers = values.to_numpy("float64", na_value=np.nan) if is_number else np.full(len(values), 2.0)
    is_other = ~np.isin(numbers, (0, 1)) & values.notna().to_numpy()
    if is_other.any():
        message = f"column {values.name!r}, a label, holds {values[is_other].tolist()[0]!r}"
        raise InputError(f"{message}; 0 or 1 is needed: fix it, or name one column of labels as target")
    return numbers


def members(values: pd.Series, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which examples have which labels, (num_examples, num_labels); other labels are ignored."""
    codes, combinations = pd.factorize(values)
    return members_of(combinations, labels)[codes]


def members_of(combinations: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which sets hold which labels, (num_sets, num_labels)."""
    places = {label: place for place, label in enumerate(labels)}
    found = np.zeros((len(combinations), len(labels)), bool)
    for row, combination in enumerate(combinations):
        found[row, [places[label] for label in label_sets.parse(combination) if label in places]] = True
    return found


def counts(values: pd.Series) -> pd.Series:
    """How many examples each label has, the most frequent first; labels that are equally frequent by name."""
    labels = values.value_counts().rename_axis("label").reset_index(name="count")
    labels["label"] = labels["label"].map(label_sets.parse)
    found = labels.explode("label").groupby("label")["count"].sum()
    return found.sort_index().sort_values(ascending=False, kind="stable")


def learned(config: Config, trained: pd.Series) -> tuple[str, ...]:
    """The labels that are frequent enough in the training split to be learned, by name.

    Raises:
        InputError: a setting names a metric of another label.
    """
    found = counts(trained)
    labels = tuple(sorted(found.index[found >= config.min_label_examples]))
    check_named(config, labels)
    return labels


def keep_rare(
    config: Config, values: pd.Series, draws: npt.NDArray[np.float64], splits: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    """The splits with an example of each label in each of them, where there are enough, (num_examples,) str."""
    codes, combinations = pd.factorize(values)
    labels = counts(values).index[::-1]
    holds = members_of(combinations, labels)
    return with_rare(config, [np.flatnonzero(holds[codes, label]) for label in range(len(labels))], draws, splits)


def without_rare(config: Config, values: pd.Series, trained: pd.Series, counted: pd.Series | None = None) -> pd.Series:
    """The targets as they are: rare labels stay in the data, but are not learned."""
    del config, trained, counted
    return values


def check_targets(config: Config, values: Mapping[str, pd.Series]) -> list[str]:
    """Checks the labels, given the targets by split; returns notes for the person.

    Raises:
        InputError: no label is frequent enough to be learned, or all examples have the same.
    """
    together, trained, known = pd.concat(values.values()), counts(values["train"]), learned(config, values["train"])
    if known and (together == together.iloc[0]).all():
        message = f"target {config.target!r} has the same labels in every example: {', '.join(known[:LABELS_SHOWN])}"
        raise InputError(f"{message}; check `target`, or collect examples with others")
    if not known:
        shown = ", ".join(f"{name} ({count})" for name, count in trained.head(LABELS_SHOWN).items()) or "none"
        message = f"target {config.target!r} has no label in at least {config.min_label_examples} training examples"
        raise InputError(f"{message}, but {shown}; check `target` and label_separator, or collect more")
    rare = [f"{name} ({trained.get(name, 0)})" for name in counts(together).index if name not in known]
    few = [f"{name} ({trained[name]})" for name in known if trained[name] < RARE]
    notes = [
        (rare, f"labels of fewer than {config.min_label_examples} training examples, which are not learned"),
        (few, "labels with few training examples, whose scores will be uncertain"),
    ]
    told = [f"{text}: {', '.join(names[:LABELS_SHOWN])}" for names, text in notes if names]
    told += [note] if (note := unseparated(config, together.astype(str).unique())) else []
    return told + [note for split in SPLITS[1:] if (note := lacking(split, values["train"], values[split]))]


def unseparated(config: Config, combinations: Sequence[str]) -> str:
    """What to do if no set has two labels, although another separator divides them into no more ones; empty if not."""
    if any(BETWEEN_LABELS in combination for combination in combinations):
        return ""
    whole = {*combinations} - {""}
    for separator in OTHER_SEPARATORS:
        parts = {part.strip() for combination in whole for part in combination.split(separator)} - {""}
        if parts != whole and len(parts) <= len(whole):
            few = f"no cell of {config.target} has two labels with {config.label_separator!r} between them"
            return f"{few}, but {len(parts)} labels with {separator!r}: set label_separator if that divides them"
    return ""


def lacking(split: str, train: pd.Series, present: pd.Series) -> str:
    """Which labels of the training split another split lacks; empty if none."""
    has = counts(present).index
    names = [str(name) for name in counts(train).index if name not in has]
    if not names:
        return ""
    shown = ", ".join(names[:LABELS_SHOWN]) + (" ..." if len(names) > LABELS_SHOWN else "")
    return f"the {split} split has no example of {shown}: it cannot say how well they are found; collect more examples"
