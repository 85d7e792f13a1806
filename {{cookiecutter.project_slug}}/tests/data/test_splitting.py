"""Splits leak nothing, and examples stay where they are when data grows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from project.core.errors import InputError
from project.data import splitting
from project.settings.base import SPLITS

from declared import Config

NUM_EXAMPLES = 2_000


def config_for(**settings: Any) -> Config:
    """The settings that splitting looks at."""
    fractions = (0.7, 0.15, 0.15)
    chosen: dict[str, Any] = {"source": "", "target": "y", "group": "", "time": "", "split_fractions": fractions}
    return Config(**(chosen | settings))


def identities(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """Examples are the same if their rows are, but for key and target."""
    others = (config.key, config.target, splitting.GIVEN)
    return splitting.hash_rows(examples[[name for name in examples.columns if name not in others]])


def assign_splits(config: Config, examples: pd.DataFrame) -> np.ndarray:
    return splitting.assign_splits(config, examples, identities(config, examples))


def numbers_of(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """What examples share that are the same, targets included."""
    return splitting.with_target(config, examples, identities(config, examples))


def count_duplicates(config: Config, examples: pd.DataFrame) -> int:
    return splitting.count_duplicates(numbers_of(config, examples))


@pytest.fixture
def examples() -> pd.DataFrame:
    """A table with a column of every kind."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(NUM_EXAMPLES),
            "patient": random.integers(0, 300, NUM_EXAMPLES).astype(str),
            "size": random.normal(size=NUM_EXAMPLES),
            "color": random.choice(np.array(["red", "blue", None], object), NUM_EXAMPLES),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 500, NUM_EXAMPLES), unit="D"),
            "y": random.integers(0, 2, NUM_EXAMPLES),
        }
    )


@pytest.mark.parametrize("setting", [{}, {"key": "id"}, {"group": "patient"}, {"time": "when"}])
def test_shares_are_about_those_that_were_asked_for(examples: pd.DataFrame, setting: dict[str, str]) -> None:
    splits = assign_splits(config_for(**setting), examples)
    shares = [float((splits == split).mean()) for split in SPLITS]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.05)


@pytest.mark.parametrize("setting", [{}, {"key": "id"}, {"group": "patient"}])
def test_examples_stay_when_others_come_or_change_places(examples: pd.DataFrame, setting: dict[str, str]) -> None:
    config = config_for(**setting)
    before = pd.Series(assign_splits(config, examples.head(1_000)), index=examples.index[:1_000])
    shuffled = examples.sample(frac=1, random_state=1)[examples.columns[::-1]]
    after = pd.Series(assign_splits(config, shuffled), index=shuffled.index)
    pd.testing.assert_series_equal(after.loc[before.index], before)


def test_the_seed_draws_other_splits(examples: pd.DataFrame) -> None:
    first, second = (assign_splits(config_for(seed=seed), examples) for seed in (0, 1))
    assert 0.3 < (first == second).mean() < 0.7


def test_the_target_does_not_decide_the_split(examples: pd.DataFrame) -> None:
    flipped = examples.assign(y=1 - examples["y"])
    first, second = (assign_splits(config_for(), table) for table in (examples, flipped))
    assert (first == second).all()


def test_no_group_is_in_two_splits(examples: pd.DataFrame) -> None:
    splits = assign_splits(config_for(group="patient"), examples)
    assert pd.Series(splits).groupby(examples["patient"]).nunique().max() == 1


def test_training_is_before_validation_before_test(examples: pd.DataFrame) -> None:
    for times in (examples["when"], examples["when"].dt.year * 100 + examples["when"].dt.dayofyear):
        table = examples.assign(when=times)
        splits = assign_splits(config_for(time="when"), table)
        spans = [table.loc[splits == split, "when"].agg(["min", "max"]) for split in SPLITS]
        assert spans[0]["max"] < spans[1]["min"]
        assert spans[1]["max"] < spans[2]["min"]


