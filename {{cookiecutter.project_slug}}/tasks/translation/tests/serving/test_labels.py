"""Clients send as ground truth a translation."""

from typing import Any

import pytest

from project.serving import labels


@pytest.mark.parametrize("label", ["oui", "x" * 20])
def test_ground_truth_is_a_text(label: Any) -> None:
    assert labels.problem({}, label, 20) == ""


@pytest.mark.parametrize("label", ["", "  ", "x" * 21, 1, ["oui"], [[1]], {"a": 1}])
def test_other_ground_truth_is_refused(label: Any) -> None:
    assert labels.problem({}, label, 20) == "a text of 1 to 20 characters"
