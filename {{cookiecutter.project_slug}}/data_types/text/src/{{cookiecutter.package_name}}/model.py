"""build_model: weighted bags of words and character n-grams, beside a convolution over the words in their order."""

from typing import TYPE_CHECKING

import keras
from keras import layers, ops

from . import optimization, task
from .config import Config
from .layers import WeightedBag
from .text.vocabulary import BagOfNgrams

if TYPE_CHECKING:
    import keras_tuner

WIDEST = 3  # words that the convolution sees at once
LONGEST_SEQUENCE = 128  # words: in longer texts, it matters little in which order they stand


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its members see words, character n-grams, both, and the words in their order. They are trained side by side, each on
    its own loss, and their predictions are averaged: they err on different texts.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in preprocessor.output.items()
    }
    units = hp.Int("units", 32, 256, step=32, default=64)
    ngram_dropout = hp.Float("ngram_dropout", 0.0, 0.6, step=0.1, default=0.3)
    bags = {
        name: WeightedBag(vocabulary.size + 1, units, ngram_dropout, name=f"bag_of_{name}")
        for name, vocabulary in bags_of(preprocessor).items()
    }
    members = bag_members([bag(inputs[name]) for name, bag in bags.items()])
    branch = hp.Choice("sequence", ["convolution", "attention", "none"], default=default_sequence(preprocessor))
    if branch != "none":
        num_words = preprocessor.get_layer("words").size + 2
        members.append(sequence_branch(inputs["words"], branch, num_words, units, len(bags) * units, hp))
    with_features = [layers.Concatenate()([member, inputs["features"]]) for member in members]
    stacked = ops.stack(with_features, axis=1)  # (batch, members, width)
    dropped = layers.Dropout(hp.Float("dropout", 0.0, 0.6, step=0.1, default=0.3))(stacked)
    model = keras.Model(inputs, task.output_head(dropped, target), name="network")
    for name, bag in bags.items():
        bag.weigh(preprocessor.get_layer(name).inverse_document_frequencies())
    model.compile(
        optimizer=optimization.optimizer(config, hp, num_steps, preprocessor.get_layer("word_ngrams").length),
        loss=task.loss(target),
        metrics=task.metrics(target),
        jit_compile=config.jit_compile,
    )
    return model


def default_sequence(preprocessor: keras.Model) -> str:
    """How the order of words is learned from before any search: not at all where texts are long."""
    return "convolution" if preprocessor.get_layer("words").length <= LONGEST_SEQUENCE else "none"


def bags_of(preprocessor: keras.Model) -> dict[str, BagOfNgrams]:
    """The vocabularies of the bags, by the names of the preprocessor's outputs."""
    return {layer.name: layer for layer in preprocessor.layers if isinstance(layer, BagOfNgrams)}


def bag_members(bags: list[keras.KerasTensor]) -> list[keras.KerasTensor]:
    """All bags together and each by itself, zeros standing for the others; each (batch, num_bags * units)."""
    if len(bags) == 1:
        return bags
    together = layers.Concatenate()(bags)
    alone = [layers.Concatenate()([bag if bag is own else ops.zeros_like(bag) for bag in bags]) for own in bags]
    return [together, *alone]


def sequence_branch(
    codes: keras.KerasTensor, branch: str, num_words: int, units: int, width: int, hp: "keras_tuner.HyperParameters"
) -> keras.KerasTensor:
    """Codes of words (batch, num_words) to (batch, width): by convolutions (Kim 2014), or by self-attention."""
    is_word = ops.cast(ops.expand_dims(codes, -1) > 0, "float32")  # (batch, num_words, 1)
    embedded = layers.Embedding(num_words, units, name="embedded_words")(codes) * is_word
    hidden = layers.SpatialDropout1D(hp.Float("word_dropout", 0.0, 0.5, step=0.1, default=0.2))(embedded)
    if branch == "attention":
        attended = layers.MultiHeadAttention(num_heads=4, key_dim=units // 4, dropout=0.1)(
            hidden, hidden, attention_mask=ops.expand_dims(codes > 0, 1)
        )
        hidden = layers.LayerNormalization()(layers.Add()([hidden, attended]))
    sizes = (1, WIDEST) if branch == "convolution" else (1, 1)
    pooled = []
    for place, size in enumerate(sizes):
        maps = layers.Conv1D(width // 2, size, padding="same", activation="relu", name=f"convolution_{place}")(hidden)
        pooled.append(layers.GlobalMaxPooling1D()(maps * is_word))
    return layers.Concatenate()(pooled)
