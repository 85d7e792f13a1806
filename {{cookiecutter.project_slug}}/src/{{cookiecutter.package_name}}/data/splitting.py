"""Assigns every example to the training, validation or test split, without leakage between them."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..settings.base import SPLITS
from . import targets

CHUNK = 1 << 18  # rows that are hashed at once
SAID = {  # by split, how people call it
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
SAME_PAIRS = 0.0025  # share of pairs of examples that are the same, above which splits may miss their shares by points
MIXED_SHARE = 0.05  # of the examples whose features occur with several targets: then copies tell how often each occurs
GIVEN = "given split"  # the column of the splits that the source gives; it is not written
SPLIT_NAMES = {name: split for split, names in SAID.items() for name in names}
LARGEST_EXACT = 2**53  # above it, float64 does not tell whole numbers apart
WHOLE = r"^(0|-?[1-9]\d{0,18})$"


def assign_splits(
    config: Config, examples: pd.DataFrame, identities: np.ndarray, sizes: Sequence[int] = ()
) -> np.ndarray:
    """The name of the split of each example, (num_examples,) str.

    By `time` if set: training before validation before test. Else by a hash of the `group`, the `key` or the example's
    identity, whichever is set first: an example then keeps its split when others are added, removed or reordered.
    Identical examples have the same number in `identities`, (num_examples,) uint64.

    What the column GIVEN says comes first; see `as_given`.

    If examples were collected in several batches, of `sizes`, the first one, the source, decides where the periods
    begin: a test example stays in the test split, and training ends before it.

    Raises:
        InputError: a split would be empty.
    """
    assign = as_given if GIVEN in examples else draw_splits
    splits = assign(config, examples, identities, sizes[0] if len(sizes) else len(examples))
    check_not_empty(config, splits)
    return splits


def unchecked(config: Config, rows: Callable[[str], pd.DataFrame]) -> list[str]:
    """What examples.py checks and notes of the splits, where examples need no more than others: nothing."""
    del config, rows
    return []


def draw_splits(config: Config, examples: pd.DataFrame, identities: np.ndarray, num_first: int) -> np.ndarray:
    """The split of each example by the settings, (num_examples,) str."""
    if config.time:
        return split_by_time(config, examples[config.time], num_first)
    if config.group:
        hashes = hash_values(examples[config.group])
    else:
        hashes = hash_keys(config, examples, identities) if config.key else identities
    draws = draw(config, hashes)
    splits = np.array(SPLITS, object)[np.searchsorted(np.cumsum(config.split_fractions)[:-1], draws, side="right")]
    return targets.keep_rare(config, examples[config.targets[0]], draws, splits)


def as_given(config: Config, examples: pd.DataFrame, identities: np.ndarray, num_first: int) -> np.ndarray:
    """The splits as the source gives them, (num_examples,) str.

    A split that it does not give is drawn from the training examples. Examples that were added, of which it says
    nothing, are in the split of those that are the same, or drawn as ever.
    """
    given = read_given(config, examples[GIVEN])
    is_given = given.notna().to_numpy()
    splits = np.where(is_given, given, draw_splits(config, examples, identities, num_first))
    lacking = [split not in set(given) for split in SPLITS]
    if any(lacking[1:]) and not lacking[0]:
        shares = np.array(config.split_fractions) * [True, *lacking[1:]]
        own = config.model_copy(update={"split_fractions": tuple(shares / shares.sum())})
        rows = (given == "train").to_numpy()
        splits[rows] = draw_splits(own, examples[rows], identities[rows], int(rows.sum()))
    known = pd.Series(splits[is_given], identities[is_given])
    same = pd.Series(identities[~is_given]).map(known[~known.index.duplicated()])
    splits[~is_given] = same.fillna(pd.Series(splits[~is_given])).to_numpy()
    return splits


def read_given(config: Config, given: pd.Series) -> pd.Series:
    """The names of splits as we call them, missing where none is given.

    Raises:
        InputError: a value is no such name.
    """
    known = {value: SPLIT_NAMES.get(str(value).strip().lower()) for value in given.dropna().unique()}
    splits = given.astype(object).map(known)
    unknown = given[given.notna() & ~splits.isin(SPLITS)]
    if len(unknown):
        message = f"split {config.split!r} holds {unknown.tolist()[0]!r}, which names no split"
        raise InputError(f"{message}; write {', '.join(SPLIT_NAMES)}, or leave the cell empty for training")
    return splits


def split_by_time(config: Config, times: pd.Series, num_first: int) -> np.ndarray:
    """Cuts the times where settings say or, without these, at the split fractions of the first examples.

    Equal times stay together.
    """
    ordered = np.sort(times.iloc[:num_first].to_numpy())
    ends = np.cumsum(config.split_fractions)[:-1] * len(ordered)
    starts = [*ordered[np.minimum(ends.round().astype(int), len(ordered) - 1)]]
    starts = starts if config.split_fractions[2] else starts[:1]  # the test split is given
    for place, setting in enumerate(("validation_start", "test_start")[: len(starts)]):
        if getattr(config, setting):
            starts[place] = read_start(config, setting, times)
    return np.array(SPLITS, object)[np.searchsorted(np.array(starts), times.to_numpy(), side="right")]


def read_start(config: Config, setting: str, times: pd.Series) -> Any:
    """The time, or the number, that a setting names."""
    written = getattr(config, setting)
    try:
        return pd.to_numeric(written) if types.is_numeric_dtype(times) else np.datetime64(pd.Timestamp(written))
    except ValueError as error:
        example = times.iloc[len(times) // 2]
        raise InputError(f"{setting} is {written!r}; a value of {config.time!r} such as {example} is needed") from error


def draw(config: Config, hashes: np.ndarray) -> np.ndarray:
    """Maps hashes to [0, 1), which is divided by the split fractions, (num_examples,) float64."""
    seed, draws = hash_numbers(np.array([config.seed], "float64")), np.empty(len(hashes))
    for rows in chunks(len(hashes)):
        draws[rows] = pd.util.hash_array(hashes[rows] ^ seed) / 2.0**64
    return draws


def hash_keys(config: Config, examples: pd.DataFrame, identities: np.ndarray) -> np.ndarray:
    """A hash per key, (num_examples,) uint64; examples that differ in nothing else all get that of their first key."""
    hashes = hash_values(examples[config.key])
    content = with_target(config, examples, identities)
    repeated = pd.Series(content).duplicated(keep=False).to_numpy()
    keys = examples.loc[repeated, config.key]
    rows = pd.DataFrame({"key": keys, "content": content[repeated], "hash": hashes[repeated]})
    rows["length"] = keys.str.len() if keys.dtype == object else 0  # so that digits are in the order of numbers
    first = rows.sort_values(["length", "key"]).drop_duplicates("content").set_index("content")["hash"]
    hashes[repeated] = first.loc[rows["content"]].to_numpy()
    return hashes


def treat_duplicates(config: Config, numbers: np.ndarray, identities: np.ndarray) -> str:
    """What becomes of duplicates: keep, drop or weigh. `numbers` are those of `with_target`, (num_examples,) uint64.

    Without a setting they are kept, unless they would unbalance the splits, since duplicates stay together, and the
    target of features that are the same is the same as well: then copies tell nothing more.
    """
    if config.duplicates != "auto":
        return config.duplicates
    counts = count_equal(numbers)
    if (counts * (counts - 1)).sum() <= max(SAME_PAIRS, 1 / len(numbers)) * len(numbers) ** 2:
        return "keep"
    _, places, counts = np.unique(numbers, return_index=True, return_counts=True)
    is_mixed = pd.Series(identities[places]).duplicated(keep=False).to_numpy()
    return "drop" if counts[is_mixed].sum() <= MIXED_SHARE * len(numbers) else "keep"


def are_repeated(numbers: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Which examples repeat an earlier one, or one of a later split that is given, (num_examples,) bool."""
    order = np.argsort(-pd.Series(splits).map({split: place for place, split in enumerate(SPLITS)}), kind="stable")
    repeated = np.empty(len(numbers), bool)
    repeated[order] = pd.Series(numbers[order]).duplicated()
    return repeated


