"""Layers for texts that Keras lacks, and a linear model beside a network."""

import math
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .data import estimators

LENGTH = 8.0  # of the typical text's weights for the linear model: with 1, it is regularized too much
RIDGE = 16.0  # the penalty where targets are numbers
FEW = 10  # texts that have an n-gram, by which half of what sets them apart is believed
UNSEEN = -20.0  # the logit of a class or label that a linear model has not seen
LINEAR, NGRAMS = "beside_linear", "word_ngrams"  # the layer that has a linear model, and the input which that sees
SCALES = (1, 2, 4, 8)  # of the logits of a linear model, whose regularization leaves them too small
SHARES = [(1 - share, scale * share) for share in np.linspace(0, 1, 11) for scale in SCALES]


@keras.saving.register_keras_serializable(package="text")
class WeightedBag(keras.layers.Layer):
    """The sum of the embeddings of the n-grams of a text, weighted by TF-IDF (Salton and Buckley 1988).

    As in fastText (Joulin et al. 2017), but rare n-grams count more than frequent ones, and the weights of a text have
    the length 1. Training drops n-grams at random, so that the model relies on no single one.
    Shapes: int32 codes (batch, num_ngrams), 0 for none, to (batch, units).
    """

    def __init__(self, num_codes: int, units: int, dropout: float = 0.0, **options: Any) -> None:
        """Takes the number of codes, the width of an embedding and the share of n-grams that training drops."""
        super().__init__(**options)
        self.num_codes, self.units = num_codes, units
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights, which `weigh` sets, and the embeddings."""
        del input_shape
        self.weights_of_codes = self.add_weight(
            shape=(self.num_codes,), initializer="zeros", trainable=False, name="weights_of_codes"
        )
        self.embeddings = self.add_weight(
            shape=(self.num_codes, self.units),
            initializer=keras.initializers.RandomNormal(stddev=0.1),
            name="embeddings",
        )

    def weigh(self, inverse_document_frequencies: np.ndarray) -> None:
        """Sets the weight of each code, (num_codes,), that of code 0 being 0."""
        self.weights_of_codes.assign(inverse_document_frequencies)

    def call(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Weighs and sums."""
        weights = self.dropout(keras.ops.take(self.weights_of_codes, codes), training=training)  # (batch, num_ngrams)
        length = keras.ops.sqrt(keras.ops.sum(keras.ops.square(weights), axis=1, keepdims=True))
        embedded = keras.ops.take(self.embeddings, codes, axis=0)  # (batch, num_ngrams, units)
        return keras.ops.einsum("bn,bnu->bu", weights / (length + 1e-6), embedded)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Replaces the last axis."""
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        sizes = {"num_codes": self.num_codes, "units": self.units, "dropout": self.dropout.rate}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable(package="text")
class BesideLinear(keras.layers.Layer):
    """Blends the outputs of an ensemble with those of a linear model on the TF-IDF weights of n-grams.

    Training sees the ensemble alone; else both have the shares that `WithLinear` finds.
    Shapes: outputs (batch, members, num_outputs) and codes (batch, num_ngrams) to (batch, members, num_outputs).
    """

    def __init__(self, num_codes: int, num_outputs: int, **options: Any) -> None:
        """Takes the number of codes and of outputs."""
        super().__init__(**options)
        self.bag = WeightedBag(num_codes, num_outputs, trainable=False, dtype="float32", name="coefficients")

    def build(self, input_shape: Any) -> None:
        """Creates the linear model, which `fit` fits, and the shares: before, only the ensemble has one."""
        self.bag.build(input_shape[1])
        options: dict[str, Any] = {"initializer": "zeros", "trainable": False, "dtype": "float32"}
        self.intercepts = self.add_weight(name="intercepts", shape=(self.bag.units,), **options)
        self.shares = self.add_weight(name="shares", shape=(2,), **options)
        self.shares.assign(SHARES[0])

    def fit(self, codes: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Fits the linear model to codes (num_examples, num_ngrams), and class numbers (num_examples,), or numbers.

        Numbers may also be (num_examples, num_outputs); if all are 0 or 1, they are labels.
        """
        from sklearn.linear_model import LogisticRegression, Ridge

        bags, scales = self.scaled_bags(codes, targets, weights)
        kernel, intercepts = np.zeros((len(scales), self.bag.units)), np.full(self.bag.units, UNSEEN)
        logistic = partial(LogisticRegression, max_iter=200, tol=1e-3)
        models = dict[Any, Any]()  # by the outputs that they give
        if targets.dtype.kind == "i":  # classes
            classes = np.unique(targets)
            intercepts[classes] = 0
            if len(classes) > 1:
                model = logistic().fit(bags, targets, weights)
                models[tuple(classes[-len(model.intercept_) :])] = model  # of two classes, the second
        elif targets.ndim == 2 and np.isin(targets, (0, 1)).all():  # labels
            for label in np.flatnonzero(np.ptp(targets, axis=0)):
                models[(label,)] = logistic().fit(bags, targets[:, label], weights)
        else:
            models[tuple(range(self.bag.units))] = Ridge(RIDGE).fit(bags, targets, weights)
        for outputs, model in models.items():
            kernel[:, outputs], intercepts[[*outputs]] = np.atleast_2d(model.coef_).T, model.intercept_
        self.bag.embeddings.assign(kernel * scales[:, None])
        self.intercepts.assign(intercepts)

    def scaled_bags(self, codes: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> tuple[Any, np.ndarray]:
        """What the linear model is fitted to, a sparse matrix (num_examples, num_codes), and its scales (num_codes,).

        N-grams that tell targets apart are on a larger scale, so that their coefficients are regularized less, as with
        the log-count ratios of Wang and Manning (2012), which are for two classes.
        """
        from scipy import sparse
        from sklearn.preprocessing import normalize

        frequencies = keras.ops.convert_to_numpy(self.bag.weights_of_codes)
        rows, places = np.nonzero(codes)
        present = codes[rows, places]
        bags = sparse.csr_matrix((frequencies[present], (rows, present)), (len(codes), len(frequencies)))
        outputs = np.eye(self.bag.units)[targets] if targets.dtype.kind == "i" else targets
        scales = telling(bags > 0, outputs.reshape(len(codes), -1), weights)
        bags = normalize(bags) @ sparse.diags(scales)
        factor = LENGTH / (math.sqrt(bags.multiply(bags).sum() / len(codes)) or 1)
        return factor * bags, factor * scales

    def linear(self, codes: tf.Tensor) -> tf.Tensor:
        """What the linear model gives, (batch, num_outputs)."""
        return self.bag(codes) + self.intercepts

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Adds the linear model to each member."""
        outputs, codes = inputs
        return outputs if training else blend(outputs, self.linear(codes), self.shares)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Keeps that of the outputs."""
        shape: tuple[int | None, ...] = input_shape[0]
        return shape

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        return {**super().get_config(), "num_codes": self.bag.num_codes, "num_outputs": self.bag.units}


def telling(has: Any, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """How far the targets of the texts with an n-gram are from those of all, (num_codes,), between 0 and about 1.

    `has` tells which texts have it, a sparse matrix (num_examples, num_codes) of truth values, and `targets` are
    (num_examples, num_outputs). The distance is that of the means, in standard deviations, the root mean square of all
    outputs; it is shrunk where few texts have the n-gram.
    """
    weights = np.ones(len(targets)) if weights is None else weights
    centred = targets - np.average(targets, axis=0, weights=weights)
    deviations = np.sqrt(np.average(centred**2, axis=0, weights=weights))
    differs = deviations > 0
    sums = has.T @ (weights[:, None] * centred[:, differs] / deviations[differs])
    return np.sqrt(np.square(sums).sum(axis=1) / max(1, differs.sum())) / (has.T @ weights + FEW)


def blend(outputs: Any, linear: Any, shares: Any) -> Any:
    """Outputs (batch, members, num_outputs) and those of a linear model, (batch, num_outputs), each with its share."""
    return outputs * shares[0] + linear[:, None] * shares[1]


class WithLinear(keras.Model):
    """A network with a layer LINEAR: `fit` fits its linear model first, and each validation finds the best shares.

    So it is not behind the linear model on the validation split.
    """

    needs_whole_split = True  # of several workers each scores it on all validation examples

    def fit(self, x: Any, **options: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`; `x` may have been shared out among several devices."""
        self.fit_linear(getattr(x, "whole", x))
        return super().fit(x, **options)

    def fit_linear(self, batches: tf.data.Dataset) -> None:
        """Fits the linear model to the first batches, as many as the baselines learn from."""
        seen = list[tuple[np.ndarray, ...]]()
        for inputs, *labels in batches:
            seen.append((inputs[NGRAMS].numpy(), *(each.numpy() for each in labels)))
            if sum(len(codes) for codes, *_ in seen) >= estimators.MAX_LINEAR_EXAMPLES:
                break
        codes, targets, *weights = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        is_used = np.isfinite(targets).reshape(len(targets), -1).all(axis=1)  # of several targets, all
        is_used &= np.all([each > 0 for each in weights], axis=0)
        if is_used.any():
            self.get_layer(LINEAR).fit(codes[is_used], targets[is_used, 0], *(each[is_used] for each in weights))

    def evaluate(self, x: tf.data.Dataset, **options: Any) -> Any:
        """As `keras.Model.evaluate`, with the shares that give these batches the smallest loss."""
        layer = self.get_layer(LINEAR)
        members = keras.Model(self.input, layer.input[0])
        seen = [(members(inputs, training=False), layer.linear(inputs[NGRAMS]), *labels) for inputs, *labels in x]
        outputs, linear, targets, *weights = (tf.concat(parts, axis=0) for parts in zip(*seen, strict=True))
        losses = [self.loss(targets, blend(outputs, linear, shares), *weights) for shares in SHARES]
        best = int(np.argmin(losses))
        layer.shares.assign(SHARES[best])
        self.reset_metrics()
        scores = self.compute_metrics(None, targets, blend(outputs, linear, SHARES[best]), *weights)
        scores = {name: float(score) for name, score in {**scores, "loss": losses[best]}.items()}
        return scores if options.get("return_dict") else [*scores.values()]
