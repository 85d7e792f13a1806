"""Example translations and their scores by rare words; and one text with what each of its words contributed."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from .. import metrics, preprocessing, task
from ..config import Config
from ..data import loading
from ..data.resampling import Context
from ..pairs import length_buckets, pairs, rare_words, tokenizing
from ..reporting.report import Block, Column, Interval, Row, Table
from ..text import texts
from ..text.unicode_text import WORD
from . import inference, scoring

TITLE = "Translations"
NUM_SHOWN = 20
HIDDEN = (texts.HASH, *pairs.NUMBERS)  # columns that tell a reader of single translations nothing
RESAMPLES = 200  # for the intervals of a part
MEANING = "drop in the log-probability of the translation when the word is removed"
MAX_WORDS = 80  # of a text, the first


def blocks(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """Example translations from the best to the worst, the scores by rare words, and those of sub-words."""
    errors = metrics.errors(targets, predictions)
    order = np.argsort(errors, kind="stable")
    drawn = order[np.linspace(0, len(order) - 1, min(NUM_SHOWN, len(order))).astype(int)]
    outputs = metrics.as_texts(predictions[metrics.OUTPUT])
    rows: list[Row] = [
        [100 * (1 - float(errors[row])), examples[texts.COLUMN].iloc[row], targets[row], outputs[row]] for row in drawn
    ]
    columns: list[str | Column] = [Column("chrF", ".0f"), "Source", "Reference", "Translation"]
    note = f"{len(drawn)} of {len(order)} validation examples, evenly spaced from the best to the worst."
    typical = Table("Example translations", columns, rows, note)
    context = inference.context_of(config, serving_model)
    return [typical, rare_word_table(context, examples, targets, predictions), piece_table(config, serving_model)]


def rare_word_table(
    context: Context, examples: pd.DataFrame, targets: np.ndarray, predictions: dict[str, np.ndarray]
) -> Table:
    """The scores of sources with none, some and many words that are rare in the training sources."""
    known = rare_words.frequent(loading.read_examples(context.config, "train")[texts.COLUMN])
    shares = rare_words.shares(examples[texts.COLUMN], known)
    rows: list[Row] = []
    for name, inside in rare_words.parts(shares).items():
        if inside.any():
            selected = {output: values[inside] for output, values in predictions.items()}
            scores = scoring.intervals(targets[inside], selected, context, RESAMPLES)
            cells = [
                Interval.of(scores[name], each.format) if name in scores else None
                for name, each in metrics.METRICS.items()
            ]
            rows.append([name, int(inside.sum()), *cells])
    labels = [metric.label for metric in metrics.METRICS.values()]
    note = f"A word is rare if fewer than {rare_words.FEW} training sources contain it."
    return Table("Scores by the share of rare words", ["Rare words of the source", "Examples", *labels], rows, note)


def piece_table(config: Config, serving_model: keras.Model) -> Table:
    """Token accuracy and perplexity of the references, given their preceding tokens (teacher forcing)."""
    target = serving_model.get_layer("decode").target
    dataset = preprocessing.make_dataset(config, "validation", serving_model.get_layer("preprocessor"), target)
    transformer = serving_model.get_layer("network").get_layer("search").transformer
    metrics = {metric.name: metric for metric in task.metrics(target)}
    compiled = tf.function(transformer, reduce_retracing=True)
    for inputs, following in dataset:
        logits = compiled(inputs)
        for metric in metrics.values():
            metric.update_state(following, logits)
    accuracy, log_loss = (float(metrics[name].result()) for name in ("token_accuracy", "log_loss"))
    rows: list[Row] = [["Token accuracy", accuracy], ["Perplexity", float(np.exp(log_loss))]]
    note = f"Of the validation references, with {task.num_codes(target):,} tokens in the vocabulary. "
    return Table(
        "Token accuracy and perplexity",
        ["Metric", "Value"],
        rows,
        f"{note}Perplexities compare only at equal vocabularies.",
    )


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The text as `features.Engineer` leaves it, and its pieces, between bars."""
    del config  # the model knows
    preprocessor = serving_model.get_layer("preprocessor")
    tensors = {
        "engineered": preprocessor.get_layer("engineered").output,
        "codes": preprocessor.get_layer("pieces").output,
    }
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    values = keras.Model(preprocessor.input, tensors).predict_on_batch(arrays)
    known = preprocessor.get_layer("pieces").pieces
    special = tokenizing.NUM_SPECIAL
    codes = [int(code) - special for code in np.asarray(values["codes"][0]) if code >= special]
    pieces = [known[code].encode("latin-1").decode(errors="replace") for code in codes]
    return {
        "clean": {"text": values["engineered"][0]},
        "pieces": {"number": len(pieces), "split": "|".join(pieces)},
    }


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each source word to the translation; words that occur several times are numbered."""
    del config  # the first words are tried
    text = str(example[texts.COLUMN].iloc[0])
    words = list(WORD.finditer(text))[:MAX_WORDS]
    variants = [text, *(text[: word.start()] + text[word.end() :] for word in words)]
    (translation,) = inference.as_text(inference.predict(serving_model, example)["translation"])
    likely = log_probabilities(serving_model, variants, translation)
    contributions: dict[str, float] = {}
    for word, without in zip(words, likely[1:], strict=True):
        count = sum(name.partition(" #")[0] == word[0] for name in contributions)
        contributions[f"{word[0]} #{count + 1}" if count else word[0]] = float(likely[0] - without)
    return contributions


def log_probabilities(serving_model: keras.Model, sources: list[str], translation: str) -> np.ndarray:
    """The log-probability of the same translation for each of several sources, (num_texts,)."""
    encoded = serving_model.get_layer("preprocessor").predict_on_batch({texts.COLUMN: np.array(sources, object)})[
        "source"
    ]
    source = tf.RaggedTensor.from_tensor(encoded, padding=tokenizing.PADDING)
    target = task.encode(inference.target_of(serving_model), pd.Series([translation] * len(sources)))
    inputs, codes = length_buckets.teach(source, target)
    logits = serving_model.get_layer("network").get_layer("search").transformer(inputs, training=False)
    likely = task.of_codes(codes, ops.log_softmax(logits)) * ops.cast(codes != tokenizing.PADDING, "float32")
    return ops.convert_to_numpy(ops.sum(likely, axis=-1))
