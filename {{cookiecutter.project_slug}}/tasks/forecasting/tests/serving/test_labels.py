"""Clients send as ground truth the values of the steps that were forecast."""

from typing import Any

import pytest

from project.serving import labels

PARTS = {"forecast": ["1", "2"]}


@pytest.mark.parametrize("label", [[1, 2.5], [None, 2], [1, None]])
def test_ground_truth_is_a_number_for_each_step(label: Any) -> None:
    assert labels.problem(PARTS, label, 99) == ""


@pytest.mark.parametrize("label", [1, [1], [1, 2, 3], [None, None], ["1", 2], [1, True], [1, 1e39], [[1]], {"a": 1}])
def test_other_ground_truth_is_refused(label: Any) -> None:
    wanted = "a list of 2 numbers, null where one is not known yet, one per entry of the forecast"
    assert labels.problem(PARTS, label, 99) == wanted
