"""Labels are joined with predictions, and what cannot be used is counted."""

from typing import Any

import pytest

from project import metrics

PARTS = {"probabilities": ["1", "cat"]}


def test_labels_become_class_numbers() -> None:
    good = {"probabilities": [0.25, 0.75]}
    pairs: list[Any] = [(good, "cat"), (good, 1), (good, 1.0)]
    targets, predictions, num_unusable = metrics.as_scored({"parts": PARTS}, pairs)
    assert targets.tolist() == [1, 0, 0]
    assert predictions["probabilities"].shape == (3, 2)
    assert num_unusable == 0


@pytest.mark.parametrize(
    ("outputs", "label"),
    [
        ({"probabilities": [0.5, 0.5]}, "dog"),
        ({"probabilities": [0.5, 0.5]}, ["cat"]),
        ({"probabilities": [0.5, 0.5]}, float("inf")),
        ({"probabilities": [0.5]}, "cat"),
        ({"probabilities": [0.5, "x"]}, "cat"),
        ({"probabilities": [0.5, float("nan")]}, "cat"),
        ({}, "cat"),
    ],
)
def test_what_cannot_be_used_is_counted(outputs: dict[str, Any], label: Any) -> None:
    targets, predictions, num_unusable = metrics.as_scored({"parts": PARTS}, [(outputs, label)])
    assert (len(targets), len(predictions["probabilities"]), num_unusable) == (0, 0, 1)
