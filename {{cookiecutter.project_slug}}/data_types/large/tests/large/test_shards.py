"""Training from disk: every example once per epoch, in an order that depends on the seed and the epoch only."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from project import preprocessing, task
from project.core import artifacts
from project.data import loading
from project.large import shards
from project.stages import collect, train
from project.training import fit

from declared import Config


def store(folder: Path, num_examples: int, size: int) -> shards.Shards:
    """Examples whose inputs, of several dtypes and shapes, all tell their number."""
    numbers = np.arange(num_examples)
    inputs = {
        "x": np.stack([numbers, -numbers], axis=1).astype("float32"),
        "flag": (numbers % 2)[:, None].astype("uint8"),
    }
    starts = range(0, num_examples, size)
    blocks = [
        (
            {name: a[s : s + size] for name, a in inputs.items()},
            numbers[s : s + size, None],
            1.0 + numbers[s : s + size],
        )
        for s in starts
    ]
    return shards.write(folder, blocks)


def order(dataset: tf.data.Dataset) -> list[int]:
    """The numbers of the examples; what belongs to one example must have stayed together."""
    found: list[int] = []
    for inputs, targets, weights in dataset:
        numbers = targets.numpy()[:, 0]
        np.testing.assert_allclose(weights / weights[0], (1 + numbers) / (1 + numbers[0]), rtol=1e-5)
        np.testing.assert_array_equal(inputs["x"].numpy(), np.stack([numbers, -numbers], axis=1))
        np.testing.assert_array_equal(inputs["flag"].numpy()[:, 0], numbers % 2)
        found += numbers.tolist()
    return found


def test_every_epoch_holds_every_example_once_in_a_new_order(tmp_path: Path) -> None:
    stored, epoch = store(tmp_path, 103, 5), fit.epoch_counter()
    dataset = shards.shuffled(stored, 8, 0, epoch)
    first = order(dataset)
    assert first == order(dataset), "a training that goes on after a kill sees the same batches"
    epoch.assign(1)
    second = order(dataset)
    assert sorted(first) == sorted(second) == list(range(103))
    assert len({tuple(first), tuple(second), tuple(range(103))}) == 3
    assert first != order(shards.shuffled(stored, 8, 1, fit.epoch_counter()))
    assert dataset.cardinality() == 13


def test_examples_are_mixed_beyond_their_block(tmp_path: Path) -> None:
    found = order(shards.shuffled(store(tmp_path, 1_000, 25), 200, 0, fit.epoch_counter()))
    assert len({number // 25 for number in found[:200]}) == shards.BLOCKS_MIXED


def test_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine = socket.gethostname()
    kept = [tmp_path / f"{machine}-{os.getppid()}", tmp_path / f"elsewhere-{ended.pid}"]
    for folder in [tmp_path / f"{machine}-{ended.pid}", *kept]:
        folder.mkdir()
    own = shards.own_folder(tmp_path)
    assert set(tmp_path.iterdir()) == {own, *kept}


def test_training_from_disk_sees_what_training_in_memory_sees(make_config: Callable[..., Config]) -> None:
    config = make_config()
    collect.main(config)
    examples = loading.read_examples(config, "train")
    target = task.describe_target(config, examples[config.target])
    preprocessor = preprocessing.build_preprocessor(config, examples)

    def rows(config: Config) -> np.ndarray:
        dataset = preprocessing.make_dataset(config, "train", preprocessor, target, fit.epoch_counter())
        batches = [
            np.concatenate([*(inputs[name] for name in sorted(inputs)), targets], axis=1) for inputs, targets in dataset
        ]
        found = np.concatenate(batches)
        return found[np.lexsort(found.T)]

    small = config.model_copy(update={"max_examples_in_memory": len(examples) - 1})
    in_memory, on_disk = rows(config), rows(small)
    assert (config.paths.training / "shards").exists()
    np.testing.assert_allclose(in_memory, on_disk, rtol=0, atol=1e-5)


def test_a_model_is_trained_from_disk(make_config: Callable[..., Config]) -> None:
    config = make_config(max_examples_in_memory=100, epochs=2)
    collect.main(config)
    train.main(config)
    first = config.paths.history.read_text()
    artifacts.remove(config.paths.training)
    train.main(config)
    assert config.paths.history.read_text() == first, "the same seed gives the same scores"
    assert "loss" in first
