"""Labels are joined with predictions, and what cannot be used is counted."""

from typing import Any

import numpy as np
import pytest

from project import metrics

PARTS = {"probabilities": ["drama", "war"], "labels": ["drama", "war"]}
DESCRIBED = {"parts": PARTS, "thresholds": {"war": 0.2, "drama": 0.6}}


def test_labels_become_flags_beside_thresholds() -> None:
    good = {"probabilities": [0.25, 0.75]}
    pairs: list[Any] = [(good, "war"), (good, ["drama", "war"]), (good, ""), (good, "opera|war")]
    targets, predictions, num_unusable = metrics.as_scored(DESCRIBED, pairs)
    assert targets.tolist() == [[False, True], [True, True], [False, False], [False, True]]
    np.testing.assert_allclose(predictions["thresholds"], [[0.6, 0.2]] * 4)
    assert metrics.answers(predictions)[0].tolist() == [False, True]
    assert num_unusable == 0


@pytest.mark.parametrize(
    ("outputs", "label"),
    [
        ({"probabilities": [0.5, 0.5]}, [["war"]]),
        ({"probabilities": [0.5]}, "war"),
        ({"probabilities": [0.5, float("nan")]}, "war"),
        ({}, "war"),
    ],
)
def test_what_cannot_be_used_is_counted(outputs: dict[str, Any], label: Any) -> None:
    targets, predictions, num_unusable = metrics.as_scored(DESCRIBED, [(outputs, label)])
    assert (len(targets), len(predictions["probabilities"]), num_unusable) == (0, 0, 1)
