"""Targets that cannot be learnt are refused when data is collected."""

import numpy as np
import pandas as pd
import pytest

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
