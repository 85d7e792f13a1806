"""Clients send as ground truth the name of a class that the model knows."""

from typing import Any

import pytest

from project.serving import labels


@pytest.mark.parametrize("label", ["1", 1, 1.0, "dear"])
def test_ground_truth_is_the_name_of_a_class(label: Any) -> None:
    assert labels.problem({"probabilities": ["1", "dear"]}, label, 99) == ""


@pytest.mark.parametrize("label", ["cheap", 2, 1.5, ["dear"], [[1]], True, {"a": 1}])
def test_other_ground_truth_is_refused(label: Any) -> None:
    assert labels.problem({"probabilities": ["1", "dear"]}, label, 99) == "one of the classes 1, dear"


def test_of_many_classes_the_first_are_named() -> None:
    problem = labels.problem({"probabilities": [str(number) for number in range(12)]}, "dear", 99)
    assert problem == "one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 others"
