"""A head that is a linear model: it comes out as that of scikit-learn."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from sklearn.linear_model import LogisticRegression

from project.data import batching
from project.transfer import fine_tuning
from project.transfer.depth import Tuned
from project.transfer.linear_head import COMMON, LinearFit, linear_layer

from declared import Config

NUM_EXAMPLES, WIDTH, PENALTY = 60, 8, 0.01


def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of very different scales, classes that depend on them, and weights."""
    random = np.random.default_rng(0)
    normal = random.normal(0, 1, (NUM_EXAMPLES, WIDTH))
    logits = normal @ random.normal(0, 1, (WIDTH, 3))
    classes = np.argmax(logits + random.gumbel(size=logits.shape), axis=1)
    seen = ((normal + 3) * np.geomspace(0.1, 10, WIDTH)).astype("float32")
    return seen, classes, random.uniform(0.5, 1.5, NUM_EXAMPLES)


def test_a_head_of_one_layer_is_the_regularized_logistic_regression() -> None:
    seen, classes, weights = drawn()
    inputs = keras.Input((WIDTH,))
    logits = layers.Dense(3)(layers.Dropout(0.5)(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    batches = batching.in_order({"seen": seen}, classes, weights, 16).map(
        lambda given, *beside: (given["seen"], *beside)
    )
    LinearFit(inputs, logits, loss, batches).minimize(PENALTY, lambda _: True)
    found = tf.nn.softmax(keras.Model(inputs, logits)(seen)).numpy()
    share, variances = NUM_EXAMPLES / (NUM_EXAMPLES + COMMON), seen.var(axis=0)
    scaled = (seen - seen.mean(axis=0)) / np.sqrt(share * variances + (1 - share) * variances.mean())
    peer = LogisticRegression(C=1 / (PENALTY * WIDTH), tol=1e-6).fit(scaled, classes, batching.scaled(weights))
    np.testing.assert_allclose(found, peer.predict_proba(scaled), atol=0.01)


def test_a_fit_goes_on_with_the_weights_there_are_and_may_be_ended() -> None:
    keras.utils.set_random_seed(0)  # from one of forty starts, the tolerance ends the first fit early
    seen, classes, _ = drawn()
    inputs = keras.Input((WIDTH,))
    outputs = layers.Dense(1)(inputs)
    fit = LinearFit(inputs, outputs, keras.losses.MeanSquaredError(), tf.data.Dataset.from_tensors((seen, classes)))
    steps: list[int] = []

    def is_first(step: int) -> bool:
        steps.append(step)
        return step < 1

    fit.minimize(PENALTY, is_first)
    assert steps == [0, 1]
    fit.minimize(PENALTY, lambda _: True)
    before = fit.layer.get_weights()
    fit.minimize(PENALTY, lambda step: step < 1)
    for one, other in zip(before, fit.layer.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.02, atol=1e-3)


def test_answers_become_as_sure_as_others_show_them_to_be() -> None:
    seen = np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=0).astype("float32")
    classes = np.repeat([0, 1], 20)
    inputs = keras.Input((2,))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    sure = []
    for num_wrong in (0, 4):
        outputs = layers.Dense(2)(inputs)
        fit = LinearFit(inputs, outputs, loss, tf.data.Dataset.from_tensors((seen, classes)))
        fit.minimize(10.0, lambda _: True)
        unsure = tf.nn.softmax(fit.model(seen)).numpy().max(axis=1).mean()
        others = np.where(np.arange(40) % 10 < num_wrong / 4, 1 - classes, classes)
        fit.sharpen(tf.data.Dataset.from_tensors((seen, others)))
        found = tf.nn.softmax(fit.model(seen)).numpy()
        assert (found.argmax(axis=1) == classes).all()
        sure.append(found.max(axis=1).mean())
        assert sure[-1] > unsure
    assert 0.95 < sure[0] < 0.999
    assert abs(sure[1] - 0.9) < 0.02


def test_only_one_layer_with_a_kernel_is_a_linear_model() -> None:
    inputs = keras.Input((WIDTH,))
    one = layers.Dense(3)(layers.BatchNormalization(center=False, scale=False)(inputs))
    assert linear_layer(keras.Model(inputs, one)).units == 3
    assert linear_layer(keras.Model(inputs, layers.Dense(2)(one))) is None
    assert linear_layer(keras.Model(inputs, layers.Dense(3)(layers.LayerNormalization()(inputs)))) is None
    normalized = layers.Activation("relu")(layers.BatchNormalization()(one))
    assert linear_layer(keras.Model(inputs, layers.Dense(2)(normalized))) is None
    assert linear_layer(keras.Model(inputs, layers.SpectralNormalization(layers.Dense(3))(inputs))) is None


@pytest.fixture
def frozen(tmp_path: Path) -> fine_tuning.FineTuned:
    """A linear head on a frozen backbone that gives the four numbers that it gets."""
    keras.utils.set_random_seed(0)
    inputs = {"seen": keras.Input((4,), name="seen")}
    backbone = keras.Sequential([keras.Input((4,)), layers.Dense(4, kernel_initializer="identity")], name="backbone")
    pooled = layers.Activation("linear", name=fine_tuning.POOLED)(backbone(inputs["seen"]))
    model = fine_tuning.FineTuned(inputs, layers.Dense(2)(pooled))
    model.configure(Config(), "seen", tmp_path, {}, Tuned(), lambda _: keras.optimizers.Adam())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, weighted_metrics=["accuracy"])
    return model


def separable(num_examples: int, seed: int) -> tf.data.Dataset:
    """Batches of four numbers, by two of which the classes are told apart."""
    features = np.random.default_rng(seed).normal(size=(num_examples, 4)).astype("float32")
    targets = (features[:, :1] + features[:, 1:2] > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices(({"seen": features}, targets)).batch(20)


def test_penalties_end_once_all_training_examples_are_right(frozen: fine_tuning.FineTuned) -> None:
    batches = separable(60, seed=0)
    seen = frozen.fit(batches, validation_data=batches, epochs=80, callbacks=[]).history["accuracy"]
    assert 1 < len(seen) < fine_tuning.PENALTIES
    assert seen[-1] == 1 > max(seen[:-1])


def test_heads_of_parts_are_those_that_training_on_a_part_would_give(frozen: fine_tuning.FineTuned) -> None:
    train, validation, epochs = separable(60, seed=0), separable(40, seed=1), 12
    first, every = np.arange(60) < 20, np.ones(60, bool)
    found = [head.get_weights() for head, _ in frozen.heads([train, validation], [first, every], epochs)]
    for weights, batches in zip(found, (train.take(1), train), strict=True):
        frozen.fit(batches, validation_data=validation, epochs=epochs, callbacks=[])
        for one, other in zip(weights, frozen.head().get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert not np.allclose(found[0][0], found[1][0], rtol=0.1)
    frozen.is_mixed = True
    assert list(frozen.heads([train, validation], [every], epochs)) == [], "images differ between epochs"
