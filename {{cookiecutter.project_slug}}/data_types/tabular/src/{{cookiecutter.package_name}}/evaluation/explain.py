"""What the model goes by: how much worse its predictions become when a column is shuffled."""

import keras
import numpy as np
import pandas as pd

from .. import metrics, preprocessing
from ..config import Config
from ..data import batching
from ..reporting import plots
from ..reporting.report import Block, Figure, Interval

MAX_EXAMPLES = 1_000  # enough to rank the columns
MAX_CELLS = 20_000_000  # of the examples predicted for all columns together: half a minute on a CPU
NUM_SHUFFLES = 3
NUM_SHOWN = 20  # columns
HIDDEN: tuple[str, ...] = ()  # columns that tell a reader of the report nothing


def blocks(
    config: Config,
    complete: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The permutation importance (Breiman 2001) of the columns, as a figure."""
    sample = np.random.default_rng(config.seed).permutation(len(examples))[:MAX_EXAMPLES]
    drawn = {name: values[sample] for name, values in predictions.items()}
    importance = permutation_importance(config, complete, examples.iloc[sample], targets[sample], drawn)
    ranked = sorted(importance.items(), key=lambda entry: entry[1].value or 0, reverse=True)[:NUM_SHOWN]
    label = metrics.METRICS[config.metric].label
    return [
        Figure(
            "Permutation importance",
            plots.bars([name for name, _ in ranked], [interval for _, interval in ranked], f"loss of {label}"),
            f"How much {label} worsens when a column is shuffled; most important: {ranked[0][0]}.",
            note=f"How much {label} worsens on {len(sample)} validation examples when the column's values are shuffled "
            f"among them, {NUM_SHUFFLES} times. Columns that carry the same information share their importance.",
        )
    ]


def permutation_importance(
    config: Config,
    complete: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> dict[str, Interval]:
    """The mean loss of the primary metric per shuffled column, with the least and the most."""
    random = np.random.default_rng(config.seed)
    arrays = preprocessing.raw_arrays(complete.input, examples)
    size = max(100, min(len(targets), MAX_CELLS // (NUM_SHUFFLES * len(arrays) ** 2)))
    arrays, targets = {name: array[:size] for name, array in arrays.items()}, targets[:size]
    sign = 1 if metrics.METRICS[config.metric].greater_is_better else -1
    whole = metrics.score(targets, {name: values[:size] for name, values in predictions.items()})[config.metric]
    importance = {}
    for name, array in arrays.items():
        stacked = {other: np.tile(values, NUM_SHUFFLES) for other, values in arrays.items()}
        stacked[name] = np.concatenate([random.permutation(array) for _ in range(NUM_SHUFFLES)])
        outputs = batching.run_in_batches(complete, stacked, preprocessing.ENCODING_BATCH)  # all shuffles in one go
        losses = []
        for number in range(NUM_SHUFFLES):
            part = slice(number * len(targets), (number + 1) * len(targets))
            shuffled = metrics.score(targets, {output: values[part] for output, values in outputs.items()})
            losses.append(sign * (whole - shuffled[config.metric]))
        importance[name] = Interval(float(np.mean(losses)), min(losses), max(losses))
    return importance
