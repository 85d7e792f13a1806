"""From raw texts to the codes that the network learns from: the same graph in training and in service."""

import math
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from . import features, task
from .config import Config
from .data import batching, loading, tables
from .text import texts, tokenizing
from .text.text_inputs import input_kinds, parse_arrays, raw_arrays, raw_inputs, read_labels
from .text.vocabulary import BagOfNgrams, Vocabulary, WordSequence

__all__ = [
    "build_preprocessor",
    "input_kinds",
    "make_dataset",
    "parse_arrays",
    "raw_arrays",
    "raw_inputs",
    "read_labels",
    "simple_features",
]

MIN_WORD_COUNT = 2  # training texts with a word: what a single one has is unseen, so that unseen is learned too
SHORT = 500  # characters of the typical text up to which character n-grams help: longer ones have known words enough
MAX_WORDS, MAX_NGRAMS = 30_000, 200_000  # most frequent ones that are told apart
MAX_SEQUENCE, MAX_BAG = 512, 1_024  # words of a text in their order, and n-grams of a text
MAX_DEVIATION = 3.0  # standard deviations by which a feature departs: a text of nothing but emoji has tens
ADAPTATION_EXAMPLES = 100_000  # at most; more would move vocabularies little
ENCODING_BATCH = 256  # texts that are encoded at once
PREDICTION_BATCH = 128  # texts that are encoded and predicted at once
SIMPLE_LENGTH = 3.0  # of a text's weights for baselines: with 1, a logistic regression is regularized too much


def build_preprocessor(config: Config, examples: pd.DataFrame) -> keras.Model:
    """The model from raw texts to codes and numbers, adapted on `examples`, which must be training examples.

    Its outputs:
        words: (batch, num_words) int32, in their order: 0 behind the last, 1 unseen in training, then a code per word.
        word_ngrams: (batch, num_ngrams) int32, the words and pairs of words that occur: 0 is none.
        character_ngrams: (batch, num_ngrams) int32, likewise, where texts are short.
        single_words: (batch, num_words) int32, the words that occur, where texts are long.
        tokens: (batch, length) int32, the pieces that a pretrained network sees, if there is one.
        features: (batch, num_features) float32, about standard normal, within -MAX_DEVIATION and MAX_DEVIATION.
    """
    inputs = raw_inputs(config, examples)
    cut = tokenizing.Cut(config.max_characters, name="cut")(inputs[texts.COLUMN])
    standardized = tokenizing.Standardize(name="standardized")(cut)
    engineered = features.engineer(cut)
    stacked = ops.round(ops.stack(list(engineered.values()), axis=1), 4)  # last digits depend on the size of a batch
    sample = examples.iloc[:: math.ceil(len(examples) / ADAPTATION_EXAMPLES)]
    first = keras.Model(inputs, {"standardized": standardized, "features": stacked})
    values = batching.run_in_batches(first, raw_arrays(inputs, sample), ENCODING_BATCH)
    scale = keras.layers.Normalization(name="scaled")
    scale.adapt(values["features"])
    vocabularies: dict[str, Vocabulary] = {
        "words": WordSequence("words", name="words"),
        "word_ngrams": BagOfNgrams("word_ngrams", name="word_ngrams"),
    }
    is_short = are_short(examples)
    beside = "character_ngrams" if is_short else "single_words"
    vocabularies[beside] = BagOfNgrams("character_ngrams" if is_short else "words", name=beside)
    for name, vocabulary in vocabularies.items():
        is_bag = name != "words"
        min_count = 1 if is_bag and is_short else MIN_WORD_COUNT  # by what only one long text has, it is memorised
        limits = (MAX_NGRAMS, MAX_BAG) if is_bag else (MAX_WORDS, MAX_SEQUENCE)
        vocabulary.adapt(values["standardized"], min_count, *limits)
    codes = {name: vocabulary(standardized) for name, vocabulary in vocabularies.items()}
    if config.backbone != "none":
        from .transfer import sentence_vectors  # here, since most networks are trained without

        known = sample[texts.COLUMN].str[: config.max_characters].tolist()
        codes |= sentence_vectors.tokens(config, examples, [cut], known)
    bounded = ops.clip(scale(stacked), -MAX_DEVIATION, MAX_DEVIATION)
    return keras.Model(inputs, {**codes, "features": bounded}, name="preprocessor")


def are_short(examples: pd.DataFrame) -> bool:
    """Whether the typical text is short, so that many of its words may be unseen."""
    return bool(examples["characters"].median() <= SHORT)


def make_dataset(
    config: Config, split: str, preprocessor: keras.Model, target: task.Target, epoch: tf.Variable | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets) of a split: the preprocessor's outputs and targets of shape (batch, 1).

    With the setting `sample_weight` they are (inputs, targets, weights), the last of shape (batch,) and mean 1.

    With `epoch`, the number of the epoch, those of the training split are shuffled. All are encoded once.
    """
    if epoch is None:
        return batching.in_order(
            *encode(config, loading.read_examples(config, split), preprocessor, target), PREDICTION_BATCH
        )
    size = batching.batch_size(config, tables.num_examples(config, split))
    return loading.training_batches(config, lambda part: encode(config, part, preprocessor, target), size, epoch)


def encode(
    config: Config, examples: pd.DataFrame, preprocessor: keras.Model, target: task.Target
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]:
    """The preprocessor's outputs, the targets, (num_examples, 1), and the weights, if any, (num_examples,)."""
    inputs = batching.run_in_batches(preprocessor, raw_arrays(preprocessor.input, examples), ENCODING_BATCH)
    return (
        inputs,
        task.encode(target, examples[config.target_columns])[:, None],
        tables.sample_weights(config, examples),
    )


def simple_features(config: Config, train: pd.DataFrame, evaluation: pd.DataFrame) -> tuple[Any, Any]:
    """What baselines learn from, without a network: TF-IDF weights as sparse matrices (num_examples, num_ngrams).

    They are of words and pairs of words and, where texts are short, of character n-grams.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    limits = {"max_features": MAX_NGRAMS, "sublinear_tf": True, "dtype": np.float32}
    vectorizers = [TfidfVectorizer(ngram_range=tokenizing.WORD_NGRAMS, **limits)]
    if are_short(train):
        vectorizers.append(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), **limits))
    read = [examples[texts.COLUMN].str[: config.max_characters] for examples in (train, evaluation)]
    fitted = [(vectorizer.fit_transform(read[0]), vectorizer.transform(read[1])) for vectorizer in vectorizers]
    train_weights, weights = (
        SIMPLE_LENGTH * sparse.hstack([pair[place] for pair in fitted], format="csr") for place in (0, 1)
    )
    return train_weights, weights
