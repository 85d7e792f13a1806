"""Translation: the loss and the metrics leave padding out, and codes become texts."""

from dataclasses import asdict

import keras
import numpy as np
import pandas as pd
import pytest

from project import task
from project.core.errors import InputError
from project.data import batching

import fixed
from declared import Config

TEXTS = pd.Series(["un chien", "deux chats, un chien", "été 😀"] * 4, name="target")
TARGET = task.describe_target(Config(), TEXTS)
LOGITS = np.random.default_rng(0).normal(size=(2, 3, 6)).astype("float32")  # (batch, length, codes)
CODES = np.array([[3, 5, 2], [4, 2, 0]], "int32")


def log_probabilities() -> np.ndarray:
    return LOGITS - np.log(np.exp(LOGITS).sum(axis=-1, keepdims=True))


def test_the_loss_is_the_mean_over_pieces() -> None:
    right = np.take_along_axis(log_probabilities(), CODES[..., None], axis=-1)[..., 0]
    expected = -right[CODES > 0].mean()
    assert float(task.SmoothedCrossentropy(0.0)(CODES, LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_outputs_of_another_rank_are_refused() -> None:
    with pytest.raises(InputError, match=r"outputs are \(2, 6\), but the loss needs \(batch, length, codes\)"):
        task.loss(TARGET)(CODES, LOGITS[:, 0])


def test_smoothing_asks_for_some_of_every_piece() -> None:
    right = np.take_along_axis(log_probabilities(), CODES[..., None], axis=-1)[..., 0]
    losses = -0.9 * right - 0.1 * log_probabilities().mean(axis=-1)
    assert float(task.SmoothedCrossentropy(0.1)(CODES, LOGITS)) == pytest.approx(losses[CODES > 0].mean(), rel=1e-5)


def test_metrics_leave_padding_out() -> None:
    log_loss, accuracy = task.metrics(TARGET)
    for metric in (log_loss, accuracy):
        metric.update_state(CODES, LOGITS)
    right = np.take_along_axis(log_probabilities(), CODES[..., None], axis=-1)[..., 0]
    assert float(log_loss.result()) == pytest.approx(-right[CODES > 0].mean(), rel=1e-5)
    assert float(accuracy.result()) == pytest.approx((LOGITS.argmax(axis=-1) == CODES)[CODES > 0].mean())


def test_codes_become_the_texts_they_were_made_of() -> None:
    codes = task.encode(TARGET, TEXTS).to_tensor()
    found = {"codes": codes, "confidence": np.ones(len(TEXTS)), "pieces": np.ones(len(TEXTS), "int32")}
    decoded = task.Decode(asdict(TARGET))(found)
    assert [text.decode() for text in decoded["translation"].numpy()] == TEXTS.tolist()
    assert decoded.keys() == {"translation", "confidence", "pieces"}


def test_decoding_comes_back_from_its_settings() -> None:
    layer = task.Decode(asdict(TARGET))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.target == TARGET


def test_a_model_goes_on_with_the_pieces_that_it_knows() -> None:
    other = task.describe_target(Config(), pd.Series(["ganz andere Texte"] * 9))
    assert task.continued(TARGET, other) == TARGET
    assert task.num_codes(TARGET) == 3 + len(TARGET.pieces)


def test_twice_the_weight_is_the_pair_twice() -> None:
    counts, repeated = np.array([3, 1]), np.array([0, 0, 0, 1])
    weights = batching.scaled(counts, (CODES > 0).sum(axis=1))
    weighted = fixed.evaluated(TARGET, LOGITS, CODES, weights)
    assert weighted == pytest.approx(fixed.evaluated(TARGET, LOGITS[repeated], CODES[repeated]), rel=1e-5)
    only = fixed.evaluated(TARGET, LOGITS, CODES, np.array([0.0, 5.0], "float32"))
    assert only["log_loss"] == pytest.approx(fixed.evaluated(TARGET, LOGITS[1:], CODES[1:])["log_loss"], rel=1e-5)
