"""Decides what each column of a table is to the model: a number, a category, a date, a text, or nothing."""

from dataclasses import dataclass, field

import pandas as pd
from pandas.api import types

from .config import Config
from .core.errors import InputError

MIN_TEXT_WORDS = 4  # words in a typical cell from which on strings that hardly repeat are texts
MIN_REPEATED_SHARE = 0.5  # share of examples whose category is seen often enough to learn from
MIN_COUNTER_EXAMPLES = 20  # with fewer examples, whole numbers without gaps prove nothing


@dataclass(frozen=True)
class Columns:
    """The columns by kind, and why the others are left out."""

    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """All columns that the model sees, in the order of its inputs."""
        return self.numbers + self.categories + self.dates + self.texts


def describe_columns(config: Config, examples: pd.DataFrame) -> Columns:
    """Sorts the columns by what the training examples hold.

    Raises:
        InputError: a setting names a column that is not there, or no column is left to learn from.
    """
    check_names(config, examples)
    kinds: dict[str, list[str]] = {"numbers": [], "categories": [], "dates": [], "texts": []}
    left_out = {}
    for name in examples.columns:
        kind = kind_of(config, examples[name])
        if kind in kinds:
            kinds[kind].append(name)
        else:
            left_out[name] = kind
    if not any(kinds.values()):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise InputError(f"no column is left to learn from ({reasons}); give the source columns that vary")
    return Columns(**{kind: tuple(names) for kind, names in kinds.items()}, left_out=left_out)


def kind_of(config: Config, values: pd.Series) -> str:
    """The kind of a column, or the reason to leave it out."""
    name, present = str(values.name), values.dropna()
    roles = {config.target: "is the target", config.key: "is the key", config.group: "is the group"}
    roles |= {config.time: "orders the splits", config.sample_weight: "is the sample weight"}
    roles |= dict.fromkeys(config.ignore, "is ignored")
    if name in roles:
        return roles[name]
    if present.empty:
        return "is empty"
    if len(present) == len(values) and (present == present.iloc[0]).all():
        return "is constant"
    if name in config.categorical:
        return "categories"
    if name in config.text:
        return "texts"
    if types.is_datetime64_any_dtype(values):
        return "dates"
    if types.is_numeric_dtype(values):  # booleans too: 0 and 1
        return "only counts the examples" if counts_up(present) else "numbers"
    return kind_of_strings(config, present.astype(str))


def kind_of_strings(config: Config, present: pd.Series) -> str:
    """Tells categories, texts and names apart by how often values repeat and how many words they have."""
    counts = present.value_counts()
    if counts[counts >= config.min_category_count].sum() >= MIN_REPEATED_SHARE * len(present):
        return "categories"
    num_words = present.head(1_000).str.split().str.len().median()
    return "texts" if num_words >= MIN_TEXT_WORDS else "hardly ever repeats"


def counts_up(present: pd.Series) -> bool:
    """Whether whole numbers only number the examples: all different and nearly without gaps."""
    if not types.is_integer_dtype(present) or len(present) < MIN_COUNTER_EXAMPLES or present.duplicated().any():
        return False
    return int(present.max()) - int(present.min()) < 2 * len(present)


def check_names(config: Config, examples: pd.DataFrame) -> None:
    """Refuses settings that name columns which are not there."""
    for setting in ("ignore", "categorical", "text", "merge_spellings", "keep_markers"):
        for name in getattr(config, setting):
            if name not in examples.columns:
                known = ", ".join(map(str, examples.columns[:20]))
                raise InputError(f"{setting} names the column {name!r}, which the source lacks; it has: {known}")
