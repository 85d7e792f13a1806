"""make train: fits the model, keeps its best epoch, calibrates it and saves it from raw inputs to predictions."""

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from .. import preprocessing, task
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import loading, tables
from ..model import build_model
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
    batches = fit.make_batches(config, preprocessor, target)
    num_steps = fit.num_steps(config, batches)
    build = partial(start_model, config, hyperparameters, preprocessor, target, num_steps, weights)
    with strategy.scope(), fit.precision(config):
        model = build()
    is_plain = strategy.num_replicas_in_sync == 1 and not fit.uses_bfloat16(config)
    eval_model = model if is_plain else build()
    key = fit.resume_key(config, hyperparameters.values, without=["patience"])
    checkpoint = fit.fit(config, model, eval_model, batches, key)
    if placement.is_chief():
        serving_model = assemble(config, preprocessor, eval_model, target, batches.validation)
        seconds = time.perf_counter() - started
        run_history.save(config, serving_model, checkpoint, hyperparameters, seconds)
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
    """Preprocessor, target and weights of the model that the setting `start` names.

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


def start_model(
    config: Config,
    hyperparameters: keras_tuner.HyperParameters,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
    weights: list[np.ndarray] | None,
) -> keras.Model:
    """The compiled model, with these weights if there are any.

    Raises:
        InputError: the weights are those of another architecture.
    """
    model = build_model(hyperparameters, config, preprocessor, target, num_steps)
    try:
        if weights is not None:
            model.set_weights(weights)
    except ValueError as error:
        message = f"start is {config.start!r}, whose network has another architecture; leave it empty"
        raise InputError(message) from error
    return model


def assemble(
    config: Config,
    preprocessor: keras.Model,
    model: keras.Model,
    target: task.Target,
    validation: tf.data.Dataset,
) -> keras.Model:
    """The model that is served, from raw inputs to decoded predictions, calibrated on the validation split."""
    decoder = task.Decode(asdict(target), name="decode")
    trained = task.for_inference(config, model)  # without the optimizer and the loss
    outputs = decoder(trained(preprocessor(preprocessor.input)))
    task.calibrate(config, decoder, model, validation)
    return keras.Model(preprocessor.input, outputs, name="serving_model")
