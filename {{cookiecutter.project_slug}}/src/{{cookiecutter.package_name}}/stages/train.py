"""make train: fits the model, keeps its best epoch, calibrates it and saves it from raw inputs to predictions."""

import importlib.util
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from .. import metrics, task
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import loading, resampling, tables
from ..data.resampling import Context
from ..model import build_model
from ..settings.base import without_password
from ..settings.training import COMPARED
from ..training import fit, placement, serving_model
from ..training.fit import Candidate
from ..training.serving_model import Prepared

FOUND = {"data": "on other data", "network": "for another network", "monitor": "by another objective"}
SURELY = 1.96  # standard errors: 95 % of a normal distribution


class NetworkScores(NamedTuple):
    """Scores of one network on the validation split, by metric; NaN where one is not defined."""

    intervals: dict[str, dict[str, float]]
    """The value and the bounds of its 95 % interval."""
    drawn: dict[str, np.ndarray]
    """The values of paired bootstrap resamples, (resamples,)."""


class Scores(NamedTuple):
    """Scores of networks by one metric, which are greater where better."""

    values: np.ndarray
    """(num_networks,)"""
    drawn: np.ndarray
    """Those of paired bootstrap resamples, (num_networks, resamples)."""


def main(config: Config) -> None:
    """From the examples tables to artifacts/training; of several workers the chief writes."""
    started = time.perf_counter()
    strategy = placement.strategy()  # before anything is computed
    check_tracking(config)
    prepared = serving_model.prepare(config)
    hyperparameters = best_hyperparameters(config)
    later = () if config.objective else ("costs", "threshold", "refer")  # they decide no weights
    key = fit.resume_key(config, hyperparameters.values, without=["patience", *later])
    train = partial(train_network, config, prepared, strategy, fit.make_batches(config, prepared), key)
    best, rows = compare(config, prepared, hyperparameters, train)
    if placement.is_chief():
        from ..training import run_history  # here, since it is about what comes after training

        seconds, facts = time.perf_counter() - started, {"candidates": rows, "pretrained": best.origin}
        run_history.save(config, best.complete, best.checkpoint, best.hyperparameters, seconds, facts)
        run_history.keep(config)


def check_tracking(config: Config) -> None:
    """Refuses a setting that cannot be followed, before training rather than after it."""
    if config.mlflow and not importlib.util.find_spec("mlflow"):
        message = f"mlflow is {without_password(config.mlflow)!r}, but MLflow is not installed"
        remedy = (
            "move it from `tracking` to `pipeline` in pyproject.toml and run `make setup`, or leave the setting empty"
        )
        raise InputError(f"{message}: {remedy}")


def train_network(
    config: Config,
    prepared: serving_model.Prepared,
    strategy: tf.distribute.Strategy,
    batches: fit.Batches,
    key: str,
    hyperparameters: keras_tuner.HyperParameters,
    spent: float,
) -> Candidate:
    """Fits the network of some hyperparameters, and calibrates its predictions.

    A pretrained one has so many seconds less: those before it have `spent` them.
    """
    started = time.perf_counter()
    build = partial(start_model, config, hyperparameters, prepared, fit.num_steps(config, batches))
    with strategy.scope(), fit.precision(config):
        model = build()
    origin = dict(getattr(model, "origin", {}))
    if origin:
        model.minutes -= spent / 60
    is_plain = strategy.num_replicas_in_sync == 1 and not (fit.uses_bfloat16(config) or model.optimizer.use_ema)
    eval_model = model if is_plain else build()
    complete = serving_model.assemble(config, prepared, eval_model)
    serving_model.check_layers(complete)
    name = str(hyperparameters.values.get(COMPARED, ""))
    checkpoint = fit.fit(config, prepared, model, eval_model, batches, f"{key}/{name}")
    if placement.is_chief():
        task.calibrate(config, complete.get_layer("decode"), eval_model, batches.validation)
    return Candidate(name, hyperparameters, complete, checkpoint, origin, time.perf_counter() - started)


