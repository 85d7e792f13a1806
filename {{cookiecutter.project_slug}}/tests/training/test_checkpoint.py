"""Checkpoints of a training: what they bring back, and how often they are written."""

import gc
import itertools
import resource
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from project.training import fit, placement
from project.training.fit import Checkpoint, Objective

SCORES = [3.0, 1.0, 2.0]
LOSS = Objective("val_loss", "loss", greater_is_better=False)


@pytest.fixture
def network() -> keras.Model:
    inputs = keras.Input((2,))
    built = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    built.compile("adam", "mse")
    return built


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes whenever somebody looks at the clock: twice in a save, once in an epoch."""
    seconds = itertools.count()
    monkeypatch.setattr(fit.time, "monotonic", lambda: next(seconds))


def run(saver: Checkpoint, network: keras.Model, scores: list[float]) -> list[int]:
    """Goes through epochs that set all weights to their number; gives those after which the checkpoint was complete."""
    saver.set_model(network)
    saver.restore(network)
    complete = []
    for epoch, score in enumerate(scores, start=saver.epochs_done):
        network.set_weights([np.full_like(array, epoch) for array in network.get_weights()])
        saver.on_epoch_end(epoch, {"val_loss": score})
        complete += [saver.epochs_done] * (saver.num_saved == saver.epochs_done)
    return complete


def test_best_epoch_comes_back_after_a_kill_and_stays_the_best(tmp_path: Path, network: keras.Model) -> None:
    killed = Checkpoint(tmp_path, LOSS, patience=9)
    run(killed, network, SCORES)
    killed.on_train_end()
    goes_on = Checkpoint(tmp_path, LOSS, patience=9)
    assert (goes_on.epochs_done, goes_on.best_epoch) == (3, 1)
    run(goes_on, network, [5.0])
    goes_on.restore_best(network)
    assert all((array == 1).all() for array in network.get_weights())


def test_training_goes_on_from_the_last_weights_not_the_best(tmp_path: Path, network: keras.Model) -> None:
    killed = Checkpoint(tmp_path, LOSS, patience=9)
    run(killed, network, SCORES)
    killed.on_train_end()
    network.set_weights([np.full_like(array, 7) for array in network.get_weights()])
    run(Checkpoint(tmp_path, LOSS, patience=9), network, [])
    assert all((array == 2).all() for array in network.get_weights())


@pytest.mark.usefixtures("clock")
def test_checkpoints_take_a_small_share_of_the_time(tmp_path: Path, network: keras.Model) -> None:
    saver = Checkpoint(tmp_path, LOSS, patience=99)
    complete = run(saver, network, [1.0] * 50)
    assert complete[0] == 1
    assert all(later - sooner >= 1 / fit.SHARE for sooner, later in itertools.pairwise(complete))
    assert len(complete) == 3
    saver.on_train_end()
    assert Checkpoint(tmp_path, LOSS, patience=99).epochs_done == 50
    assert len(list(tmp_path.iterdir())) == 1  # the ones before it are dropped


def test_training_ends_in_time_and_goes_on(
    tmp_path: Path, network: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(fit.time, "monotonic", lambda: seconds[0])
    saver = Checkpoint(tmp_path, LOSS, patience=9, minutes=1)
    saver.saved, saver.cost = 0.0, 9.0  # no checkpoint is due
    for callback in (saver, saver.limit):
        callback.set_model(network)
        callback.on_train_begin()
    network.stop_training = False
    for seconds[0], is_over in ((59, False), (61, True)):
        saver.limit.on_train_batch_end(0)
        saver.on_epoch_end(saver.epochs_done, {"val_loss": 1.0})
        assert network.stop_training == saver.limit.is_over == is_over
        assert saver.num_saved == (saver.epochs_done if is_over else 0)
    assert Checkpoint(tmp_path, LOSS, patience=9).epochs_done == 2


def test_averaged_weights_are_scored_and_kept_and_training_goes_on_from_the_last(tmp_path: Path) -> None:
    def build() -> keras.Model:
        inputs = keras.Input((1,))
        model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs))
        model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75), "mse")
        return model

    model, scored = build(), build()
    examples = tf.data.Dataset.from_tensors((np.ones((1, 1)), np.ones((1, 1))))
    saver, seen = Checkpoint(tmp_path, LOSS, patience=9), []
    saver.scored = scored
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: seen.append(model.get_weights()[0].item()))
    model.fit(examples, epochs=3, verbose=0, callbacks=[placement.validation_apart(scored, examples), saver, note])
    assert seen == [0.0, 2.0, 0.0]  # with this rate, the weight jumps over its optimum, 1
    averages = [2.0, 0.75 * 2.0, 0.75 * 1.5 + 0.25 * 2.0]
    assert [row["val_loss"] for row in saver.history] == pytest.approx([(1 - each) ** 2 for each in averages])
    assert saver.best[0].item() == pytest.approx(1.5)


def test_of_several_processes_one_writes(tmp_path: Path, network: keras.Model) -> None:
    saver = Checkpoint(tmp_path, LOSS, patience=9, writes=False)
    assert run(saver, network, SCORES) == []
    saver.on_train_end()
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "epoch-000000").mkdir()
    (tmp_path / "epoch-000000" / "best.weights.h5").touch()
    assert Checkpoint(tmp_path, LOSS, patience=9).epochs_done == 0


@pytest.mark.parametrize("name", [fit.HISTORY, fit.BEST, fit.LAST])
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_damaged_checkpoint_is_dropped_with_a_remark(
    tmp_path: Path, network: keras.Model, name: str, share: float, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = Checkpoint(tmp_path, LOSS, patience=9)
    run(killed, network, SCORES)
    killed.on_train_end()
    (path,) = tmp_path.glob(f"epoch-*/{name}")
    if name == fit.HISTORY:
        share = 0.0
    path.write_bytes(path.read_bytes()[: round(share * path.stat().st_size)])
    starts_over = Checkpoint(tmp_path, LOSS, patience=9)
    assert (starts_over.epochs_done, starts_over.best) == (0, [])
    assert "damaged" in capsys.readouterr().out
    assert run(starts_over, network, [1.0]) == [1]


def test_a_full_disk_is_told_by_the_system_and_not_by_what_is_left_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            fit.write_arrays(tmp_path / "weights.npz", [np.ones(10_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_the_optimizer_and_random_states_come_back(tmp_path: Path) -> None:
    def build() -> keras.Model:
        inputs = keras.Input((2,))
        outputs = keras.layers.Dense(1)(keras.layers.Dropout(0.5)(keras.layers.Dense(4)(inputs)))
        model = keras.Model(inputs, outputs)
        model.compile("adam", "mse")
        return model

    keras.utils.set_random_seed(0)
    inputs, targets = np.random.default_rng(0).normal(size=(8, 2)), np.ones((8, 1))
    whole, stopped, resumed = build(), build(), build()
    whole.set_weights(stopped.get_weights())
    for model in (whole, stopped, resumed):
        for variable in model.variables:
            if "seed_generator" in variable.path:
                variable.assign([1, 2])
    whole.fit(inputs, targets, epochs=4, verbose=0, shuffle=False)
    stopped.fit(inputs, targets, epochs=2, verbose=0, shuffle=False)
    saver = Checkpoint(tmp_path, LOSS, patience=9)
    saver.set_model(stopped)
    saver.on_epoch_end(1, {"val_loss": 1.0})
    Checkpoint(tmp_path, LOSS, patience=9).restore(resumed)
    resumed.fit(inputs, targets, epochs=2, verbose=0, shuffle=False)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