def test_parts_that_a_column_numbers_become_the_splits() -> None:
    counts = (1_262, 238, 450)
    table = pd.DataFrame({"part": np.repeat([0, 1, 2], counts), "y": 0})
    shares = tuple(count / sum(counts) for count in counts)
    splits = assign_splits(config_for(time="part", split_fractions=shares), table)
    assert tuple(int((splits == split).sum()) for split in SPLITS) == counts


def test_periods_begin_where_settings_say() -> None:
    table = pd.DataFrame({"year": [2010, 2011, 2012, 2013, 2014], "y": 0})
    config = config_for(time="year", validation_start="2013", test_start="2013.5")
    assert assign_splits(config, table).tolist() == ["train"] * 3 + ["validation", "test"]
    with pytest.raises(InputError, match="test_start is 'soon'; a value of 'year' such as 2012 is needed"):
        assign_splits(config_for(time="year", test_start="soon"), table)


def test_duplicates_stay_together_and_are_counted(examples: pd.DataFrame) -> None:
    twice = pd.concat([examples, examples.assign(id=examples["id"] + NUM_EXAMPLES)], ignore_index=True)
    splits = assign_splits(config_for(key="id"), twice)
    assert (splits[:NUM_EXAMPLES] == splits[NUM_EXAMPLES:]).all()
    assert (splits[:NUM_EXAMPLES] == assign_splits(config_for(key="id"), examples)).all()
    assert count_duplicates(config_for(key="id"), twice) == NUM_EXAMPLES
    assert count_duplicates(config_for(), twice) == 0
    assert count_duplicates(config_for(), pd.concat([examples, examples.head(3)])) == 3


def test_given_splits_are_kept_and_what_they_lack_is_drawn_from_training(examples: pd.DataFrame) -> None:
    given = np.where(examples.index < 1_600, "Train", "test").astype(object)
    splits = assign_splits(config_for(), examples.assign(**{splitting.GIVEN: given}))
    assert (splits[1_600:] == "test").all()
    shares = [(splits[:1_600] == split).mean() for split in SPLITS]
    assert shares == pytest.approx([0.7 / 0.85, 0.15 / 0.85, 0], abs=0.03)
    repeated = examples.iloc[[1_999, 0]].assign(**{splitting.GIVEN: None})
    added = pd.concat([examples.head(500).assign(size=np.arange(500), **{splitting.GIVEN: None}), repeated])
    more = assign_splits(config_for(), pd.concat([examples.assign(**{splitting.GIVEN: given}), added]))
    assert (more[:2_000] == splits).all()
    assert set(more[2_000:2_500]) == set(SPLITS)
    assert more[2_500:].tolist() == ["test", splits[0]]
    odd = examples.assign(**{splitting.GIVEN: "holdout"})
    with pytest.raises(InputError, match="split 'part' holds 'holdout', which names no split; write train, training"):
        assign_splits(config_for(split="part"), odd)


def test_validation_is_the_end_of_training_by_time_where_the_test_split_is_given(examples: pd.DataFrame) -> None:
    table = examples.assign(**{splitting.GIVEN: np.where(examples.index < 1_600, "train", "test")})
    splits = assign_splits(config_for(time="when"), table)
    assert (splits[1_600:] == "test").all()
    days = [examples["when"][splits == split] for split in ("train", "validation")]
    assert days[0].max() < days[1].min()
    assert len(days[1]) / 1_600 == pytest.approx(0.15 / 0.85, abs=0.02)


