"""make train: weights move, the same seed gives the same weights, and a killed training goes on where it stopped."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from project import artifacts, collect, inference, train
from project.config import Config


def weights(config: Config) -> list[np.ndarray]:
    return [variable.numpy() for variable in inference.load_model(config).get_layer("network").weights]


def assert_equal(some: list[np.ndarray], others: list[np.ndarray]) -> None:
    for array, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(array, other)


def test_training_lowers_the_loss_and_records_the_run(finished: Config) -> None:
    history = pd.read_csv(finished.paths.history)
    run = artifacts.read_json(finished.paths.run, "train")
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert run["epochs"] == len(history) == finished.epochs
    assert run["settings"]["target"] == finished.target
    assert run["model"] == artifacts.content_hash(finished.paths.model)
    assert run["data"] == artifacts.data_hash(finished)
    assert not (finished.paths.training / "checkpoint").exists()


def test_weights_move(make_config: Callable[..., Config]) -> None:
    config = make_config(epochs=1)
    collect.main(config)
    train.main(config)
    first = weights(config)
    train.main(config.model_copy(update={"epochs": 2}))
    assert any((one != other).any() for one, other in zip(first, weights(config), strict=True))


def test_the_same_seed_gives_the_same_weights(finished: Config, trained: Config) -> None:
    train.main(trained)
    assert_equal(weights(finished), weights(trained))


def test_early_stopping_keeps_the_best_epoch(make_config: Callable[..., Config]) -> None:
    config = make_config(epochs=20, patience=2, learning_rate=0.05)
    collect.main(config)
    train.main(config)
    run = artifacts.read_json(config.paths.run, "train")
    monitored = pd.read_csv(config.paths.history)[train.task.MONITOR]
    assert run["best_epoch"] == monitored.idxmin() + 1
    assert run["epochs"] == min(run["best_epoch"] + 2, 20)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_training_goes_on_to_the_same_weights(trained: Config, tmp_path: Path) -> None:
    config = trained.model_copy(update={"epochs": 8, "patience": 100})
    train.main(config)
    uninterrupted = weights(config)
    artifacts.remove(config.paths.training)
    options = [f"--{name}={getattr(config, name)}" for name in ("source", "target", "epochs", "patience", "resamples")]
    options += [f"--ignore={','.join(config.ignore)}", f"--artifacts={config.artifacts}", "--criteria={}"]
    command = [sys.executable, "-m", train.__name__, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(config.paths.training.glob("checkpoint/*/epoch-*1")) and time.monotonic() < deadline:
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not config.paths.model.exists()
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "going on after epoch" in finished.stdout
    assert_equal(uninterrupted, weights(config))


def test_a_checkpoint_of_other_settings_is_not_continued(trained: Config) -> None:
    stale = trained.paths.training / "checkpoint" / "another" / "epoch-000001"
    stale.mkdir(parents=True)
    train.main(trained)
    assert not stale.exists()


def test_hyperparameters_found_on_other_data_are_not_used(trained: Config, capsys: pytest.CaptureFixture[str]) -> None:
    artifacts.write_json(trained.paths.best_hyperparameters, {"values": {"units": 64}, "data": "other"})
    assert train.best_hyperparameters(trained).values == {}
    assert "other data" in capsys.readouterr().out


def test_keras_runs_on_tensorflow() -> None:
    assert keras.backend.backend() == "tensorflow"
