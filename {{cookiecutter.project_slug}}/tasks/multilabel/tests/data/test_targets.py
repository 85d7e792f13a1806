"""Sets of labels are read however they are written, every split gets rare ones, and labels are learned if frequent."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.core.errors import InputError
from project.data import cleaning, formats, label_sets, splitting, targets
from project.data.provenance import Provenance
from project.settings.base import SPLITS

from declared import Config

SETS = ["drama|war", "", "war", "drama"]


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("war| drama |war", ("drama", "war")),
        ("war; drama", ("drama", "war")),
        ('["war", "drama"]', ("drama", "war")),
        (["war", 3, 4.0], ("3", "4", "war")),
        ("[not json]", ("[not json]",)),
        ("", ()),
        ([], ()),
        (7, ("7",)),
    ],
)
def test_a_cell_is_a_text_with_separators_or_a_list(cell: object, labels: tuple[str, ...]) -> None:
    assert label_sets.parse(cell, ";") == labels
    assert label_sets.parse(label_sets.join(labels)) == labels


@pytest.mark.parametrize("cell", [{"war": 1}, [["war"]], None, True, ["war|drama"]])
def test_what_is_no_set_of_labels_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match=r"a text, or a list of texts|a label without"):
        label_sets.parse(cell)


@pytest.mark.parametrize(
    "columns",
    [
        {"genres": ["war|drama", "", "war", "drama"]},
        {"genres": ['["war", "drama"]', None, '["war"]', "drama"]},
        {"genres": ["war;drama", "", "war", "drama"]},
        {"drama": [1, 0, 0, 1], "war": ["1", "0", "1", "0"]},
        {"drama": ["true", "false", "false", "true"], "war": [True, False, True, False]},
    ],
)
def test_every_way_to_write_sets_gives_the_same(columns: dict[str, list]) -> None:
    config = Config(target="genres" if "genres" in columns else "war, drama", label_separator=";")
    table = pa.table({"year": [1999, 2000, 2001, 2002], **columns})
    found = cleaning.clean(config, table, Provenance())
    assert [*found.columns] == ["year", config.target]
    assert found[config.target].tolist() == SETS


def test_a_marker_of_missing_values_is_no_set() -> None:
    found = cleaning.clean(Config(target="genres"), pa.table({"genres": ["NA", ""]}), Provenance())["genres"]
    assert [pd.isna(found[0]), found[1]] == [True, ""]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_lists_of_typed_files_are_sets(suffix: str) -> None:
    rows = [["war", "drama"], [], ["war"], ["drama"]]
    if suffix == ".parquet":
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.table({"genres": rows}), buffer)
        payload = buffer.getvalue().to_pybytes()
    else:
        payload = "".join(json.dumps({"genres": row}) + "\n" for row in rows).encode()
    config = Config(target="genres")
    table = formats.parse(config, f"films{suffix}", payload, Provenance())
    assert cleaning.clean(config, table, Provenance())["genres"].tolist() == SETS


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"drama": [1, 0]}, "target names the column 'war', which the source lacks; it has: drama"),
        ({"drama": [1, 0], "war": [1, 2]}, "column 'war', a label, holds 2; 0 or 1 is needed"),
        ({"drama": [1, 0], "war": ["x", "1"]}, "column 'war', a label, holds 'x'; 0 or 1 is needed"),
    ],
)
def test_columns_that_are_no_flags_are_refused(columns: dict[str, list], message: str) -> None:
    with pytest.raises(InputError, match=message):
        targets.prepare(Config(target="drama, war"), pd.DataFrame(columns))


def test_an_example_without_one_of_the_flags_has_no_target() -> None:
    table = pd.DataFrame({"drama": [1, 0], "war": pd.array([1, None], "Int64")})
    found = targets.prepare(Config(target="drama, war"), table)["drama, war"]
    assert [found[0], pd.isna(found[1])] == ["drama|war", True]


def films(num_examples: int, seed: int = 0) -> pd.DataFrame:
    """Films with three frequent labels and one of every forty."""
    random = np.random.default_rng(seed)
    flags = random.random((num_examples, 4)) < (0.5, 0.3, 0.2, 0.025)
    names = np.array(["drama", "war", "comedy", "opera"])
    return pd.DataFrame(
        {"number": random.random(num_examples), "genres": ["|".join(sorted(names[row])) for row in flags]}
    )


def split(table: pd.DataFrame, seed: int) -> pd.Series:
    """The split of each film, by its content."""
    config = Config(target="genres", seed=seed)
    found = splitting.assign_splits(config, table, splitting.hash_rows(table[["number"]]))
    return pd.Series(found, table.index)


def test_every_split_has_a_rare_label_and_examples_stay_where_they_are() -> None:
    lacked, returned = 0, 0
    for seed in range(40):
        table = pd.concat([films(160, seed), films(160, seed + 1_000)], ignore_index=True)
        before, after = split(table[:160], seed), split(table, seed)
        is_rare = table["genres"].str.contains("opera")
        drawn = pd.Series(splitting.draw(Config(seed=seed), splitting.hash_rows(table[["number"]])))
        if is_rare[:160].sum() < 3:
            continue
        lacked += (drawn[:160][is_rare[:160]] < 0.85).all()  # the test split
        assert set(before[is_rare[:160]]) == set(after[is_rare]) == {*SPLITS}
        returned += (before != after[:160]).sum()
        assert (after[:160][before == "train"] == "train").all(), seed  # none of them is tested on
    assert lacked > 5  # else this shows nothing
    assert 0 < returned < 30


def test_examples_that_are_the_same_are_taken_together() -> None:
    draws, fractions = np.array([0.1, 0.2, 0.3, 0.6, 0.6, 0.72, 0.9]), (0.7, 0.15, 0.15)
    values = pd.Series(["opera", "opera", "", "opera|war", "war", "", "war"])
    splits = np.array(["train"] * 5 + ["validation", "test"], object)
    kept = targets.keep_rare(Config(split_fractions=fractions), values, draws, splits)
    assert kept.tolist() == ["train", "test", "train", "validation", "validation", "validation", "test"]


@pytest.mark.parametrize("separator", [";", ",", " "])
def test_another_separator_between_labels_is_told(separator: str) -> None:
    sets = pd.Series(["drama", "war", "opera", "drama, war", "drama, opera"] * 40).str.replace(", ", separator)
    (note,) = targets.check_targets(Config(target="genres"), dict.fromkeys(SPLITS, sets))
    assert note.startswith("no cell of genres has two labels with '|' between them, but 3 labels with ")
    assert note.endswith(f"{separator!r}: set label_separator if that divides them")
    several = sets.str.replace(separator, "|")
    assert targets.check_targets(Config(target="genres"), dict.fromkeys(SPLITS, several)) == []
    assert targets.check_targets(Config(target="genres"), dict.fromkeys(SPLITS, sets.str[:4] + ", etc")) == []


def test_another_separator_is_told_where_labels_are_as_many_as_sets() -> None:
    sets = pd.Series(["drama, war", "war", "", "drama, opera"] * 40)
    (note,) = targets.check_targets(Config(target="genres"), dict.fromkeys(SPLITS, sets))
    assert note.endswith("but 3 labels with ',': set label_separator if that divides them")


def test_labels_are_learned_if_they_are_frequent_enough() -> None:
    config = Config(target="genres", min_label_examples=3)
    train = pd.Series(["drama", "drama|war"] * 40 + ["opera", "opera|drama", ""])
    assert targets.learned(config, train) == ("drama", "war")
    assert targets.members(pd.Series(["war|opera", ""]), ("drama", "war")).tolist() == [[False, True], [False, False]]
    notes = targets.check_targets(config, {"train": train, "validation": train, "test": pd.Series(["drama"] * 9)})
    assert notes[0] == "labels of fewer than 3 training examples, which are not learned: opera (2)"
    assert notes[1].startswith("the test split has no example of war, opera: ")
    with pytest.raises(InputError, match="'genres' has the same labels in every example: drama; check"):
        targets.check_targets(config, dict.fromkeys(SPLITS, pd.Series(["drama"] * 3)))
    with pytest.raises(
        InputError, match=r"'genres' has no label in at least 3 training examples, but war \(1\); check"
    ):
        targets.check_targets(config, dict.fromkeys(SPLITS, pd.Series(["war", ""])))
