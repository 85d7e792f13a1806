"""Labels are joined with predictions, and what cannot be used is counted."""

from typing import Any

import pytest

from project import metrics

GOOD = {"prediction": 2.0, "low": 1.0, "high": 3}


def test_labels_are_numbers_in_their_units() -> None:
    targets, predictions, num_unusable = metrics.as_scored({}, [(GOOD, 2), (GOOD, 2.5)])
    assert targets.tolist() == [2.0, 2.5]
    assert predictions["high"].tolist() == [3.0, 3.0]
    assert num_unusable == 0


@pytest.mark.parametrize(
    ("outputs", "label"),
    [(GOOD, "2"), (GOOD, True), (GOOD, float("nan")), (GOOD, None), ({**GOOD, "low": "x"}, 2.0), ({}, 2.0)],
)
def test_what_cannot_be_used_is_counted(outputs: dict[str, Any], label: Any) -> None:
    targets, predictions, num_unusable = metrics.as_scored({}, [(outputs, label)])
    assert (len(targets), len(predictions["prediction"]), num_unusable) == (0, 0, 1)
