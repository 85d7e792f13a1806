"""Classes that cannot be learnt are refused when data is collected."""

from collections.abc import Sequence

import pandas as pd
import pytest

from project.core.errors import InputError
from project.data import targets

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
