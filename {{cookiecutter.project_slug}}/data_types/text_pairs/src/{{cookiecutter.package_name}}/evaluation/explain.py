"""What the model makes of its source: translations beside their references, rare words, and piece by piece."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from .. import metrics, preprocessing, task
from ..config import Config
from ..data import loading
from ..pairs import pairs, rare_words
from ..reporting.report import Block, Column, Interval, Row, Table
from ..text import texts
from . import scoring

NUM_SHOWN = 20
HIDDEN = (texts.HASH, *pairs.NUMBERS)  # columns that tell a reader of single translations nothing
RESAMPLES = 200  # for the intervals of a part


def blocks(
    config: Config,
    complete: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """Typical translations, evenly drawn from the best to the worst, and the scores by the share of rare words."""
    errors = metrics.errors(targets, predictions)
    order = np.argsort(errors, kind="stable")
    drawn = order[np.linspace(0, len(order) - 1, min(NUM_SHOWN, len(order))).astype(int)]
    outputs = metrics.as_texts(predictions[metrics.OUTPUT])
    rows: list[Row] = [
        [100 * (1 - float(errors[row])), examples[texts.COLUMN].iloc[row], targets[row], outputs[row]] for row in drawn
    ]
    columns: list[str | Column] = [Column("chrF", ".0f"), "Source", "Reference", "Translation"]
    note = f"{len(drawn)} of {len(order)} validation examples, evenly from the best to the worst."
    typical = Table("Typical translations", columns, rows, note)
    return [typical, rare_word_table(config, examples, targets, predictions), piece_table(config, complete)]


def rare_word_table(
    config: Config, examples: pd.DataFrame, targets: np.ndarray, predictions: dict[str, np.ndarray]
) -> Table:
    """The scores of sources with none, some and many words that training has hardly seen."""
    known = rare_words.frequent(loading.read_examples(config, "train")[texts.COLUMN])
    shares = rare_words.shares(examples[texts.COLUMN], known)
    rows: list[Row] = []
    for name, inside in rare_words.parts(shares).items():
        if inside.any():
            selected = {output: values[inside] for output, values in predictions.items()}
            scores = scoring.intervals(targets[inside], selected, RESAMPLES, config.seed)
            rows.append([name, int(inside.sum()), *(Interval(**scores[metric]) for metric in metrics.METRICS)])
    labels = [metric.label for metric in metrics.METRICS.values()]
    note = f"Rare is a word that fewer than {rare_words.FEW} training sources have."
    return Table("Scores by the share of rare words", ["Rare words of the source", "Examples", *labels], rows, note)


def piece_table(config: Config, complete: keras.Model) -> Table:
    """How well the next piece of the reference is told, given all before it: what training minimises."""
    target = complete.get_layer("decode").target
    dataset = preprocessing.make_dataset(config, "validation", complete.get_layer("preprocessor"), target)
    transformer = complete.get_layer("network").get_layer("search").transformer
    metrics = {metric.name: metric for metric in task.metrics(target)}
    compiled = tf.function(transformer, reduce_retracing=True)
    for inputs, following in dataset:
        logits = compiled(inputs)
        for metric in metrics.values():
            metric.update_state(following, logits)
    accuracy, log_loss = (float(metrics[name].result()) for name in ("token_accuracy", "log_loss"))
    rows: list[Row] = [["Token accuracy", accuracy], ["Perplexity", float(np.exp(log_loss))]]
    note = (
        f"Of the validation references, by sub-words: {task.num_codes(target):,} are told apart. Perplexities of other "
    )
    return Table("Piece by piece", ["Metric", "Value"], rows, f"{note}vocabularies are not comparable.")