def compare(
    config: Config,
    prepared: serving_model.Prepared,
    hyperparameters: keras_tuner.HyperParameters,
    train: Callable[[keras_tuner.HyperParameters, float], Candidate],
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
            found.append(train(each, sum(done.seconds for done in found if done.origin)))
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
    best, rows = choose(config, prepared, found)
    for row in rows:
        scores = [in_words(name, score) for name, score in row["scores"].items()]
        end = ", which is kept" if row["chosen"] else ""
        print(f"{row['name']}: {', '.join(scores)} in {row['seconds']:.0f} s{end}")
    return best, rows


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


def choose(
    config: Config, prepared: Prepared, candidates: Sequence[Candidate]
) -> tuple[Candidate, list[dict[str, Any]]]:
    """The best by the primary metric, and what is reported of each: score with 95 % interval, weights, seconds.

    See `simplest_of_the_best` for those that the validation split cannot tell apart. The weights of a frozen network
    are not fitted to these data, and do not count.
    """
    found = validation_scores(config, prepared, candidates)
    trained = [sum(int(np.prod(weight.shape)) for weight in each.complete.trainable_weights) for each in candidates]
    is_pretrained = np.array([bool(each.origin) for each in candidates])
    chosen = simplest_of_the_best(scores_by_metric(found), trained, is_pretrained)
    rows = [
        {
            "name": each.name,
            "scores": found[place].intervals,
            "num_weights": each.complete.count_params(),
            "num_trained": trained[place],
            "seconds": round(each.seconds, 1),
            "chosen": place == chosen,
        }
        for place, each in enumerate(candidates)
    ]
    return candidates[chosen], rows


def in_words(name: str, score: dict[str, Any]) -> str:
    """A score with its interval, after the label of its metric."""
    return "{} {value:.4g} [{low:.4g}, {high:.4g}]".format(metrics.METRICS[name].label, **score)


def validation_scores(config: Config, prepared: Prepared, candidates: Sequence[Candidate]) -> list[NetworkScores]:
    """Scores of each on the validation split, by the primary metric and by what the task minimises."""
    examples = loading.read_examples(config, "validation")
    truths = task.actual(prepared.target, examples[config.target_columns])
    weights, context = tables.sample_weights(config, examples), Context(config, task.output_parts(prepared.target))
    minimised = task.MONITOR.removeprefix("val_")
    wanted = {name: metrics.METRICS[name] for name in (config.metric, minimised) if name in metrics.METRICS}
    found = []
    for each in candidates:
        predictions = serving_model.predict(each.complete, examples)
        values = metrics.score(truths, predictions, context, wanted, weights)
        drawn = metrics.samples(truths, predictions, context, config.resamples, wanted, weights)
        values = dict.fromkeys(wanted, np.nan) | values
        drawn = dict.fromkeys(wanted, np.full(config.resamples, np.nan)) | drawn
        intervals = resampling.intervals(wanted, values, drawn, truths, predictions, context, weights)
        found.append(NetworkScores(intervals, drawn))
    return found


def scores_by_metric(found: Sequence[NetworkScores]) -> list[Scores]:
    """The scores of all networks, for one metric after the other."""
    scores = []
    for name in found[0].drawn:
        sign = 1 if metrics.METRICS[name].greater_is_better else -1
        values = np.array([each.intervals[name]["value"] for each in found])
        scores.append(Scores(sign * values, sign * np.array([each.drawn[name] for each in found])))
    return scores


def simplest_of_the_best(scores: Sequence[Scores], sizes: Sequence[int], is_pretrained: np.ndarray) -> int:
    """The place of the best by the first scores or, of those as good as it, of that with the fewest trained weights.

    Of pretrained ones that are as good by the first scores, those count that are as good by the second ones as well:
    few examples tell networks apart by log loss before they do by accuracy. One from scratch is kept only if it is the
    best by the first, and no pretrained one with fewer trained weights is as good.
    """
    equal = as_good_as_the_best(scores[0], is_pretrained)
    simplest = min(equal, key=lambda place: sizes[place])
    for others in scores[1:]:
        if is_pretrained[simplest]:
            tied = np.array([place for place in equal if is_pretrained[place]])
            also = as_good_as_the_best(Scores(others.values[tied], others.drawn[tied]), is_pretrained[tied])
            equal = tied[also].tolist()
            simplest = min(equal, key=lambda place: sizes[place])
    return simplest


def as_good_as_the_best(scores: Scores, is_pretrained: np.ndarray) -> list[int]:
    """The places of those at most a standard error of the paired difference behind the best, and its own.

    The one-standard-error rule (Breiman et al. 1984) on a paired bootstrap. Pretrained ones may be SURELY standard
    errors behind one from scratch, and one from scratch not behind them at all: pretrained ones are more robust on
    other data (Hendrycks et al. 2019).
    """
    values, drawn = scores
    leader = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
    deviations = np.nanstd(drawn - drawn[leader], axis=1)  # 0 for the best itself
    margins = np.where(is_pretrained & ~is_pretrained[leader], SURELY, 1.0)
    is_equal = (values >= values[leader] - margins * deviations) & (is_pretrained >= is_pretrained[leader])
    found: list[int] = np.flatnonzero(is_equal).tolist()
    return found or [leader]
