"""build_model: weighted bags of words and n-grams, beside a convolution over the words in their order."""

import math
from functools import partial
from typing import TYPE_CHECKING

import keras
from keras import layers, ops

from . import task
from .config import Config
from .layers import LINEAR, NGRAMS, BesideLinear, WeightedBag, WithLinear
from .settings.training import COMPARED
from .text.vocabulary import BagOfNgrams
from .transfer.search_space import COMBINED, FINE_TUNED, SCRATCH, of_networks, trained

if TYPE_CHECKING:
    import keras_tuner

WIDEST = 3  # words that the convolution sees at once
LONGEST_SEQUENCE = 128  # words: in longer texts, it matters little in which order they stand
LARGEST_BAG = 128  # n-grams of a text: a step moves the sum over larger bags too far
TUNED_RATE = 0.02  # of the learning rate, for a pretrained network, which must not forget
MAX_LINEAR_WEIGHTS = 20_000_000  # of a linear model beside the network, 80 MB; one with more is left out


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its inputs are the outputs of `preprocessor` by name; `build_preprocessor` states their shapes. It ends in
    `task.output_head`, which takes (batch, width), or (batch, members, width) of an ensemble, and is compiled with
    `optimizer`, `task.loss` and `task.metrics`. Layers of your own have to be serializable, as those in `layers.py`.

    Its members see word n-grams, character n-grams, both, and the words in their order. Where texts are long, single
    words, which a linear model on TF-IDF weights does well with, stand for character n-grams, there is no order, and
    such a linear model has the share in the predictions that is best on the validation split.
    The members are trained side by side, each on its own loss, and their predictions are averaged: they err on
    different texts.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in preprocessor.output.items()
    }
    vectors = None
    if "tokens" in inputs:
        from .transfer import sentence_vectors  # here, since most networks are trained without

        vectors = sentence_vectors.choose(hp, config, inputs["tokens"], can_be_tuned=True)
    with of_networks(hp, SCRATCH, COMBINED):
        seen = [[]] if vectors and vectors.is_alone else [[own] for own in scratch_members(hp, inputs, preprocessor)]
    beside = [inputs["features"], *([vectors.seen] if vectors else [])]
    with_features = [layers.Concatenate()([*own, *beside]) for own in seen]
    stacked = ops.stack(with_features, axis=1)  # (batch, members, width)
    dropped = layers.Dropout(trained(hp, config, "dropout", 0.0, 0.6, 0.3, step=0.1))(stacked)
    outputs, ngrams = task.output_head(dropped, target), preprocessor.get_layer(NGRAMS)
    kind: type[keras.Model] = keras.Model
    is_small = ngrams.size * outputs.shape[-1] <= MAX_LINEAR_WEIGHTS
    if "single_words" in inputs and is_small and not (vectors and vectors.is_alone):  # texts are long
        kind, outputs = WithLinear, beside_linear(outputs, inputs[NGRAMS], ngrams)
    if vectors:
        of_steps = partial(optimizer, config, hp, num_ngrams=ngrams.length)
        model = vectors.network(config, inputs, outputs, kind, of_steps)
    else:
        model = kind(inputs, outputs, name="network")
    model.compile(
        optimizer=optimizer(config, hp, num_steps, ngrams.length),
        loss=task.loss(target),
        weighted_metrics=task.metrics(target),
        jit_compile=False if vectors else config.jit_compile,  # texts are shortened to the longest of a batch
    )
    return model


def beside_linear(outputs: keras.KerasTensor, codes: keras.KerasTensor, ngrams: BagOfNgrams) -> keras.KerasTensor:
    """Outputs (batch, members, num_outputs) with the share of a linear model of n-grams, which `fit` fits."""
    layer = BesideLinear(ngrams.size + 1, outputs.shape[-1], dtype=keras.config.floatx(), name=LINEAR)
    blended = layer([outputs, codes])
    layer.bag.weigh(ngrams.inverse_document_frequencies())
    return blended


def optimizer(
    config: Config, hp: "keras_tuner.HyperParameters", num_steps: int, num_ngrams: int
) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    The default rate is lower where texts are long, of up to `num_ngrams` n-grams. The weights of a text have the length
    1: if all n-grams move by the learning rate, their weighted sum moves by the square root of their number.

    Use any optimizer and schedule of Keras. A schedule follows the optimizer's own step count, which is part of a
    checkpoint, so that training that was interrupted continues with the same rates.
    """
    if hp.values.get(COMPARED) == FINE_TUNED:
        return tuning_optimizer(config, hp, num_steps)
    default = config.learning_rate * min(1.0, math.sqrt(LARGEST_BAG / num_ngrams))
    rate = trained(hp, config, "learning_rate", 5e-4, 3e-2, default, sampling="log")
    return keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, num_steps),
        weight_decay=trained(hp, config, "weight_decay", 1e-3, 1.0, 0.01, sampling="log"),
    )


def tuning_optimizer(config: Config, hp: "keras_tuner.HyperParameters", num_steps: int) -> keras.optimizers.Optimizer:
    """As `optimizer`, for a pretrained network that is fine-tuned: at a small rate, which rises in the first steps."""
    from .transfer.fine_tuning import warmed_up  # here, since most networks are trained without

    rate = trained(hp, config, "learning_rate", 5e-4, 3e-2, config.learning_rate, sampling="log")
    return keras.optimizers.AdamW(
        warmed_up(TUNED_RATE * rate, num_steps),
        weight_decay=trained(hp, config, "weight_decay", 1e-3, 1.0, 0.01, sampling="log"),
    )


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return []


def default_sequence(preprocessor: keras.Model) -> str:
    """How the order of words is learned from before any search: not at all where texts are long."""
    return "convolution" if preprocessor.get_layer("words").length <= LONGEST_SEQUENCE else "none"


def scratch_members(
    hp: "keras_tuner.HyperParameters", inputs: dict[str, keras.KerasTensor], preprocessor: keras.Model
) -> list[keras.KerasTensor]:
    """What the members of the ensemble see, each (batch, width): bags of n-grams, and the words in their order."""
    units = hp.Int("units", 32, 256, step=32, default=64)
    ngram_dropout = hp.Float("ngram_dropout", 0.0, 0.6, step=0.1, default=0.3)
    bags = []
    for name, vocabulary in bags_of(preprocessor).items():
        bag = WeightedBag(vocabulary.size + 1, units, ngram_dropout, name=f"bag_of_{name}")
        bags.append(bag(inputs[name]))
        bag.weigh(vocabulary.inverse_document_frequencies())
    members = bag_members(bags)
    branch = hp.Choice("sequence", ["convolution", "attention", "none"], default=default_sequence(preprocessor))
    if branch != "none":
        num_words = preprocessor.get_layer("words").size + 2
        members.append(sequence_branch(inputs["words"], branch, num_words, units, len(bags) * units, hp))
    return members


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
