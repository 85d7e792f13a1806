"""make train: fits the model, keeps its best epoch, calibrates it and saves it from raw inputs to predictions."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import keras_tuner
import tensorflow as tf

from .. import task
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..model import build_model
from ..settings.training import COMPARED
from ..training import fit, placement, run_history, serving_model
from ..training.fit import Candidate

FOUND = {"data": "on other data", "network": "for another network", "monitor": "by another objective"}


def main(config: Config) -> None:
    """From the examples tables to artifacts/training; of several workers the chief writes."""
    started = time.perf_counter()
    strategy = placement.strategy()  # before anything is computed
    run_history.check(config)
    prepared = serving_model.prepare(config)
    hyperparameters = best_hyperparameters(config)
    later = () if config.objective else ("costs", "threshold", "refer")  # they decide no weights
    key = fit.resume_key(config, hyperparameters.values, without=["patience", *later])
    train = partial(train_network, config, prepared, strategy, fit.make_batches(config, prepared), key)
    best, rows = compare(config, prepared, hyperparameters, train)
    if placement.is_chief():
        seconds, facts = time.perf_counter() - started, {"candidates": rows, "pretrained": best.origin}
        run_history.save(config, best.complete, best.checkpoint, best.hyperparameters, seconds, facts)
        run_history.keep(config)


def train_network(
    config: Config,
    prepared: serving_model.Prepared,
    strategy: tf.distribute.Strategy,
    batches: fit.Batches,
    key: str,
    hyperparameters: keras_tuner.HyperParameters,
) -> Candidate:
    """Fits the network of some hyperparameters, and calibrates its predictions."""
    started = time.perf_counter()
    build = partial(start_model, config, hyperparameters, prepared, fit.num_steps(config, batches))
    with strategy.scope(), fit.precision(config):
        model = build()
    is_plain = strategy.num_replicas_in_sync == 1 and not (fit.uses_bfloat16(config) or model.optimizer.use_ema)
    eval_model = model if is_plain else build()
    complete = serving_model.assemble(config, prepared, eval_model)
    serving_model.check_layers(complete)
    name = str(hyperparameters.values.get(COMPARED, ""))
    checkpoint = fit.fit(config, prepared, model, eval_model, batches, f"{key}/{name}")
    if placement.is_chief():
        task.calibrate(config, complete.get_layer("decode"), eval_model, batches.validation)
    origin = dict(getattr(model, "origin", {}))
    return Candidate(name, hyperparameters, complete, checkpoint, origin, time.perf_counter() - started)


def compare(
    config: Config,
    prepared: serving_model.Prepared,
    hyperparameters: keras_tuner.HyperParameters,
    train: Callable[[keras_tuner.HyperParameters], Candidate],
) -> tuple[Candidate, list[dict[str, Any]]]:
    """Trains the network, or each of those among which `build_model` has `hp` choose by the name COMPARED.

    If there are several, returns the best on the validation split, with a row of scores for each. A search that has
    chosen one is not repeated.

    Raises:
        InputError: none can be trained.
    """
    values, found, problems = dict(hyperparameters.values), list[Candidate](), list[InputError]()
    waiting = [hyperparameters]
    for each in waiting:
        try:
            found.append(train(each))
        except InputError as error:
            problems.append(error)
        if each is hyperparameters:
            waiting += alternatives(hyperparameters, values)
        keras.utils.set_random_seed(config.seed)
    if not found:
        raise problems[-1]
    for problem in problems:
        print(f"a network is left out: {problem}")
    if len(found) == 1 or not placement.is_chief():
        return found[0], []
    from ..training import candidates  # here, since most networks are trained without a choice

    return candidates.best(config, prepared, found)


def alternatives(
    hyperparameters: keras_tuner.HyperParameters, before: dict[str, Any]
) -> list[keras_tuner.HyperParameters]:
    """Hyperparameters with each other value of COMPARED, if `build_model` has asked for it and a search has not."""
    others = []
    for asked in hyperparameters.space:
        for value in asked.values if asked.name == COMPARED and COMPARED not in before else ():
            if value != hyperparameters.values[COMPARED]:
                others.append(keras_tuner.HyperParameters())
                others[-1].values = {**before, COMPARED: value}
    return others


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
