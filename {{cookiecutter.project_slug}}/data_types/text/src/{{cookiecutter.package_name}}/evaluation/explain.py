"""What the model goes by: the words without which its predictions would be other ones."""

from collections import defaultdict
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

from .. import metrics
from ..config import Config
from ..reporting.report import Block, Column, Row, Table, format_number
from ..text import highlighting, texts
from ..text.unicode_text import WORD
from . import inference
from .inference import amounts

HIDDEN = (texts.HASH,)  # columns that tell a reader of the report nothing
NUM_SHOWN = 12  # texts that are shown
MAX_WORDS = 80  # of a text, the first: each takes a prediction
MAX_PREDICTIONS = 6_000  # for the table of words
MIN_TEXTS = 2  # in which a telling word occurs
NUM_WORDS = 12  # of a class
MAX_CLASSES = 40


class Occluded(NamedTuple):
    """A text in pieces, words and what is between them, and what each contributed: 0 for what is no word."""

    pieces: list[str]
    contributions: np.ndarray
    leading: str
    """The class that was predicted; of a number, nothing."""


def blocks(
    config: Config,
    complete: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The most telling words, and the texts that the model gets most wrong with what their words contributed."""
    worst = np.argsort(-metrics.errors(targets, predictions), kind="stable")[:NUM_SHOWN]
    shown = examples.iloc[worst]
    exhibits = [
        highlighting.Exhibit(
            each.pieces,
            (each.contributions / (np.abs(each.contributions).max(initial=0) + 1e-9)).tolist(),
            [f"true: {truth}", said(predictions, row)],
        )
        for each, row, truth in zip(occlude(complete, shown), worst, shown[config.target], strict=True)
    ]
    note = (
        "The worst first. Orange words raised what was predicted, blue ones lowered it: by how much it changes if the "
        f"word is taken out (occlusion). The first {MAX_WORDS} words of a text are tried."
    )
    return [telling_words(config, complete, examples), highlighting.figure("The worst predictions", exhibits, note)]


def said(predictions: dict[str, np.ndarray], row: int) -> str:
    """The prediction of an example in a line: the outputs that have one value."""
    values = [(name, array[row]) for name, array in predictions.items() if array.ndim == 1]
    shown = [value.decode() if isinstance(value, bytes) else format_number(value) for _, value in values]
    return ", ".join(f"{name} {text}" for (name, _), text in zip(values, shown, strict=True))


def telling_words(config: Config, complete: keras.Model, examples: pd.DataFrame) -> Table:
    """The words that contributed most on average, by what was predicted."""
    order = np.random.default_rng(config.seed).permutation(len(examples))
    lengths = np.minimum(examples["words"].to_numpy()[order], MAX_WORDS)
    sample = examples.iloc[order[: max(1, int(np.searchsorted(np.cumsum(lengths), MAX_PREDICTIONS)))]]
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in occlude(complete, sample):
        own = {piece.casefold(): value for piece, value in zip(each.pieces, each.contributions, strict=True) if value}
        for word, value in own.items():
            found[each.leading][word].append(value)
    rows: list[Row] = []
    for leading, words in sorted(found.items())[:MAX_CLASSES]:
        means = {word: float(np.mean(values)) for word, values in words.items() if len(values) >= MIN_TEXTS}
        ranked = sorted(means, key=lambda word: means[word], reverse=True)
        up = [f"{word} {means[word]:+.2f}" for word in ranked[:NUM_WORDS] if means[word] > 0]
        down = [f"{word} {means[word]:+.2f}" for word in ranked[::-1][:NUM_WORDS] if means[word] < 0]
        rows.append([leading or "the number", ", ".join(up), ", ".join(down)])
    columns: list[str | Column] = [
        "Predicted",
        Column("Words that raise it"),
        Column("Words that lower it"),
    ]
    note = (
        f"Of {len(sample)} validation texts: by how much the logarithm of the odds of the predicted class, or the "
        f"predicted number, falls on average when the word is taken out; words of at least {MIN_TEXTS} texts."
    )
    return Table("Most telling words", columns, rows, note)


def occlude(complete: keras.Model, examples: pd.DataFrame) -> list[Occluded]:
    """What each word of each text contributes: how much less of what was predicted is left without it."""
    pieces = [split(text) for text in examples[texts.COLUMN]]
    variants, owners = [], []
    for number, text in enumerate(pieces):
        places = [None, *word_places(text)]
        variants += [
            "".join(text[:place] + text[place + 1 :]) if place is not None else "".join(text) for place in places
        ]
        owners += [(number, place) for place in places]
    outputs = inference.predict(complete, pd.DataFrame({texts.COLUMN: variants}))
    starts = [row for row, (_, place) in enumerate(owners) if place is None]
    whole = np.repeat(starts, np.diff([*starts, len(owners)]))  # (num_variants,): the row of the whole text
    losses = amounts(outputs, whole)[whole] - amounts(outputs, whole)
    contributions = [np.zeros(len(text)) for text in pieces]
    for (number, place), loss in zip(owners, losses, strict=True):
        if place is not None:
            contributions[number][place] = loss
    labels = outputs.get("label")
    leading = ["" if labels is None else inference.as_text(labels[[row]])[0] for row in starts]
    return [Occluded(*each) for each in zip(pieces, contributions, leading, strict=True)]


def split(text: str) -> list[str]:
    """Words and what is between them, in turn."""
    pieces, end = [], 0
    for match in WORD.finditer(text):
        pieces += [text[end : match.start()], match[0]]
        end = match.end()
    return [piece for piece in [*pieces, text[end:]] if piece]


def word_places(pieces: list[str]) -> list[int]:
    """Where the first words are among the pieces."""
    return [place for place, piece in enumerate(pieces) if WORD.fullmatch(piece)][:MAX_WORDS]
