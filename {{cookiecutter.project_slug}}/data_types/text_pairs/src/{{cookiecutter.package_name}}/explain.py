"""What the model makes of its source: translations beside their references, and how rare words and order matter."""

import keras
import numpy as np
import pandas as pd

from . import artifacts, rare_words, scoring, texts
from .config import Config
from .report import Block, Column, Interval, Row, Table

NUM_SHOWN = 20
HIDDEN = (texts.HASH,)  # columns that tell a reader of the report nothing
RESAMPLES = 200  # for the intervals of a part


def blocks(
    config: Config,
    complete: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """Typical translations, evenly drawn from the best to the worst, and the scores by the share of rare words."""
    del complete  # its outputs tell
    errors = scoring.errors(targets, predictions)
    order = np.argsort(errors, kind="stable")
    drawn = order[np.linspace(0, len(order) - 1, min(NUM_SHOWN, len(order))).astype(int)]
    outputs = scoring.as_texts(predictions[scoring.OUTPUT])
    rows: list[Row] = [
        [100 * (1 - float(errors[row])), examples[texts.COLUMN].iloc[row], targets[row], outputs[row]] for row in drawn
    ]
    columns: list[str | Column] = [Column("chrF", ".0f"), "Source", "Reference", "Translation"]
    note = f"{len(drawn)} of {len(order)} validation examples, evenly from the best to the worst."
    typical = Table("Typical translations", columns, rows, note)
    return [typical, rare_word_table(config, examples, targets, predictions)]


def rare_word_table(
    config: Config, examples: pd.DataFrame, targets: np.ndarray, predictions: dict[str, np.ndarray]
) -> Table:
    """The scores of sources with none, some and many words that training has hardly seen."""
    known = rare_words.frequent(artifacts.read_examples(config, "train")[texts.COLUMN])
    shares = rare_words.shares(examples[texts.COLUMN], known)
    rows: list[Row] = []
    for name, inside in rare_words.parts(shares).items():
        if inside.any():
            selected = {output: values[inside] for output, values in predictions.items()}
            scores = scoring.intervals(targets[inside], selected, RESAMPLES, config.seed)
            rows.append([name, int(inside.sum()), *(Interval(**scores[metric]) for metric in scoring.METRICS)])
    labels = [metric.label for metric in scoring.METRICS.values()]
    note = f"Rare is a word that fewer than {rare_words.FEW} training sources have."
    return Table("Scores by the share of rare words", ["Rare words of the source", "Examples", *labels], rows, note)