def count_duplicates(numbers: np.ndarray) -> int:
    """The number of examples that repeat another one."""
    return len(numbers) - len(count_equal(numbers))


def count_equal(numbers: np.ndarray) -> np.ndarray:
    """How often each number occurs, (num_distinct,) int."""
    return np.unique(numbers, return_counts=True)[1]


def with_target(config: Config, examples: pd.DataFrame, identities: np.ndarray) -> np.ndarray:
    """A number per example, (num_examples,) uint64, equal for the same identity and target."""
    numbers = np.empty(len(identities), "uint64")
    targets = examples[config.target_columns]
    hashed = hash_rows if len(config.targets) > 1 else hash_values
    for rows in chunks(len(identities)):
        numbers[rows] = pd.util.hash_array(identities[rows]) + hashed(targets.iloc[rows])
    return numbers


def chunks(num_rows: int) -> Iterator[slice]:
    """Slices of CHUNK rows, so that intermediate results take little memory."""
    return (slice(start, start + CHUNK) for start in range(0, num_rows, CHUNK))


def hash_rows(examples: pd.DataFrame) -> np.ndarray:
    """A hash per row, (num_examples,) uint64, which does not depend on the order of the columns."""
    total = np.zeros(len(examples), "uint64")
    for name in examples.columns:
        salt = pd.util.hash_array(np.array([name], object), categorize=False)
        total += pd.util.hash_array(hash_values(examples[name]) ^ salt)  # overflow is intended
    return total


