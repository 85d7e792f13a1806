"""What explains predictions: word importance by occlusion, and one text with what each of its words contributed."""

from collections import defaultdict
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd

from .. import features, metrics, preprocessing, task
from ..config import Config
from ..data import tables
from ..examples import identities
from ..reporting.report import Block, Column, Row, Table, format_number
from ..text import highlighting, texts, tokenizing
from ..text.unicode_text import WORD
from . import inference, scoring

TITLE = "Word importance"
HIDDEN = (texts.HASH,)  # columns that tell a reader of the report nothing
NUM_SHOWN = 12  # texts that are shown
MAX_WORDS = 80  # of a text, the first: each takes a prediction
MAX_PREDICTIONS = 6_000  # for the table of words
MIN_TEXTS = 2  # in which a listed word occurs
NUM_WORDS = 12  # of a class
MAX_CLASSES = 40
MAX_LABELS = 4  # of a text, the most probable of those that are answered
MEANING = "drop in log-odds, or in the predicted number, when the word is removed"


class Occluded(NamedTuple):
    """A text in pieces, words and what is between them, and what each contributed: 0 for what is no word."""

    pieces: list[str]
    contributions: np.ndarray
    leading: str
    """The class or label whose probability it contributed to; of a number, nothing."""


def blocks(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The words with the largest effect, and the texts with the largest errors with the effect of their words."""
    worst = scoring.worst(metrics.errors(targets, predictions), identities(config, examples), NUM_SHOWN)
    shown = examples.iloc[worst]
    exhibits = []
    for place, (explained, row) in enumerate(zip(occlude(serving_model, shown), worst, strict=True)):
        lines = [f"true: {tables.truth(config, shown, place)}", prediction_text(predictions, row)]
        for each in explained:
            shares = each.contributions / (np.abs(each.contributions).max(initial=0) + 1e-9)
            label = [f"words for {each.leading}"] if "labels" in predictions else []
            exhibits.append(highlighting.Exhibit(each.pieces, shares.tolist(), [*lines, *label]))
            lines = []
    note = (
        "Sorted from worst to best. Orange words raised the predicted output, blue words lowered it (occlusion: the "
        f"change when the word is removed). The first {MAX_WORDS} words of each text are tested."
    )
    return [word_table(config, serving_model, examples), highlighting.figure("Largest errors", exhibits, note)]


def prediction_text(predictions: dict[str, np.ndarray], row: int) -> str:
    """The prediction of an example in a line: the outputs that have one value."""
    values = [(name, array[row]) for name, array in predictions.items() if array.ndim == 1]
    shown = [value.decode() or "none" if isinstance(value, bytes) else format_number(value) for _, value in values]
    return ", ".join(f"{name} {text}" for (name, _), text in zip(values, shown, strict=True))


def word_table(config: Config, serving_model: keras.Model, examples: pd.DataFrame) -> Table:
    """The words with the largest mean effect, by predicted class."""
    order = np.random.default_rng(config.seed).permutation(len(examples))
    lengths = np.minimum(examples["words"].to_numpy()[order], MAX_WORDS)
    sample = examples.iloc[order[: max(1, int(np.searchsorted(np.cumsum(lengths), MAX_PREDICTIONS)))]]
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in (each for explained in occlude(serving_model, sample) for each in explained):
        own = {piece.casefold(): value for piece, value in zip(each.pieces, each.contributions, strict=True) if value}
        for word, value in own.items():
            found[each.leading][word].append(value)
    rows: list[Row] = []
    for leading, words in sorted(found.items())[:MAX_CLASSES]:
        means = {word: float(np.mean(values)) for word, values in words.items() if len(values) >= MIN_TEXTS}
        ranked = sorted(means, key=lambda word: means[word], reverse=True)
        up = [f"{word} {means[word]:+.2f}" for word in ranked[:NUM_WORDS] if means[word] > 0]
        down = [f"{word} {means[word]:+.2f}" for word in ranked[::-1][:NUM_WORDS] if means[word] < 0]
        rows.append([leading or "number", ", ".join(up), ", ".join(down)])
    columns: list[str | Column] = [
        "Predicted",
        Column("Words that raise it"),
        Column("Words that lower it"),
    ]
    note = (
        "Mean drop in the log-odds of a predicted class or label, or in a predicted number, when the word is removed, "
        f"over {len(sample)} validation texts. Words of at least {MIN_TEXTS} texts are listed."
    )
    return Table("Words with the largest effect", columns, rows, note)


def occlude(serving_model: keras.Model, examples: pd.DataFrame) -> list[list[Occluded]]:
    """The contribution of each word of each text to what `inference.explained_outputs` names.

    It is the drop of that output without the word.
    """
    pieces = [split(text) for text in examples[texts.COLUMN]]
    variants: list[str] = []
    starts = []
    for text in pieces:
        starts.append(len(variants))
        variants += ["".join(text), *("".join(text[:place] + text[place + 1 :]) for place in word_places(text))]
    outputs = inference.predict(serving_model, pd.DataFrame({texts.COLUMN: variants}))
    names = task.output_parts(inference.target_of(serving_model)).get("probabilities", [])
    found = []
    for text, start in zip(pieces, starts, strict=True):
        places = word_places(text)
        own = {name: values[start : start + 1 + len(places)] for name, values in outputs.items()}
        explained = []
        for leading, values in inference.explained_outputs(own, names)[:MAX_LABELS]:
            contributions = np.zeros(len(text))
            contributions[places] = values[0] - values[1:]
            explained.append(Occluded(text, contributions, leading))
        found.append(explained)
    return found


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


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The text as the vocabularies see it, and what `features.engineer` makes of it."""
    inputs = preprocessing.raw_inputs(config, example)
    cut = serving_model.get_layer("preprocessor").get_layer("cut")(inputs[texts.COLUMN])
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    clean = keras.Model(inputs, {"standardized": tokenizing.Standardize()(cut)}).predict_on_batch(arrays)
    engineered = keras.Model(inputs, features.engineer(cut)).predict_on_batch(arrays)
    return {
        "clean": {name: values[0] for name, values in clean.items()},
        "engineered": {name: values[0] for name, values in engineered.items()},
    }


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each word to the prediction; words that occur several times are numbered.

    If several labels are answered, the contribution to each, behind the name of the label.
    """
    del config  # every word is tried
    (explained,) = occlude(serving_model, example)
    contributions: dict[str, float] = {}
    for occluded in explained:
        label = f"{occluded.leading}: " if len(explained) > 1 else ""
        for place in word_places(occluded.pieces):
            word = f"{label}{occluded.pieces[place]}"
            count = sum(name.partition(" #")[0] == word for name in contributions)
            contributions[f"{word} #{count + 1}" if count else word] = float(occluded.contributions[place])
    return contributions
