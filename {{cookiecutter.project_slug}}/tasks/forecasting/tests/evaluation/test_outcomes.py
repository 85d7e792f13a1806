"""What came true is joined with what was forecast, as far as both can be used."""

import numpy as np

from project import metrics

PARTS = {"times": ["1", "2"], "forecast": ["1", "2"], "p05": ["1", "2"], "seasonal_error": ["load"]}
OUTPUTS = {"times": ["a", "b"], "forecast": [1.0, 2.0], "p05": [0.0, 1.0], "seasonal_error": [3.0], "mean": 1.5}


def test_lists_of_numbers_are_used_and_others_counted() -> None:
    pairs = [(OUTPUTS, [1, None]), (OUTPUTS, [None, None]), (OUTPUTS, [1.0]), (OUTPUTS, 7), ({}, [1, 2])]
    targets, predictions, num_unusable = metrics.as_scored({"parts": PARTS}, pairs)
    assert num_unusable == 4
    np.testing.assert_array_equal(targets, [[1, np.nan]])
    assert predictions["forecast"].tolist() == [[1, 2]]
    assert predictions["seasonal_error"].tolist() == [[3]]


def test_nothing_is_nothing() -> None:
    targets, predictions, num_unusable = metrics.as_scored({"parts": PARTS}, [])
    assert targets.shape == (0, 2)
    assert (predictions, num_unusable) == ({}, 0)
