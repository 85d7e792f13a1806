"""Engineered features: what they say about examples whose answer is known."""

import keras
import numpy as np
import pytest

from project import features

MONDAY = 4.0  # 1970-01-05, in days since 1970-01-01


def compute(clean: features.Clean, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    named = {**clean.numbers, **clean.dates, **clean.texts}
    model = keras.Model(named, features.engineer(clean).numbers)
    return dict(model.predict(arrays, verbose=0))


def test_the_share_of_missing_numbers() -> None:
    clean = features.Clean(numbers={name: keras.Input((), name=name) for name in "ab"})
    nan = float("nan")
    computed = compute(clean, a=np.array([1.0, nan, nan]), b=np.array([1.0, 1.0, nan]))
    assert computed["share of numbers missing"].tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(("cycle", "length"), features.CYCLES.items())
def test_cycles_close(cycle: str, length: float) -> None:
    clean = features.Clean(dates={"day": keras.Input((), name="day")})
    days = np.array([MONDAY, MONDAY + length, MONDAY + length / 2])
    computed = compute(clean, day=days)
    for wave in ("sine", "cosine"):
        start, end, opposite = computed[f"day: {wave} of {cycle}"]
        assert start == pytest.approx(end, abs=2e-3)
        assert start == pytest.approx(-opposite, abs=2e-3)


def test_texts_are_measured_in_characters() -> None:
    clean = features.Clean(texts={"note": keras.Input((), dtype="string", name="note")})
    computed = compute(clean, note=np.array(["", "abc", "größe"], dtype=object))
    assert computed["note: length"].tolist() == [0, 3, 5]


def test_the_clean_columns_stay() -> None:
    clean = features.Clean(numbers={"a": keras.Input((), name="a")})
    assert compute(clean, a=np.array([3.0]))["a"].tolist() == [3.0]
