"""The learning curve: the validation score at a quarter, half and all of the training examples."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
from pandas.api import types

from .. import metrics, preprocessing, task
from ..baselines import BASELINES
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..data import batching, resampling
from ..data.resampling import Context, Floats
from ..model import build_model
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Interval, Table
from ..training.fit import num_epochs
from . import scoring

SHARES = (0.25, 0.5, 1.0)  # of the training examples, each twice as many as the one before
FEWEST = 25  # examples of the smallest share


def subsets(config: Config, train: pd.DataFrame) -> list[np.ndarray]:
    """Which examples belong to each share, (num_examples,) bool: the last where there is a time, or random groups.

    Without groups they are random examples. Each subset is part of the next one. Empty: there are too few examples, or
    more than `curve_examples`.
    """
    count = len(train)
    if count * SHARES[0] < FEWEST or count > config.curve_examples:
        return []
    groups = pd.factorize(train[config.group])[0] if config.group in train else np.arange(count)
    order = np.argsort(np.random.default_rng(config.seed).permutation(groups.max() + 1)[groups], kind="stable")
    if config.time in train and types.is_scalar(train[config.time].iloc[0]):  # the latest first, of equal ones any
        order = order[np.argsort(-train[config.time].rank().to_numpy()[order], kind="stable")]
    elif config.time:  # windows of series, which are in order
        order = np.arange(count)[::-1]
    return [np.isin(np.arange(count), order[: round(share * count)]) for share in SHARES]


def of_network(
    context: Context,
    model: keras.Model,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    truth: tuple[np.ndarray, Floats | None],
    predictions: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """The curve of a linear head on features that are known, which takes seconds.

    `truth` are the true values of the validation split and their weights, and `predictions` those of the model, at
    which the curve ends if that is such a head; before a fine-tuned network there was one, too. Empty: it is another
    model, or its features are no longer known and there is no time for them.
    """
    config, parts = context.config, subsets(context.config, train)
    run = artifacts.read_json(config.paths.run, "train")
    if not (parts and run.get("pretrained")):
        return {}
    try:
        fitted = list(of_heads(config, model, run["hyperparameters"], parts))
    except (InputError, RefusedError):
        return {}
    target, (targets, weights), folds = model.get_layer("decode").target, truth, scoring.folds(config, validation)
    drawn = [task.cross_fitted(config, target, targets, each, folds, weights) for each in fitted]
    sizes, name = [part.sum() for part in parts], f"a head on {run['pretrained']['name'].partition(',')[0]}"
    ends = [predictions] if len(fitted) < len(parts) else []
    return measure(context, name, sizes, targets, [*drawn, *ends], weights) if fitted else {}


def of_heads(
    config: Config, model: keras.Model, chosen: Mapping[str, Any], parts: Sequence[np.ndarray]
) -> Iterator[dict[str, np.ndarray]]:
    """Predictions for the validation split by a head that is fitted to each part, but to the last if it is the model.

    `chosen` are the hyperparameters of the model, of which the head has the preprocessor and the target. There are no
    predictions if it has no such head.
    """
    hyperparameters, preprocessor = keras_tuner.HyperParameters(), model.get_layer("preprocessor")
    hyperparameters.values, target = dict(chosen), model.get_layer("decode").target
    network = build_model(hyperparameters, config, preprocessor, target, num_steps=1)
    if not hasattr(network, "heads"):
        return
    splits = (preprocessing.make_dataset(config, split, preprocessor, target) for split in ("train", "validation"))
    decoder = task.Decode(asdict(target))
    others = parts if network.tuned_share else parts[:-1]
    for head, validation in network.heads(splits, others, num_epochs(config)):
        if not decoder.built:
            decoder.build(head.output.shape)
        task.calibrate(config, decoder, head, validation)
        outputs = decoder(batching.outputs_and_labels(head, validation)[0])
        yield task.aligned({name: np.asarray(values) for name, values in outputs.items()}, target, target)


def of_baseline(
    context: Context,
    train: pd.DataFrame,
    learned: Floats | None,
    predict: Callable[[list[str], Floats], dict[str, dict[str, np.ndarray]]],
    simple: Mapping[str, Mapping[str, np.ndarray]],
    truth: tuple[np.ndarray, Floats | None],
    result: Mapping[str, Any],
) -> dict[str, Any]:
    """The curve of the best baseline, which takes seconds; `learned` are the sample weights of `train`, if any.

    `predict` names the baselines and weighs the training examples, `simple` are the predictions by baseline that has
    learned from all of them, and `truth` are the true values and their weights.
    """
    metric, parts = metrics.METRICS[context.config.metric], subsets(context.config, train)
    every = {name: result["baseline"].get(name, {}).get(context.config.metric, np.nan) for name in BASELINES}
    scores = {name: value for name, value in every.items() if np.isfinite(value)}
    if not parts or not scores:
        return {}
    best = (max if metric.greater_is_better else min)(scores, key=lambda name: scores[name])
    try:
        drawn = [predict([best], part * (1.0 if learned is None else learned))[best] for part in parts[:-1]]
    except ValueError:  # of scikit-learn, where all examples of a subset have the same class
        return {}
    sizes = [part.sum() for part in parts]
    return measure(context, best.replace("_", " "), sizes, truth[0], [*drawn, simple[best]], truth[1])


def measure(
    context: Context,
    model: str,
    sizes: Sequence[int],
    targets: np.ndarray,
    predictions: Sequence[Mapping[str, np.ndarray]],
    weights: Floats | None,
) -> dict[str, Any]:
    """The score of a model trained on each of the `sizes` with its interval, and what a `doubling` of them has changed.

    The change is the slope of the score over the binary logarithm of the size; its interval is that of a bootstrap in
    which all sizes are scored on the same examples. Empty if the model does not learn from the examples.
    """
    config = context.config
    only = {config.metric: metrics.METRICS[config.metric]}
    scores = [metrics.score(targets, each, context, only, weights).get(config.metric, np.nan) for each in predictions]
    if not np.isfinite(scores).all() or np.ptp(scores) == 0:
        return {}
    drawn = [metrics.samples(targets, each, context, config.resamples, only, weights) for each in predictions]
    samples = np.array([each[config.metric] for each in drawn])  # (num_sizes, resamples)
    slopes, (slope,) = (np.polyfit(np.log2(sizes), each, 1)[0] for each in (samples, np.array(scores)[:, None]))
    summary = resampling.summarize({"doubling": float(slope)}, {"doubling": slopes})
    points = [
        {"examples": int(size), **resampling.summarize({"": score}, {"": sample})[""]}
        for size, score, sample in zip(sizes, scores, samples, strict=True)
    ]
    return {"model": model, "points": points, **summary}


def blocks(config: Config, content: Mapping[str, Any]) -> list[Block]:
    """The curve and what it says, from the content of metrics.json."""
    found = content["learning_curve"]
    if not found:
        return ["None: too few or too many training examples (`curve_examples`), or no baseline learns from a part."]
    metric, points, doubling = metrics.METRICS[config.metric], found["points"], found["doubling"]
    sizes, values = ([point[name] for point in points] for name in ("examples", "value"))
    twice = float(np.clip(values[-1] + doubling["value"], *metric.range))
    curves = [
        plots.Line("measured", sizes, values),
        plots.Line("twice the examples", [sizes[-1], 2 * sizes[-1]], [values[-1], twice], True),
    ]
    change = "{value:+.3g} [{low:+.3g}, {high:+.3g}]".format(**doubling)
    return [
        Figure(
            "Learning curve by training examples",
            plots.lines(curves, "training examples", metric.label, marks=True),
            f"Validation {metric.label} of {found['model']}, trained on {', '.join(map(str, sizes))} examples.",
            note=f"Each doubling has changed {metric.label} by {change}; twice the examples would bring about as much, "
            "or less, since learning curves flatten (Hestness et al. 2017).",
        ),
        Table(
            f"{metric.label} of {found['model']} by training examples",
            ["Training examples", Column(metric.label, metric.format)],
            [[point["examples"], Interval.of(point)] for point in points],
        ),
    ]
