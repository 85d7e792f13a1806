"""Clients send as ground truth a number, or the numbers of several targets."""

from typing import Any

import pytest

from project.serving import labels

SEVERAL = {"prediction": ["price", "days"]}


@pytest.mark.parametrize(("parts", "label"), [({}, 2), ({}, -2.5), (SEVERAL, [2, 0.5]), (SEVERAL, [None, 3])])
def test_ground_truth_is_numbers(parts: dict[str, list[str]], label: Any) -> None:
    assert labels.problem(parts, label, 99) == ""


@pytest.mark.parametrize("label", ["2", True, 1e39, [2], {"a": 1}])
def test_other_ground_truth_is_refused(label: Any) -> None:
    assert labels.problem({}, label, 99) == "a finite number"


@pytest.mark.parametrize("label", [2, [2], [2, 3, 4], [None, None], [2, "3"], {"a": 1}])
def test_of_several_targets_a_list_is_needed(label: Any) -> None:
    wanted = "a list of the numbers price, days, null where one is not known"
    assert labels.problem(SEVERAL, label, 99) == wanted
