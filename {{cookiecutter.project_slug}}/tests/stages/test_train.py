"""make train: weights move, the same seed gives the same weights, and a killed training goes on where it stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest

from project import model, preprocessing, task
from project.core import artifacts, errors, staleness
from project.data import loading, tables
from project.evaluation import inference
from project.settings import sample
from project.settings.base import PACKAGE
from project.settings.training import COMPARED
from project.stages import train
from project.training import fit

from declared import Config

# What TensorFlow 2.21 writes by its native code, whatever it is told
NATIVE = re.compile(r"WARNING: All log messages before absl|[IWE]\d{4} ")

START = f"""
import sys
from {PACKAGE}.core import command
command.set_up_process()
import fixed, pytest
fixed.put_in_place(pytest.MonkeyPatch())
sys.exit(command.main())
"""


class Stairs(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of one's own: the rate is halved every four steps."""

    def __call__(self, step: Any) -> Any:
        return 0.01 * 0.5 ** (keras.ops.cast(step, "float32") // 4)

    def get_config(self) -> dict[str, Any]:
        return {}


class Notes(keras.callbacks.Callback):
    """A callback of one's own: notes the rates and scores of epochs, and may stop training, or be killed in one."""

    def __init__(self, *, last: int = 99, killed_in: int = 99) -> None:
        super().__init__()
        self.last, self.killed_in = last, killed_in
        self.seen: dict[int, tuple[float, float]] = {}
        self.began: list[np.ndarray] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.began = self.model.get_weights()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == self.killed_in:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen[epoch] = (float(self.model.optimizer.learning_rate), (logs or {})[task.MONITOR])
        if epoch == self.last:
            self.model.stop_training = True


def train_with(config: Config, notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains with an optimizer, a schedule and a callback of one's own."""
    monkeypatch.setattr(model, "optimizer", lambda *_: keras.optimizers.SGD(Stairs(), momentum=0.9))
    monkeypatch.setattr(fit, "own_callbacks", lambda _: [notes])
    train.main(config)


def weights(complete: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in complete.get_layer("network").weights]


def assert_equal(some: list[np.ndarray], others: list[np.ndarray]) -> None:
    """Bit for bit."""
    for array, other in zip(some, others, strict=True):
        assert (array.dtype, array.shape, array.tobytes()) == (other.dtype, other.shape, other.tobytes())


def test_training_lowers_the_loss_and_records_the_run(finished: Config) -> None:
    history = pd.read_csv(finished.paths.history)
    run = artifacts.read_json(finished.paths.run, "train")
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert run["epochs"] == len(history) == finished.epochs
    assert run["settings"]["target"] == finished.target
    assert run["model"] == artifacts.content_hash(finished.paths.model)
    assert run["data"] == tables.data_hash(finished)
    assert not (finished.paths.training / "checkpoint").exists()


def test_weights_move(finished: Config, complete: keras.Model) -> None:
    keras.utils.set_random_seed(finished.seed)
    examples = loading.read_examples(finished, "train")
    preprocessor = preprocessing.build_preprocessor(finished, examples)
    target = task.describe_target(finished, examples[finished.target])
    untrained = model.build_model(train.best_hyperparameters(finished), finished, preprocessor, target, num_steps=1)
    pairs = zip(untrained.trainable_weights, complete.get_layer("network").trainable_weights, strict=True)
    assert all((before.numpy() != after.numpy()).any() for before, after in pairs)


def test_early_stopping_keeps_the_best_epoch(trained: Config) -> None:
    config = trained.model_copy(update={"epochs": 10, "patience": 1})
    hasty = {"values": {"learning_rate": 0.05}, **fit.found_for(config)}
    artifacts.write_json(config.paths.best_hyperparameters, hasty)
    train.main(config)
    run = artifacts.read_json(config.paths.run, "train")
    monitored = pd.read_csv(config.paths.history)[train.task.MONITOR]
    assert run["best_epoch"] == monitored.idxmin() + 1
    assert run["epochs"] == min(run["best_epoch"] + 1, 10)


def has_checkpoint(config: Config) -> bool:
    """Whether a training has saved an epoch; while it is looked for, it removes the folders of other settings."""
    try:
        return any(config.paths.training.glob("checkpoint/*/epoch-*"))
    except FileNotFoundError:
        return False


def test_same_seed_data_and_code_give_bitwise_the_same_weights_though_training_is_killed_and_goes_on(
    complete: keras.Model, trained: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts.remove(trained.paths.training)
    stale = trained.paths.training / "checkpoint" / "of other settings" / "before"
    stale.mkdir(parents=True)
    names = {*trained.model_dump(exclude_defaults=True), *sample.ELSEWHERE}  # defaults for the sample alone
    settings = trained.model_dump(mode="json", include=names)
    options = [f"--{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in settings.items()]
    words = [sys.executable, "-c", START, "train", "--only", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (
        (tmp_path / "printed").open("w", encoding="utf-8") as printed,
        subprocess.Popen(words, env=environment, stdout=printed, stderr=subprocess.STDOUT) as process,
    ):
        deadline = time.monotonic() + 120
        while not has_checkpoint(trained) and time.monotonic() < deadline:
            assert process.poll() is None, (tmp_path / "printed").read_text(encoding="utf-8")
            time.sleep(0.01)
        process.kill()
    lines = (tmp_path / "printed").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not NATIVE.match(line)] == [], "notices of libraries are on the screen"
    assert not trained.paths.model.exists()
    assert not stale.exists()
    train.main(trained)
    assert "going on after epoch" in capsys.readouterr().out
    assert_equal(weights(complete), weights(inference.load_model(trained)))
    assert trained.paths.kept_runs() == [1, 2]


def test_an_interruption_that_a_library_has_swallowed_ends_training_after_the_epoch(
    trained: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts.remove(trained.paths.training)
    monkeypatch.setattr(errors, "signals", [signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        train.main(trained)
    assert [path.name for path in trained.paths.training.glob("checkpoint/*/epoch-*")] == ["epoch-000001"]


def test_a_schedule_and_a_callback_of_ones_own_go_on_after_a_kill_and_the_callback_can_stop_training(
    trained: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = trained.model_copy(update={"epochs": 9, "patience": 9})
    whole, first, second = Notes(last=3), Notes(last=3, killed_in=2), Notes(last=3)
    train_with(config, whole, monkeypatch)
    assert artifacts.read_json(config.paths.run, "train")["epochs"] == 4
    rates = [rate for rate, _ in whole.seen.values()]
    assert len(rates) == 4
    assert rates[0] > rates[-1] > 0
    expected = weights(inference.load_model(config))
    with pytest.raises(KeyboardInterrupt):
        train_with(config, first, monkeypatch)
    train_with(config, second, monkeypatch)
    assert first.seen | second.seen == whole.seen
    assert first.seen.keys() >= set(range(4)) - second.seen.keys()
    assert any((one != other).any() for one, other in zip(first.began, second.began, strict=True))
    assert_equal(weights(inference.load_model(config)), expected)


def test_training_does_not_go_on_with_edited_code(
    trained: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "PACKAGE", tmp_path)
    network, stage = tmp_path / "model.py", tmp_path / "stages" / "export.py"
    network.write_text("activation = 'relu'\n", encoding="utf-8")
    before = fit.resume_key(trained)
    stage.parent.mkdir()
    stage.write_text("version = 2\n", encoding="utf-8")
    assert fit.resume_key(trained) == before
    network.write_text("activation = 'gelu'\n", encoding="utf-8")
    assert fit.resume_key(trained) != before


def test_hyperparameters_found_for_something_else_are_not_used(
    trained: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    winner = {"values": {"units": 64}, **fit.found_for(trained)}
    for name, words in train.FOUND.items():
        artifacts.write_json(trained.paths.best_hyperparameters, winner | {name: "other"})
        assert train.best_hyperparameters(trained).values == {}
        assert f"was found {words} and is not used" in capsys.readouterr().out
    artifacts.write_json(trained.paths.best_hyperparameters, winner)
    assert train.best_hyperparameters(trained).values == {"units": 64}


NOISE = np.random.default_rng(0).normal(0, 0.02, 200)
PAIRED = np.stack([0.9 + NOISE, 0.9 + NOISE, 0.9 - NOISE])  # the second is always as much better as the values say


def simplest(
    *values: list[float], sizes: Sequence[int] = (3, 2, 1), is_pretrained: Sequence[bool] = (False,) * 3
) -> int:
    """The place of the network that is chosen by one or two scores, whose noise is the same."""
    scores = [train.Scores(np.array(each), PAIRED) for each in values]
    return train.simplest_of_the_best(scores, sizes, np.array(is_pretrained))


def test_of_networks_that_are_as_good_as_the_best_the_simplest_is_kept() -> None:
    assert simplest([0.90, 0.91, 0.80], sizes=[1, 2, 3]) == 1, "a difference without noise counts"
    assert simplest([0.90, 0.90, 0.90], sizes=[2, 1, 3]) == 1, "equal: the smaller"
    assert simplest([0.90, 0.80, 0.88]) == 2, "within the noise: the smaller"
    assert simplest([0.90, 0.80, 0.80]) == 0
    assert simplest([np.nan, 0.80, 0.70], sizes=[1, 2, 3]) == 1
    assert simplest([np.nan, np.nan, np.nan]) == 0
    apart = [0.90, 0.80, 0.84]  # 1.5 standard errors behind
    assert simplest(apart) == 0
    assert simplest(apart, is_pretrained=[False, False, True]) == 2, "has to be surely worse"
    assert simplest(apart, is_pretrained=[True, False, True]) == 0
    assert simplest([0.90, 0.80, 0.88], is_pretrained=[True, True, False]) == 0, "from scratch only if it is the best"


def test_of_pretrained_networks_that_one_score_cannot_tell_apart_another_one_does() -> None:
    near, pretrained = [0.90, 0.80, 0.88], [True, True, True]
    assert simplest(near, [-0.5, -0.1, -0.51], is_pretrained=pretrained) == 2, "nor can the other one: the smaller"
    assert simplest(near, [-0.5, -0.1, -0.9], is_pretrained=pretrained) == 0
    assert simplest(near, [-0.9, -0.1, -0.5], is_pretrained=pretrained) == 2
    assert simplest([0.90, 0.80, 0.84], [-0.9, -0.1, -0.5], is_pretrained=pretrained) == 0, "the first one can"
    assert simplest(near, [-0.5, -0.1, -0.9]) == 2, "from scratch, the smaller is kept"
    is_pretrained = [True, True, False]
    assert simplest([0.88, 0.87, 0.90], [-0.9, -0.5, -0.1], sizes=[1, 2, 3], is_pretrained=is_pretrained) == 1
    assert simplest([0.88, 0.80, 0.90], [-0.9, -0.1, -0.1], sizes=[3, 2, 1], is_pretrained=is_pretrained) == 2


def test_a_network_that_cannot_be_trained_is_left_out(
    trained: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried, spent_before = list[str](), list[float]()

    def attempt(hyperparameters: keras_tuner.HyperParameters, spent: float) -> Any:
        spent_before.append(spent)
        tried.append(hyperparameters.Choice(COMPARED, ["large", "small", "tiny"]))
        if tried[-1] != "small":
            raise errors.InputError(f"there is no {tried[-1]} one")
        return SimpleNamespace(name=f"the {tried[-1]} one", origin={"name": "pretrained"}, seconds=7.0)

    prepared: Any = None
    found, rows = train.compare(trained, prepared, keras_tuner.HyperParameters(), attempt)
    assert (found.name, rows) == ("the small one", [])
    assert spent_before == [0, 0, 7], "by pretrained networks, which share a time limit"
    assert tried == ["large", "small", "tiny"]
    assert capsys.readouterr().out.count("a network is left out: there is no ") == 2
    chosen = keras_tuner.HyperParameters()
    chosen.values[COMPARED] = "tiny"
    with pytest.raises(errors.InputError, match="there is no tiny one"):
        train.compare(trained, prepared, chosen, attempt)
    assert tried[3:] == ["tiny"], "the search has chosen"


def test_keras_runs_on_tensorflow() -> None:
    assert keras.backend.backend() == "tensorflow"
