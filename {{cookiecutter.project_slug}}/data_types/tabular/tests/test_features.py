"""Engineered features: what they say about examples whose answer is known."""

import keras
import numpy as np
import pytest

from project import features, layers

MONDAY = 4.0  # 1970-01-05, in days since 1970-01-01


def test_the_share_of_missing_numbers() -> None:
    nan = float("nan")
    share = features.missing_share({"a": np.array([1.0, nan, nan]), "b": np.array([1.0, 1.0, nan])})
    assert share.numpy().tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("cycle", "length"), features.CYCLES.items())
def test_cycles_close(cycle: str, length: float) -> None:
    computed = features.calendar({"day": np.array([MONDAY, MONDAY + length, MONDAY + length / 2], "float32")})
    for wave in ("sine", "cosine"):
        start, end, opposite = computed[f"day: {wave} of {cycle}"].numpy()
        assert start == pytest.approx(end, abs=2e-3)
        assert start == pytest.approx(-opposite, abs=2e-3)


def test_texts_are_measured_in_characters() -> None:
    computed = features.text_lengths({"note": keras.ops.convert_to_tensor(["", "abc", "größe"])})
    assert computed["note: length"].numpy().tolist() == [0, 3, 5]


def test_crossed_categories_are_one_for_each_combination_that_is_known() -> None:
    inputs = [keras.Input((), dtype="string"), keras.Input((), dtype="int32"), keras.Input(())]
    crossed = keras.Model(inputs, layers.Cross()(inputs))
    colours, sizes, shares = np.array(["red", "", "red"], object), np.array([3, 3, 4]), np.array([0.5, 1.0, np.nan])
    assert crossed.predict_on_batch([colours, sizes, shares]).tolist() == [b"red & 3 & 0.5", b"", b""]
