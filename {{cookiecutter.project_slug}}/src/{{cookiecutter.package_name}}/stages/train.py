"""make train: fits the model, keeps its best epoch, calibrates it and saves it from raw inputs to predictions."""

import time
from functools import partial

import keras
import keras_tuner

from .. import task
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..model import build_model
from ..training import fit, placement, run_history, serving_model

FOUND = {"data": "on other data", "network": "for another network", "monitor": "by another objective"}


def main(config: Config) -> None:
    """From the examples tables to artifacts/training; of several workers the chief writes."""
    started = time.perf_counter()
    strategy = placement.strategy()  # before anything is computed
    run_history.check(config)
    prepared = serving_model.prepare(config)
    hyperparameters = best_hyperparameters(config)
    batches = fit.make_batches(config, prepared)
    build = partial(start_model, config, hyperparameters, prepared, fit.num_steps(config, batches))
    with strategy.scope(), fit.precision(config):
        model = build()
    is_plain = strategy.num_replicas_in_sync == 1 and not (fit.uses_bfloat16(config) or model.optimizer.use_ema)
    eval_model = model if is_plain else build()
    complete = serving_model.assemble(config, prepared, eval_model)
    serving_model.check_layers(complete)
    later = () if config.objective else ("costs", "threshold")  # they decide no weights
    key = fit.resume_key(config, hyperparameters.values, without=["patience", *later])
    checkpoint = fit.fit(config, prepared, model, eval_model, batches, key)
    if placement.is_chief():
        task.calibrate(config, complete.get_layer("decode"), eval_model, batches.validation)
        seconds = time.perf_counter() - started
        run_history.save(config, complete, checkpoint, hyperparameters, seconds)
        run_history.keep(config)


def best_hyperparameters(config: Config) -> keras_tuner.HyperParameters:
    """The winner of `make tune`, or an empty set, which makes `build_model` use its defaults."""
    hyperparameters, path = keras_tuner.HyperParameters(), config.paths.best_hyperparameters
    if path.exists():
        winner = artifacts.read_json(path, "tune")
        others = [name for name, value in fit.found_for(config).items() if winner.get(name) != value]
        if others:
            print(f"{path} was found {FOUND[others[0]]} and is not used; run `make tune` again")
        else:
            hyperparameters.values = dict(winner["values"])
    return hyperparameters


def start_model(
    config: Config,
    hyperparameters: keras_tuner.HyperParameters,
    prepared: serving_model.Prepared,
    num_steps: int,
) -> keras.Model:
    """The compiled model, with the weights to start from if there are any.

    Raises:
        InputError: the weights are those of another architecture.
    """
    model = build_model(hyperparameters, config, prepared.preprocessor, prepared.target, num_steps)
    try:
        if prepared.weights is not None:
            model.set_weights(prepared.weights)
    except ValueError as error:
        message = f"start is {config.start!r}, whose network has another architecture; leave it empty"
        raise InputError(message) from error
    return model