def hash_values(values: pd.Series) -> np.ndarray:
    """A hash per value, (num_values,) uint64, the same in every process and version, and for 3, 3.0 and the text 3.

    So an example keeps its hash, whatever the format of its file, and whether other cells of a column are text.
    """
    if types.is_datetime64_any_dtype(values):
        microseconds = values.to_numpy("datetime64[us]").astype("int64").astype("float64")
        return hash_numbers(np.where(values.isna(), np.nan, microseconds))
    if types.is_integer_dtype(values):
        whole = values.to_numpy("int64", na_value=0) if types.is_extension_array_dtype(values) else values.to_numpy()
        hashes = hash_integers(whole.astype("int64"))
        hashes[values.isna()] = hash_numbers(np.array([np.nan]))
        return hashes
    if types.is_numeric_dtype(values):  # booleans too
        is_nullable = types.is_extension_array_dtype(values)
        return hash_numbers(values.to_numpy("float64", na_value=np.nan) if is_nullable else values.to_numpy("float64"))
    return hash_texts(values.to_numpy(object))


def hash_numbers(numbers: np.ndarray) -> np.ndarray:
    """A hash per float64, (num_values,) uint64."""
    numbers = numbers + 0.0  # turns -0.0 into 0.0
    numbers[np.isnan(numbers)] = np.nan  # one of its many bit patterns
    hashes = pd.util.hash_array(numbers)
    are_long = (np.abs(numbers) > LARGEST_EXACT) & (np.abs(numbers) < 2**63)
    hashes[are_long] = pd.util.hash_array(numbers[are_long].astype("int64"))
    return hashes


def hash_integers(numbers: np.ndarray) -> np.ndarray:
    """A hash per int64, (num_values,) uint64: that of the float64, unless this cannot tell it from its neighbours."""
    hashes = hash_numbers(numbers.astype("float64"))
    are_long = (numbers > LARGEST_EXACT) | (numbers < -LARGEST_EXACT)
    hashes[are_long] = pd.util.hash_array(numbers[are_long])
    return hashes


def hash_texts(texts: np.ndarray) -> np.ndarray:
    """A hash per text, (num_values,) uint64: that of the number if it is a whole one without leading zeros."""
    hashes = pd.util.hash_array(texts)  # every kind of missing value has the same hash
    matches = pc.match_substring_regex(pa.array(texts, pa.string(), from_pandas=True), WHOLE)
    places = np.flatnonzero(pc.fill_null(matches, False).to_numpy(zero_copy_only=False))
    numbers = [int(text) for text in texts[places]]
    fit = np.array([-(2**63) <= number < 2**63 for number in numbers], bool)
    hashes[places[fit]] = hash_integers(np.array([*itertools.compress(numbers, fit)], "int64"))
    return hashes


def check_not_empty(config: Config, splits: np.ndarray) -> None:
    """Refuses an assignment in which a split has no example."""
    by = next((setting for setting in ("time", "group", "key") if getattr(config, setting)), "content")
    for split, fraction in zip(SPLITS, config.split_fractions, strict=True):
        if not (splits == split).any():
            raise InputError(
                f"the {split} split is empty: {len(splits)} examples are split by {by} with a share of {fraction:g}; "
                f"collect more examples, with more distinct values to split by, or change split_fractions or seed"
            )
