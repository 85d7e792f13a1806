"""make train: fits the network, keeps its best epoch, calibrates it and saves the whole model."""

import platform
import subprocess
import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
import tensorflow as tf

from .. import model, preprocessing, task
from ..config import Config
from ..core import artifacts, staleness
from ..core.errors import InputError
from ..data import loading, tables
from ..training import fit, placement, run_history
from ..training.fit import Checkpoint

VERSIONED = ("tensorflow", "keras", "numpy", "pandas", "tensorflow-data-validation")


def main(config: Config) -> None:
    """From the examples tables to artifacts/training; of several workers the chief writes."""
    started = time.perf_counter()
    strategy = placement.strategy()  # before anything is computed
    run_history.check(config)
    keras.utils.set_random_seed(config.seed)
    examples = loading.read_examples(config, "train")
    target = task.describe_target(config, tables.all_targets(config, "train", examples))
    hyperparameters = best_hyperparameters(config)
    if config.start:
        preprocessor, target, weights = continue_from(config, target)
    else:
        preprocessor, weights = preprocessing.build_preprocessor(config, examples), None
    build = partial(build_network, config, hyperparameters, preprocessor, target, weights)
    with strategy.scope(), fit.precision(config):
        network = build()
    is_plain = strategy.num_replicas_in_sync == 1 and not fit.uses_bfloat16(config)
    local = network if is_plain else build()
    validation = preprocessing.make_dataset(config, "validation", preprocessor, target)
    train = partial(preprocessing.make_dataset, config, "train", preprocessor, target)
    checkpoint = fit.fit(config, network, local, train, validation, run_key(config, hyperparameters))
    if placement.is_chief():
        complete = assemble(config, preprocessor, local, target, validation)
        seconds = time.perf_counter() - started
        save(config, complete, checkpoint, hyperparameters, seconds)
        run_history.keep(config)


def best_hyperparameters(config: Config) -> keras_tuner.HyperParameters:
    """The winner of `make tune`, or an empty set, which makes `build_model` use its defaults."""
    hyperparameters = keras_tuner.HyperParameters()
    if config.paths.best_hyperparameters.exists():
        winner = artifacts.read_json(config.paths.best_hyperparameters, "tune")
        if winner["data"] == tables.data_hash(config):
            hyperparameters.values = dict(winner["values"])
        else:
            print(f"{config.paths.best_hyperparameters} was found on other data and is not used; run `make tune` again")
    return hyperparameters


def continue_from(config: Config, target: task.Target) -> tuple[keras.Model, task.Target, list[np.ndarray]]:
    """Preprocessor, target and weights of the network of the model that the setting `start` names.

    Raises:
        InputError: there is no such model, or it knows other classes.
    """
    if not Path(config.start).is_file():
        raise InputError(f"start is {config.start!r}, which is no file; give a .keras file that make train wrote")
    start = keras.models.load_model(config.start)
    continued = task.continued(start.get_layer("decode").target, target)
    if continued is None:
        raise InputError(f"start is {config.start!r}, which knows other classes; leave it empty to train from scratch")
    return start.get_layer("preprocessor"), continued, start.get_layer("network").get_weights()


def build_network(
    config: Config,
    hyperparameters: keras_tuner.HyperParameters,
    preprocessor: keras.Model,
    target: task.Target,
    weights: list[np.ndarray] | None,
) -> keras.Model:
    """The compiled network, with these weights if there are any.

    Raises:
        InputError: the weights are those of another architecture.
    """
    network = model.build_model(hyperparameters, config, preprocessor, target)
    try:
        if weights is not None:
            network.set_weights(weights)
    except ValueError as error:
        message = f"start is {config.start!r}, whose network has another architecture; leave it empty"
        raise InputError(message) from error
    return network


def run_key(config: Config, hyperparameters: keras_tuner.HyperParameters) -> str:
    """A hash of all that decides the weights: a checkpoint made with another key is not continued."""
    settings = staleness.settings(config, "train")
    settings = {name: value for name, value in settings.items() if name != "patience"}
    return artifacts.text_hash([settings, hyperparameters.values, tables.data_hash(config)])


def assemble(
    config: Config,
    preprocessor: keras.Model,
    network: keras.Model,
    target: task.Target,
    validation: tf.data.Dataset,
) -> keras.Model:
    """The whole model, raw inputs to decoded predictions, calibrated on the validation split."""
    decoder = task.Decode(asdict(target), name="decode")
    trained = task.for_inference(config, network)  # without the optimizer and the loss
    complete = keras.Model(preprocessor.input, decoder(trained(preprocessor(preprocessor.input))), name="complete")
    task.calibrate(config, decoder, network, validation)
    return complete


def save(
    config: Config,
    complete: keras.Model,
    checkpoint: Checkpoint,
    hyperparameters: keras_tuner.HyperParameters,
    seconds: float,
) -> None:
    """Writes the model, the history and the facts about the run; the model last, since it says that all is there."""
    paths, history = config.paths, pd.DataFrame(checkpoint.history)
    best = checkpoint.history[checkpoint.best_epoch]
    with artifacts.replacing(paths.history) as temporary:
        history.to_csv(temporary, index=False)
    with artifacts.replacing(paths.model) as temporary:
        complete.save(temporary)
        facts = run_facts(config) | {
            "model": artifacts.content_hash(temporary),
            "hyperparameters": hyperparameters.values,
            "num_weights": complete.count_params(),
            "epochs": checkpoint.epochs_done,
            "best_epoch": best["epoch"] + 1,
            "seconds": round(seconds, 1),
            "metrics": best,
        }
        artifacts.write_json(paths.run, facts)
    artifacts.remove(checkpoint.folder.parent)
    scores = ", ".join(f"{name[4:]} {score:.4g}" for name, score in best.items() if name.startswith("val_"))
    print(
        f"trained {checkpoint.epochs_done} epochs in {seconds:.0f} s; epoch {best['epoch'] + 1} is the best: {scores}"
    )
    print(f"wrote {paths.model}, {paths.history}, {paths.run}")


def run_facts(config: Config) -> dict[str, Any]:
    """What it takes to make the run again: settings, data, code and versions."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": config.public(),
        "data": tables.data_hash(config),
        "validation": tables.validation_hash(config),
        "commit": git_commit(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in VERSIONED},
    }


def git_commit() -> str:
    """The commit of the code, with a plus sign when files differ from it; empty outside a repository."""
    question = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"]
    try:
        return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
