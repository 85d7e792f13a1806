"""Vectors of texts by a pretrained network, and texts on the page about them."""

from collections.abc import Sequence

import keras
import pandas as pd

from .. import preprocessing
from ..config import Config
from ..reporting.report import Figure
from ..text import highlighting, text_sources, texts, tokenizing
from ..transfer import sentence_vectors
from . import explain
from .vectors import Embedder, Group, Shown, kept

MAX_PIECES = 200  # of a text on the page: words, and what is between them
MARKED = 0.6  # strength of the colour of a word that the other text lacks


def pretrained_network(config: Config, train: pd.DataFrame) -> Embedder:
    """The network that `backbone` names; vectors that training has cached are used.

    Raises:
        InputError: there are no weights.
    """
    backbone, origin = sentence_vectors.load(sentence_vectors.find(config.backbone))
    whole = train.copy(deep=False)
    whole.attrs = {}  # vectors of a sample are held in memory, however many examples it was drawn from
    inputs = preprocessing.raw_inputs(config, whole)
    cut = tokenizing.Cut(config.max_characters)(inputs[texts.COLUMN])
    known = whole[texts.COLUMN].str[: config.max_characters].tolist()
    preprocessor = keras.Model(inputs, sentence_vectors.tokens(config, whole, [cut], known))
    codes = preprocessor.output[sentence_vectors.TOKENS]
    entered = keras.Input(codes.shape[1:], dtype=codes.dtype)
    network = keras.Model(entered, sentence_vectors.pooled(backbone, entered))
    return kept(preprocessor, sentence_vectors.TOKENS, network, config.artifacts, origin["name"])


def names(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns by which a reader knows an example: its text, and the file that it was in."""
    return rows[[name for name in (text_sources.NAME, texts.COLUMN) if name in rows]].reset_index(drop=True)


def figure(shown: Shown, title: str, groups: Sequence[Group], note: str) -> Figure:
    """The texts of each group, one below the other; words that the other text lacks are coloured."""
    pieces = [explain.split(text)[:MAX_PIECES] for text in shown.rows[texts.COLUMN]]
    exhibits = []
    for group in groups:
        for place, lines in group.each():
            others = {piece.casefold() for other in group.places if other != place for piece in pieces[other]}
            marks = [MARKED * bool(others and piece.casefold() not in others) for piece in pieces[place]]
            exhibits.append(highlighting.Exhibit(pieces[place], marks, lines))
    return highlighting.figure(title, exhibits, note)
