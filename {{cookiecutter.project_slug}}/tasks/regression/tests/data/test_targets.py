"""Targets that cannot be learnt are refused when data is collected."""

import numpy as np
import pandas as pd
import pytest

from project.core import command
from project.core.errors import InputError
from project.data import targets
from project.settings.base import SPLITS

from declared import Config


def check(values: list[object]) -> list[str]:
    """The notes about targets that are the same in every split."""
    return targets.check_targets(Config(target="size"), dict.fromkeys(SPLITS, pd.Series(values)))


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5, 6], [0.5, 1, 2, 3, 4, 5]])
def test_numbers_are_accepted(values: list[object]) -> None:
    assert check(values) == []


def test_targets_that_look_like_classes_are_noted() -> None:
    assert "classification" in check([0, 1, 0, 1])[0]


def test_several_targets_are_checked_one_by_one() -> None:
    config, table = Config(target="size, days"), pd.DataFrame({"size": [1.0, None, 3], "days": [5.0, 6, None]})
    notes = targets.check_targets(config, dict.fromkeys(SPLITS, table))
    assert [note.split()[1] for note in notes] == ["size", "days"]  # few different values
    splits = dict.fromkeys(SPLITS, table) | {"test": table.assign(days=np.nan)}
    with pytest.raises(InputError, match="target 'days' is missing in all examples of the test split"):
        targets.check_targets(config, splits)
    with pytest.raises(InputError, match=r"target 'days' is 2\.0 in every training example"):
        targets.check_targets(config, dict.fromkeys(SPLITS, table.assign(days=2.0)))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--target", "price,price"], "target is 'price,price', which names a column twice"),
        (["--metric", "days:rmse"], "'days'; targets that can be named are: none, since there is one target"),
        (["--target", "price, days", "--criteria", "day:rmse=1"], "'day'; targets that can be named are: price, days"),
        (["--target", "price, days", "--criteria", "worst:sex:day:rmse=1"], "are: price, days"),
        (["--target", "price, days", "--objective", "days:fame"], "Input should be one of rmse, mae"),
    ],
)
def test_settings_that_name_no_target_are_refused(arguments: list[str], reason: str) -> None:
    with pytest.raises(InputError) as refusal:
        command.load_settings(Config, arguments)
    assert reason in str(refusal.value)
    chosen = command.load_settings(Config, ["--target", "price, days", "--metric", "days:rmse"])
    assert (chosen.targets, chosen.target_columns) == (("price", "days"), ["price", "days"])
    assert Config(target='["a, b"]').target_columns == "a, b"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["much", "little"], "holds cells such as much; a regression needs numbers"),
        ([True, False], "a regression needs numbers"),
        ([7, 7, 7], "is 7 in every training example"),
        ([1.0, np.inf], "holds infinite numbers"),
    ],
)
def test_targets_that_cannot_be_learnt_are_refused(values: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(values)
