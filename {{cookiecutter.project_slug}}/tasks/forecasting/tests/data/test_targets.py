"""Targets that cannot be forecast are refused."""

import pandas as pd
import pytest

from project.core.errors import InputError
from project.data import targets

from declared import Config


def check(*values: object) -> list[str]:
    series = pd.Series(values)
    return targets.check_targets(Config(target="y"), {"train": series, "test": series})


def test_numbers_that_vary_can_be_forecast() -> None:
    assert check(*range(300)) == []
    assert "expect little" in check(1.0, 2.0)[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [(("a", "b"), "needs numbers"), ((1.0, float("inf")), "infinite"), ((3, 3, 3), "every training row")],
)
def test_others_are_refused(values: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(*values)
