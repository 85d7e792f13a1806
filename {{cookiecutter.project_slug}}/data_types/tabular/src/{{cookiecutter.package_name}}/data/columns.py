"""Decides what each column of a table is to the model: a number, a category, a date, a text, or nothing."""

import re
from dataclasses import dataclass, field

import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError

MIN_TEXT_WORDS = 4  # words in a typical cell from which on strings that hardly repeat are texts
MIN_REPEATED_SHARE = 0.5  # share of examples whose category is seen often enough to learn from
MIN_COUNTER_EXAMPLES = 20  # with fewer examples, whole numbers without gaps prove nothing
MIN_DISTINCT_SHARE = 0.1  # of whole numbers that may identify the examples; others are copies
EXPECTED_PAIRS = 5  # equal pairs that chance alone would make of whole numbers; without any, they were given out
MOST_REPEATED = 0.1  # of those pairs
NUMBER_NAME = re.compile(r"(?i:(^|[\W_])(id|no|nr|nbr|number|key|code)\.?$)|[a-z](Id|ID|No|Nr|Number|Key|Code)$")
HEXADECIMAL = r"[\W_]*([0-9A-Fa-f]*\d[0-9A-Fa-f]*[\W_]*)+"
IDENTIFIERS = ("only counts the examples", "is a number of its own for each example", "hardly ever repeats")


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
        kind = kind_of(config, examples, str(name))
        if kind in kinds:
            kinds[kind].append(name)
        else:
            left_out[name] = kind
    if not any(kinds.values()):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise InputError(f"no column is left to learn from ({reasons}); give the source columns that vary")
    return Columns(**{kind: tuple(names) for kind, names in kinds.items()}, left_out=left_out)


def kind_of(config: Config, examples: pd.DataFrame, name: str) -> str:
    """The kind of a column, or the reason to leave it out."""
    values = examples[name]
    present = values.dropna()
    roles = {**dict.fromkeys(config.targets, "is the target"), config.key: "is the key", config.group: "is the group"}
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
        return "numbers" if name in config.keep_identifiers else kind_of_numbers(examples, name)
    return kind_of_strings(config, present.astype(str))


def kind_of_strings(config: Config, present: pd.Series) -> str:
    """Tells categories, texts and names apart by how often values repeat and how many words they have."""
    counts = present.value_counts()
    if counts[counts >= config.min_category_count].sum() >= MIN_REPEATED_SHARE * len(present):
        return "categories"
    first = present.head(1_000)
    is_text = first.str.split().str.len().median() >= MIN_TEXT_WORDS and not first.str.fullmatch(HEXADECIMAL).all()
    return "texts" if is_text else "hardly ever repeats"


def kind_of_numbers(examples: pd.DataFrame, name: str) -> str:
    """Tells numbers from those that identify the examples, copies aside; real numbers never do.

    Whole numbers that were measured repeat by chance, the more often the fewer there are to draw from. Those that do
    not were given out, and so were those that rise or fall from row to row, or that differ and are called a number.
    """
    present = examples[name].dropna()
    if len(present) < MIN_COUNTER_EXAMPLES or present.nunique() < MIN_DISTINCT_SHARE * len(present):
        return "numbers"
    if not (present % 1 == 0).all():  # a column of whole numbers that lacks some is stored as real numbers
        return "numbers"
    present = present if present.is_unique else examples.drop_duplicates()[name].dropna()
    if present.is_unique and (present.is_monotonic_increasing or present.is_monotonic_decreasing):
        return IDENTIFIERS[0]
    num_repeated = len(present) - present.nunique()
    num_values = int(present.max()) - int(present.min()) + 1
    expected = len(present) * (len(present) - 1) / (2 * num_values)
    is_given_out = expected >= EXPECTED_PAIRS and num_repeated <= MOST_REPEATED * expected
    is_called_so = present.is_unique and NUMBER_NAME.search(name)
    return IDENTIFIERS[1] if is_given_out or is_called_so else "numbers"


def identifiers(config: Config, examples: pd.DataFrame) -> dict[str, str]:
    """The columns that are left out as they only identify the examples, and how each does."""
    kinds = {str(name): kind_of(config, examples, str(name)) for name in examples.columns}
    return {name: kind for name, kind in kinds.items() if kind in IDENTIFIERS}


def check_names(config: Config, examples: pd.DataFrame) -> None:
    """Refuses settings that name columns which are not there."""
    for setting in ("ignore", "categorical", "text", "merge_spellings", "keep_markers", "keep_identifiers"):
        for name in getattr(config, setting):
            if name not in examples.columns:
                known = ", ".join(map(str, examples.columns[:20]))
                raise InputError(f"{setting} names the column {name!r}, which the source lacks; it has: {known}")
