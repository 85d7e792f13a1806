"""Permutation feature importance: the rise of the loss when a column is shuffled."""

import keras
import numpy as np
import pandas as pd

from .. import metrics, preprocessing, task
from ..config import Config
from ..data import batching
from ..data.resampling import Metric
from ..reporting import plots
from ..reporting.report import Block, Figure, Interval
from . import inference

TITLE = "Permutation feature importance"
MAX_EXAMPLES = 1_000  # enough to rank the columns
MAX_CELLS = 20_000_000  # of the examples predicted for all columns together: half a minute on a CPU
NUM_SHUFFLES = 3
NUM_SHOWN = 20  # columns
HIDDEN: tuple[str, ...] = ()  # columns that tell a reader of the report nothing


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
