"""Fine-tuning takes the time that it is allowed, and its learning rate has fallen when that is over."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from project.core.errors import InputError
from project.data import batching
from project.transfer import fine_tuning
from project.transfer.depth import Tuned
from project.transfer.fine_tuning import OVERCONFIDENCE, POOLED, FineTuned

from declared import Config

BATCHES, ALL_EPOCHS = 10, 10


@pytest.fixture
def planned() -> list[int]:
    """The numbers of steps for which an optimizer was made."""
    return []


@pytest.fixture
def network(tmp_path: Path, planned: list[int]) -> FineTuned:
    """A network on a backbone of one layer."""
    seen = {"seen": keras.Input((4,), name="seen")}
    backbone = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="backbone")
    pooled = layers.Activation("linear", name=POOLED)(backbone(seen["seen"]))
    model = FineTuned(seen, layers.Dense(1)(layers.Dropout(0.5)(pooled)))

    def schedule(num_steps: int) -> keras.optimizers.Optimizer:
        planned.append(num_steps)
        return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, num_steps))

    model.configure(Config(), "seen", tmp_path, {}, Tuned(1.0), schedule)
    model.compile(schedule(1), keras.losses.MeanSquaredError())
    planned.clear()
    return model


def examples() -> tf.data.Dataset:
    random = np.random.default_rng(0)
    inputs = {"seen": random.normal(size=(4 * BATCHES, 4)).astype("float32")}
    return tf.data.Dataset.from_tensor_slices((inputs, np.ones((4 * BATCHES, 1), "float32"))).batch(4)


def test_only_a_network_that_is_fine_tuned_is_expected_to_be_too_sure(network: FineTuned, tmp_path: Path) -> None:
    assert network.expected_temperature == OVERCONFIDENCE > 1
    network.configure(Config(), "seen", tmp_path, {}, Tuned(), network.schedule)
    assert network.expected_temperature == 1


@pytest.mark.parametrize(
    ("minutes", "first", "epochs", "steps"),
    [(0, 0, 10, 100), (60, 0, 10, 100), (1, 0, 5, 50), (1, 2, 7, 70), (0.5, 0, 3, 25), (1e-9, 0, 1, 1)],
)
def test_the_rate_falls_in_the_steps_that_there_is_time_for(
    network: FineTuned,
    planned: list[int],
    monkeypatch: pytest.MonkeyPatch,
    minutes: float,
    first: int,
    epochs: int,
    steps: int,
) -> None:
    monkeypatch.setattr(network, "seconds_per_step", lambda *_: 1.0)
    limit, train = batching.TimeLimit(minutes), examples()
    assert network.plan(train, [], limit, first, ALL_EPOCHS, validation=examples().take(6)) == epochs
    assert planned[-1] == pytest.approx(steps, abs=1)


def test_the_steps_by_which_the_time_is_estimated_are_undone(network: FineTuned) -> None:
    before = [np.array(variable) for variable in network.variables]
    assert network.seconds_per_step(examples(), []) > 0
    for variable, value in zip(network.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert int(network.optimizer.iterations) == 0
    assert all(not np.any(variable) for variable in network.optimizer.variables if variable.path.endswith("momentum"))


def test_of_large_batches_some_examples_tell_the_time(network: FineTuned, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, fit = list[int](), keras.Model.fit

    def watch(model: keras.Model, batches: tf.data.Dataset, **options: Any) -> keras.callbacks.History:
        seen.extend(len(targets) for _, targets in batches)
        return fit(model, batches, **options)

    monkeypatch.setattr(keras.Model, "fit", watch)
    monkeypatch.setattr(fine_tuning, "TIMED_ROWS", 2)
    assert network.seconds_per_step(examples(), []) > 0
    assert seen == [2] * (1 + fine_tuning.TIMED)


def test_too_few_epochs_are_refused(network: FineTuned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "seconds_per_step", lambda *_: 1.0)
    network.fewest_epochs = 2
    assert network.plan(examples(), [], batching.TimeLimit(1), 0, ALL_EPOCHS, None) == 6
    with pytest.raises(InputError, match=r"time for 1\.5 epochs of fine-tuning, and it needs 2"):
        network.plan(examples(), [], batching.TimeLimit(0.25), 0, ALL_EPOCHS, None)


def test_too_few_epochs_are_refused_before_the_head_takes_time(
    network: FineTuned, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = list[str]()
    monkeypatch.setattr(network, "seconds_per_step", lambda *_: 1e6)
    monkeypatch.setattr(network, "fit_head", lambda *_, **__: heads.append("fitted"))
    network.fewest_epochs = 1
    with pytest.raises(InputError, match=r"time for 0\.0 epochs of fine-tuning, and it needs 1"):
        network.fit(examples(), callbacks=[])
    assert not heads


@pytest.mark.parametrize(("seconds", "expected"), [(1e-6, ALL_EPOCHS), (1e6, 1)])
def test_fine_tuning_ends_in_time(
    network: FineTuned, monkeypatch: pytest.MonkeyPatch, seconds: float, expected: int
) -> None:
    monkeypatch.setattr(network, "seconds_per_step", lambda *_: seconds)
    options: dict[str, Any] = {"callbacks": [], "validation_data": examples(), "verbose": 0, "shuffle": False}
    history = network.fit(examples(), epochs=ALL_EPOCHS, **options)
    assert len(history.epoch) == expected


def test_the_rate_of_a_network_that_must_not_forget_rises_first() -> None:
    rates = [float(fine_tuning.warmed_up(0.1, 100)(step)) for step in (0, 5, 10, 55, 100)]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.05, 0])
    assert float(fine_tuning.warmed_up(0.1, 1)(1)) == pytest.approx(0.1)


def test_without_time_a_network_is_left_out(network: FineTuned) -> None:
    network.minutes = 0
    with pytest.raises(InputError, match="took all backbone_minutes"):
        network.fit(examples(), callbacks=[])


class Greedy(layers.Layer):
    """Asks for more memory than a machine has."""

    def call(self, values: tf.Tensor) -> tf.Tensor:
        return values + tf.reduce_sum(tf.random.uniform([2**44]))


def test_what_does_not_fit_into_memory_is_left_out(network: FineTuned, tmp_path: Path) -> None:
    pooled = Greedy(name=POOLED)(network.get_layer("backbone")(network.input["seen"]))
    greedy = FineTuned(network.input, layers.Dense(1)(pooled))
    greedy.configure(Config(epochs=1), "seen", tmp_path, {}, Tuned(1.0), network.schedule)
    greedy.compile("adam", "mse")
    with pytest.raises(InputError, match="batches of 4 examples on a pretrained network do not fit into memory"):
        greedy.fit(examples(), callbacks=[])


def test_several_workers_look_at_no_clock(network: FineTuned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_CONFIG", "{}")
    network.configure(Config(), "seen", tmp_path, {}, Tuned(1.0), network.schedule)
    monkeypatch.setattr(network, "seconds_per_step", lambda *_: 1e6)
    network.minutes -= 1e9
    options: dict[str, Any] = {"callbacks": [], "validation_data": examples(), "verbose": 0, "shuffle": False}
    assert len(network.fit(examples(), epochs=ALL_EPOCHS, **options).epoch) == ALL_EPOCHS
