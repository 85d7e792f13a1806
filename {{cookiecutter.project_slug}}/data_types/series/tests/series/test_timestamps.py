"""Times in the graph are the same as those of NumPy, from long ago to far ahead."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from project.series import steps, timestamps


def test_times_are_read_and_written_as_numpy_does() -> None:
    random = np.random.default_rng(0)
    times = random.integers(-5_000_000_000, 9_000_000_000, 500)
    texts = steps.write_times(times)
    np.testing.assert_array_equal(timestamps.read(tf.constant(texts)).numpy(), times)
    assert [text.decode() for text in timestamps.write(tf.constant(times)).numpy()] == texts.tolist()
    short = timestamps.read(tf.constant(["2024-02-29", "2024-02-29T12:30", "no time"])).numpy()
    assert short.tolist() == [steps.read_time("2024-02-29"), steps.read_time("2024-02-29T12:30"), 0]


@pytest.mark.parametrize(
    ("start", "step"),
    [
        ("2019-11-05T03:00:00", steps.Step(3_600)),
        ("2019-11-01", steps.Step(months=1)),
        ("2019-11-30", steps.Step(months=1, ends=True)),
        ("2019-11-01", steps.Step(months=3)),
        ("2019-11-01T18:00:00", steps.Step(steps.DAY, business=True)),
        ("1969-12-29", steps.Step(steps.DAY, business=True)),
    ],
)
def test_steps_around_a_time(start: str, step: steps.Step) -> None:
    first = int(pd.Timestamp(start).value // 10**9)
    found = timestamps.around(tf.constant([first], "int64"), step, -13, 17).numpy()[0]
    np.testing.assert_array_equal(found, step.times(first, np.arange(-13, 18)))
