"""What explains predictions: permutation feature importance, and one row with what each of its columns contributed."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import features, metrics, preprocessing, task
from ..config import Config
from ..data import batching, loading
from ..data.columns import describe_columns
from ..data.resampling import Metric
from ..reporting import plots
from ..reporting.report import Block, Figure, Interval
from . import inference
from .inference import explained_outputs

TITLE = "Permutation feature importance"
MAX_EXAMPLES = 1_000  # enough to rank the columns
MAX_CELLS = 20_000_000  # of the examples predicted for all columns together: half a minute on a CPU
NUM_SHUFFLES = 3
NUM_SHOWN = 20  # columns
HIDDEN: tuple[str, ...] = ()  # columns that tell a reader of the report nothing
NUM_BACKGROUND = 100  # training examples whose values replace those of the row
MEANING = "mean drop in log-odds, or in the predicted number, when the column takes values of other rows"


def blocks(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The permutation importance (Breiman 2001) of the columns, as a figure."""
    sample = np.random.default_rng(config.seed).permutation(len(examples))[:MAX_EXAMPLES]
    drawn = {name: values[sample] for name, values in predictions.items()}
    importance = permutation_importance(config, serving_model, examples.iloc[sample], targets[sample], drawn)
    ranked = sorted(importance.items(), key=lambda entry: entry[1].value or 0, reverse=True)[:NUM_SHOWN]
    label = metrics.METRICS[loss(config)].label
    return [
        Figure(
            "Permutation feature importance",
            plots.bars([name for name, _ in ranked], [interval for _, interval in ranked], f"change of {label}"),
            f"The change of {label} when a column is shuffled; the most important column is {ranked[0][0]}.",
            note=f"How much worse {label} becomes when a column is shuffled, on {len(sample)} validation examples: "
            f"mean and range of {NUM_SHUFFLES} repeats. Correlated columns share their importance.",
        )
    ]


def loss(config: Config) -> str:
    """The metric that is measured: the one that training minimises, for an accuracy is blind to rare classes."""
    name = task.MONITOR.removeprefix("val_")
    return name if name in metrics.METRICS else config.metric


def permutation_importance(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> dict[str, Interval]:
    """How much worse the loss becomes when each column is shuffled: the mean and range of the repeats."""
    random = np.random.default_rng(config.seed)
    context = inference.context_of(config, serving_model)
    arrays = preprocessing.raw_arrays(serving_model.input, examples)
    size = max(100, min(len(targets), MAX_CELLS // (NUM_SHUFFLES * len(arrays) ** 2)))
    arrays, targets = {name: array[:size] for name, array in arrays.items()}, targets[:size]
    measured = loss(config)
    chosen: dict[str, Metric] = {measured: metrics.METRICS[measured]}
    sign = 1 if chosen[measured].greater_is_better else -1
    whole = metrics.score(targets, {name: values[:size] for name, values in predictions.items()}, context, chosen)
    importance, target = {}, serving_model.get_layer("decode").target
    for name, array in arrays.items():
        stacked = {other: np.tile(values, NUM_SHUFFLES) for other, values in arrays.items()}
        stacked[name] = np.concatenate([random.permutation(array) for _ in range(NUM_SHUFFLES)])
        outputs = batching.run_in_batches(serving_model, stacked, preprocessing.ENCODING_BATCH)  # all shuffles in one
        outputs = task.aligned(outputs, target, target)
        losses = []
        for number in range(NUM_SHUFFLES):
            part = slice(number * len(targets), (number + 1) * len(targets))
            selected = {output: values[part] for output, values in outputs.items()}
            shuffled = metrics.score(targets, selected, context, chosen)
            losses.append(sign * (whole[measured] - shuffled[measured]))
        importance[name] = Interval(float(np.mean(losses)), min(losses), max(losses))
    return importance


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The clean columns, and what `features.engineer` adds to them, by name."""
    train = loading.read_examples(config, "train")
    inputs = preprocessing.raw_inputs(config, train)
    cleaned = preprocessing.clean(inputs, describe_columns(config, train))
    engineered = features.engineer(cleaned)
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    clean = {"number": cleaned.numbers, "category": cleaned.categories, "date": cleaned.dates, "text": cleaned.texts}
    before = {f"{name} ({kind})": arrays[name][0] for kind, columns in clean.items() for name in columns}
    tensors = {**engineered.numbers, **engineered.categories, **engineered.texts}
    added = {name: tensor for name, tensor in tensors.items() if name not in inputs}
    if not added:
        return {"clean": before}
    values = keras.Model(inputs, added).predict_on_batch(arrays)
    return {"clean": before, "engineered": {name: value[0] for name, value in values.items()}}


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each column: the mean drop when values of training examples replace its own.

    Of columns that carry the same information each contributes little.
    """
    train = loading.read_examples(config, "train")
    drawn = train.sample(min(NUM_BACKGROUND, len(train)), random_state=config.seed)
    whole = preprocessing.raw_arrays(serving_model.input, example)
    others = preprocessing.raw_arrays(serving_model.input, drawn)
    size = len(drawn)
    columns = list(whole)
    stacked = {name: np.repeat(values, 1 + size * len(columns)) for name, values in whole.items()}
    for place, name in enumerate(columns):
        stacked[name][1 + place * size : 1 + (place + 1) * size] = others[name]
    outputs = batching.run_in_batches(serving_model, stacked, preprocessing.ENCODING_BATCH)
    _, left = explained_outputs(outputs)[0]
    means = left[1:].reshape(len(columns), size).mean(axis=1)
    return {name: float(left[0] - mean) for name, mean in zip(columns, means, strict=True)}
