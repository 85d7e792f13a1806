"""Permutation feature importance: the drop in score when a column is shuffled."""

import keras
import numpy as np
import pandas as pd

from .. import metrics, preprocessing
from ..config import Config
from ..data import batching
from ..data.resampling import Metric
from ..reporting import plots
from ..reporting.report import Block, Figure, Interval

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
    label = metrics.METRICS[config.metric].label
    return [
        Figure(
            "Permutation feature importance",
            plots.bars([name for name, _ in ranked], [interval for _, interval in ranked], f"loss of {label}"),
            f"The drop in {label} when a column is shuffled; the most important column is {ranked[0][0]}.",
            note=f"How much worse {label} becomes when a column is shuffled, on {len(sample)} validation examples: "
            f"mean and range of {NUM_SHUFFLES} repeats. Correlated columns share their importance.",
        )
    ]


def permutation_importance(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> dict[str, Interval]:
    """How much worse the primary metric becomes when each column is shuffled: the mean and range of the repeats."""
    random = np.random.default_rng(config.seed)
    arrays = preprocessing.raw_arrays(serving_model.input, examples)
    size = max(100, min(len(targets), MAX_CELLS // (NUM_SHUFFLES * len(arrays) ** 2)))
    arrays, targets = {name: array[:size] for name, array in arrays.items()}, targets[:size]
    primary: dict[str, Metric] = {config.metric: metrics.METRICS[config.metric]}
    sign = 1 if primary[config.metric].greater_is_better else -1
    whole = metrics.score(targets, {name: values[:size] for name, values in predictions.items()}, primary)
    importance = {}
    for name, array in arrays.items():
        stacked = {other: np.tile(values, NUM_SHUFFLES) for other, values in arrays.items()}
        stacked[name] = np.concatenate([random.permutation(array) for _ in range(NUM_SHUFFLES)])
        outputs = batching.run_in_batches(
            serving_model, stacked, preprocessing.ENCODING_BATCH
        )  # all shuffles in one go
        losses = []
        for number in range(NUM_SHUFFLES):
            part = slice(number * len(targets), (number + 1) * len(targets))
            shuffled = metrics.score(targets, {output: values[part] for output, values in outputs.items()}, primary)
            losses.append(sign * (whole[config.metric] - shuffled[config.metric]))
        importance[name] = Interval(float(np.mean(losses)), min(losses), max(losses))
    return importance
