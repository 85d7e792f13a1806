"""make train: fits the network, keeps its best epoch, calibrates it and saves the whole model."""

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from .. import model, preprocessing, task
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import loading, tables
from ..training import fit, placement, run_history


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
    key = fit.resume_key(config, hyperparameters.values, without=["patience"])
    checkpoint = fit.fit(config, network, local, train, validation, key)
    if placement.is_chief():
        complete = assemble(config, preprocessor, local, target, validation)
        seconds = time.perf_counter() - started
        run_history.save(config, complete, checkpoint, hyperparameters, seconds)
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
