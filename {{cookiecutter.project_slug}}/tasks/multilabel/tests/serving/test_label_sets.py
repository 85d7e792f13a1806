"""Clients send as ground truth some of the labels that the model knows."""

from typing import Any

import pytest

from project.serving import labels

PARTS = {"labels": ["drama", "war"]}


@pytest.mark.parametrize("label", ["war", "war|drama", ["drama"], [], ""])
def test_ground_truth_is_some_of_the_labels(label: Any) -> None:
    assert labels.problem(PARTS, label, 99) == ""


@pytest.mark.parametrize("label", ["opera", ["war", "opera"], 3, [["war"]], True])
def test_other_ground_truth_is_refused(label: Any) -> None:
    assert labels.problem(PARTS, label, 99) == "a list of some of the labels drama, war, or of none"
