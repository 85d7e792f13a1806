"""Classes that cannot be learnt are refused when data is collected."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import examples
from project.core import artifacts
from project.core.errors import InputError
from project.data import reading, splitting, tables, targets
from project.settings.base import SPLITS
from project.stages import collect

from declared import Config


def check(train: Sequence[object], validation: Sequence[object], test: Sequence[object]) -> list[str]:
    """The notes about targets."""
    values = {"train": pd.Series(train), "validation": pd.Series(validation), "test": pd.Series(test)}
    return targets.check_targets(Config(target="kind"), values)


@pytest.mark.parametrize("classes", [["a", "b"], [0, 1], [True, False], ["1.5", "2.5", "x"]])
def test_classes_of_any_type_are_accepted(classes: list[object]) -> None:
    assert check(classes * 30, classes * 3, classes * 3) == []


@pytest.mark.parametrize("positive", ["maybe", "a"])
def test_a_positive_class_that_is_none_of_two_is_refused(positive: str) -> None:
    values = pd.Series(["yes", "no"] if positive == "maybe" else ["a", "b", "c"])
    with pytest.raises(InputError, match=f"positive is '{positive}'; expected one of two classes, and kind has "):
        targets.ordered_counts(Config(target="kind", positive=positive), values)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (("1", "2"), "leaves out the class '3' of kind; expected each of 1, 2, 3, from the lowest to the highest"),
        (("1", "2", "3", "4"), "names '4', which is no class of kind; expected each of 1, 2, 3"),
    ],
)
def test_an_order_of_other_classes_is_refused(order: tuple[str, ...], reason: str) -> None:
    values = pd.Series([3, 1, 2] * 3)
    with pytest.raises(InputError, match=f"^order {reason}"):
        targets.check_targets(Config(target="kind", order=order), {"train": values, "validation": values})
    counts = targets.ordered_counts(Config(target="kind", order=("2", "3", "1")), values)
    assert counts.index.tolist() == [2, 3, 1]


@pytest.mark.parametrize(
    ("rare_classes", "expected"),
    [("refuse", ["a", "b", "c", "d"]), ("drop", ["a", None, "c", None]), ("merge", ["a", "other", "c", "other"])],
)
def test_rare_classes_are_merged_or_left_out(rare_classes: str, expected: list[str | None]) -> None:
    config = Config(target="kind", rare_classes=rare_classes, min_class_examples=5)
    counted = pd.Series([*"aaaaaabbccccccddddddd"])
    trained = counted[counted != "d"]  # all examples of d are in other splits
    assert [*targets.without_rare(config, pd.Series([*"abcd"]), trained, counted)] == expected
    numbers = targets.without_rare(config, pd.Series([1, 2]), pd.Series([1] * 9), pd.Series([1] * 9))
    assert [*numbers] == {"refuse": [1, 2], "drop": [1, None], "merge": ["1", "other"]}[rare_classes]


@pytest.mark.parametrize("rare_classes", ["refuse", "drop", "merge"])
def test_rare_classes_are_counted_when_data_are_collected(
    rare_classes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"size": random.normal(size=304), "kind": ["cat", "dog"] * 150 + ["dodo"] * 2 + ["kiwi", "emu"]}
    )
    places = {"artifacts": tmp_path / "artifacts", "cell_formats": tmp_path / "cell_formats.json"}
    config = Config(source="", target="kind", sample_weight="", rare_classes=rare_classes, **places)
    later = pd.DataFrame({"size": random.normal(size=5), "kind": "dodo"})  # which makes the class no common one
    monkeypatch.setattr(examples, "read_parts", lambda own: iter([later if own.source == "later" else table]))
    monkeypatch.setattr(examples, "as_before", lambda own, _: own)
    monkeypatch.setattr(reading, "taken", lambda _: ["later"])
    monkeypatch.setattr(examples, "identities", lambda _, rows: splitting.hash_rows(rows[["size"]]))
    if rare_classes == "refuse":
        with pytest.raises(
            InputError, match=r"kiwi \(1\).*; each needs at least 3 .* set rare_classes to drop or merge"
        ):
            collect.main(config)
        return
    collect.main(config)
    record = artifacts.read_json(config.paths.provenance, "collect")
    kinds = pd.concat(tables.read_rows(config, split) for split in SPLITS)["kind"].value_counts().to_dict()
    found = (
        json.dumps([record["dropped"], record["notes"]]) + (config.paths.provenance.parent / "DATA_CARD.md").read_text()
    )
    assert found.count("dodo (7), ") == 2
    assert kinds == {"cat": 150, "dog": 150} | ({"other": 9} if rare_classes == "merge" else {})
    assert record["rows_read"] == 309


@pytest.mark.parametrize("num_rare", [3, 15])
def test_every_split_has_a_rare_class_and_few_examples_move(num_rare: int) -> None:
    lacked = 0
    for seed in range(40):
        config = Config(target="fraud", seed=seed, group="", time="", key="")
        classes = np.repeat(["no", "yes"], [500 - num_rare, num_rare])
        table = pd.DataFrame({"number": np.random.default_rng(seed).random(500), "fraud": classes})
        identities = splitting.hash_rows(table[["number"]])
        found = splitting.assign_splits(config, table, identities)
        ends = np.cumsum(config.split_fractions)[:-1]
        drawn = np.array(SPLITS, object)[np.searchsorted(ends, splitting.draw(config, identities), side="right")]
        lacked += len({*drawn[classes == "yes"]}) < len(SPLITS)
        assert {*found[classes == "yes"]} == {*SPLITS}
        assert (found != drawn).sum() <= 2
        assert (found == drawn)[classes == "no"].all()
    assert lacked > (20 if num_rare == 3 else 2)


def test_splits_that_lack_a_class_are_named() -> None:
    few, lacking = check(["no"] * 50 + ["yes"] * 3, ["no", "yes"], ["no"] * 9)
    assert "yes (4)" in few
    assert lacking.startswith("the test split has no example of yes: ")


def test_classes_with_few_examples_are_named() -> None:
    assert "b (3)" in check(["a"] * 30 + ["b"], ["a", "b"], ["a", "b"])[0]


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        (["a", "a"], ["a"], "has only the class a; at least two are needed"),
        (["a", "a", "a", "b"], ["b"], r"classes too rare to split: b \(2\); each needs at least 3"),
        (["a", "a", "a"], ["b", "b", "b"], r"classes too rare to split: b \(3\)"),
        ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6], r"is it a quantity, for a regression\?"),
    ],
)
def test_classes_that_cannot_be_learnt_are_refused(train: list[object], validation: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(train, validation, train[:1])
