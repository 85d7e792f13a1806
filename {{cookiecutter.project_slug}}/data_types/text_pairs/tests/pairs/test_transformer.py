"""The network looks neither at padding nor ahead, shares vectors, and its learning rate rises before it falls."""

import keras
import keras_tuner
import numpy as np
import pytest

from project.model import MOST_WARM_UP_STEPS, InverseSquareRoot, optimizer
from project.pairs.transformer import Transformer, waves

from declared import Config

SOURCE = np.array([[3, 4, 5, 2]], "int32")
TARGET = np.array([[1, 6, 7, 8]], "int32")


@pytest.fixture(scope="module")
def transformer() -> Transformer:
    keras.utils.set_random_seed(0)
    layer = Transformer((9, 10), width=16, heads=4, blocks=2, dropout=0.5)
    layer({"source": SOURCE, "target": TARGET})
    return layer


def logits(transformer: Transformer, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.asarray(transformer({"source": source, "target": target}))


def test_logits_are_of_every_piece_at_every_place(transformer: Transformer) -> None:
    assert logits(transformer, SOURCE, TARGET).shape == (1, 4, 10)


def test_padding_of_the_source_is_never_looked_at(transformer: Transformer) -> None:
    padded = np.pad(SOURCE, [[0, 0], [0, 9]])
    np.testing.assert_allclose(
        logits(transformer, padded, TARGET), logits(transformer, SOURCE, TARGET), rtol=1e-5, atol=1e-5
    )


def test_no_place_sees_what_comes_after_it(transformer: Transformer) -> None:
    changed = TARGET.copy()
    changed[0, 2:] = 9
    before, after = logits(transformer, SOURCE, TARGET), logits(transformer, SOURCE, changed)
    np.testing.assert_allclose(before[:, :2], after[:, :2], rtol=1e-5, atol=1e-5)
    assert np.abs(before[:, 2:] - after[:, 2:]).max() > 0.01


def test_order_matters(transformer: Transformer) -> None:
    assert np.abs(logits(transformer, SOURCE, TARGET) - logits(transformer, SOURCE[:, ::-1], TARGET)).max() > 0.01


def test_both_sides_share_the_vectors_of_the_pieces_that_they_share() -> None:
    keras.utils.set_random_seed(0)
    layer = Transformer((12, 9), width=16, heads=4, blocks=1, dropout=0.0, is_shared=True)
    assert layer({"source": SOURCE, "target": TARGET}).shape == (1, 4, 9)  # none for pieces of the source only
    assert [weight.shape for weight in layer.weights if "embeddings" in weight.path] == [(12, 16)]
    np.testing.assert_array_equal(layer.embed(0, TARGET, 0), layer.embed(1, TARGET, 0))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.settings == layer.settings


def test_the_rate_rises_and_falls() -> None:
    rate = InverseSquareRoot(0.01, 4)
    found = [float(rate(step)) for step in (0, 1, 3, 15)]
    assert found == pytest.approx([0.0025, 0.005, 0.01, 0.005])


@pytest.mark.parametrize(
    ("num_steps", "warm_up"), [(300, 150), (10_000, 200), (100_000, 1_000), (1_000_000, MOST_WARM_UP_STEPS)]
)
def test_the_rate_rises_longer_in_longer_trainings(num_steps: int, warm_up: int) -> None:
    found = optimizer(Config(), keras_tuner.HyperParameters(), num_steps, 128)
    assert found.get_config()["learning_rate"]["config"]["warm_up"] == warm_up


def test_places_are_told_apart_wherever_counting_starts() -> None:
    whole = np.asarray(waves(0, 50, 16))
    assert len(np.unique(whole.round(4), axis=0)) == 50
    np.testing.assert_allclose(waves(20, 1, 16), whole[20:21], rtol=1e-6)