@pytest.mark.parametrize(
    ("settings", "num_equal", "is_mixed", "treatment"),
    [
        ({}, 600, False, "drop"),  # else one split would get them all
        ({}, 20, False, "keep"),
        ({}, 600, True, "keep"),  # how often each target occurs would be lost
        ({"duplicates": "keep"}, 600, False, "keep"),
        ({"duplicates": "drop"}, 20, False, "drop"),
        ({"duplicates": "weigh", "sample_weight": "w"}, 20, False, "weigh"),
    ],
)
def test_duplicates_are_dropped_where_they_would_unbalance_the_splits(
    settings: dict[str, str], num_equal: int, is_mixed: bool, treatment: str
) -> None:
    sizes = np.r_[np.zeros(num_equal), np.arange(1, 1_001 - num_equal)]
    table = pd.DataFrame({"size": sizes, "y": np.arange(1_000) % 2 if is_mixed else 0})
    config = config_for(**settings)
    found = splitting.treat_duplicates(config, numbers_of(config, table), identities(config, table))
    assert found == treatment


def test_a_number_has_one_hash_whatever_its_type() -> None:
    kinds = ("int64", "float64", "Int64", "Float64", "int32")
    hashes = [splitting.hash_values(pd.Series([0, 3, -7]).astype(kind)).tolist() for kind in kinds]
    assert all(hashed == hashes[0] for hashed in hashes)
    with_missing = [pd.Series([3, None], dtype="Int64"), pd.Series([3.0, np.nan])]
    assert len({tuple(splitting.hash_values(values)) for values in with_missing}) == 1
    assert len({tuple(splitting.hash_values(pd.Series(["a", none], dtype=object))) for none in (None, np.nan)}) == 1


def test_identifiers_beyond_float64_have_hashes_of_their_own_whatever_their_type() -> None:
    numbers = [2**53 - 1, 2**53 + 1, 2**53 + 2, 2**53 + 3, 10**18 + 1, 2**63 - 1, -(2**63), -(2**53) - 1, 12, 0]
    whole = pd.Series(numbers)
    hashes = splitting.hash_values(whole)
    assert len(set(hashes)) == len(numbers)
    texts = pd.Series([*map(str, numbers), "A1", str(2**64), "007"])
    nullable = pd.Series([*numbers, None], dtype="Int64")
    assert splitting.hash_values(texts)[: len(numbers)].tolist() == hashes.tolist()
    assert len(set(splitting.hash_values(texts))) == len(texts)
    assert splitting.hash_values(nullable)[:-1].tolist() == hashes.tolist()
    assert splitting.hash_values(pd.Series([1e18, 2.0**53])).tolist() == [
        *splitting.hash_values(pd.Series([10**18, 2**53]))
    ]


@pytest.mark.parametrize("setting", ["key", "group"])
def test_consecutive_long_identifiers_are_spread_over_the_splits(examples: pd.DataFrame, setting: str) -> None:
    table = examples.assign(id=7_000_000_000_000_000_000 + np.arange(NUM_EXAMPLES))
    twice = pd.concat([table, table.head(50).assign(id=table["id"] - 5_000)], ignore_index=True)
    splits = assign_splits(config_for(**{setting: "id"}), twice)
    assert [(splits == split).mean() for split in SPLITS] == pytest.approx([0.7, 0.15, 0.15], abs=0.03)
    texts = assign_splits(config_for(**{setting: "id"}), twice.assign(id=twice["id"].astype(str)))
    assert (texts == splits).all()


def test_hashes_are_the_same_on_every_machine_and_version() -> None:
    rows = pd.DataFrame({"a": [1.5, np.nan], "b": ["é", None], "c": pd.to_datetime(["2024-01-31 10:00", None])})
    assert splitting.hash_rows(rows).tolist() == [5058911069557158426, 4164444040329398472]


def test_empty_splits_are_refused(examples: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"split is empty: 3 examples are split by content with a share of 0.15"):
        assign_splits(config_for(), examples.head(3).assign(y=[0, 1, 2]))
    with pytest.raises(InputError, match="split is empty: 2000 examples are split by group"):
        assign_splits(config_for(group="patient"), examples.assign(patient="one"))
    with pytest.raises(InputError, match="split is empty: 2000 examples are split by time"):
        assign_splits(config_for(time="when"), examples.assign(when=7))
