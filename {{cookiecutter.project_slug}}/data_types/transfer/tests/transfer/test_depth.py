"""Fine-tuning changes the layers that are to change, each at its own rate."""

from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest
from keras import layers

from project.transfer.depth import Tuned, set_trainable, tuned
from project.transfer.fine_tuning import POOLED, FineTuned
from project.transfer.search_space import FINE_TUNED, FROZEN

from declared import Config


def test_the_last_layers_are_tuned_but_no_statistics() -> None:
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="b"), layers.Dense(2, name="c")])
    parts = [layers.Dense(2, name="a"), inner, layers.BatchNormalization()]
    network = keras.Sequential([keras.Input((2,)), *parts])
    for share, expected in ((0, set()), (0.5, {"c"}), (0.75, {"b", "c"}), (1, {"a", "b", "c"})):
        set_trainable(network, share)
        assert {variable.path.split("/")[-2] for variable in network.trainable_variables} == expected


def test_embeddings_stay_with_those_that_the_examples_lack() -> None:
    network = keras.Sequential([keras.Input((3,), dtype="int32"), layers.Embedding(5, 2), layers.Dense(2)])
    set_trainable(network, 1)
    assert [variable.path.split("/")[-1] for variable in network.trainable_variables] == ["kernel", "bias"]


def steps_of_layers(first_rate: float, optimizer: keras.optimizers.Optimizer, folder: Path) -> list[float]:
    """How far one step moves three layers of a backbone, and the head."""
    keras.utils.set_random_seed(0)
    seen = {"seen": keras.Input((4,), name="seen")}
    backbone = keras.Sequential([keras.Input((4,)), *(layers.Dense(4) for _ in range(3))], name="backbone")
    pooled = layers.Activation("linear", name=POOLED)(backbone(seen["seen"]))
    model = FineTuned(seen, layers.Dense(1)(pooled))
    model.configure(Config(), "seen", folder, {}, Tuned(1.0, first_rate), lambda _: optimizer)
    model.compile(optimizer, keras.losses.MeanSquaredError())
    model.recompile(optimizer)
    before = [np.array(variable) for variable in model.trainable_variables[::2]]
    model.train_on_batch({"seen": np.ones((8, 4), "float32")}, np.ones((8, 1), "float32"))
    after = [np.array(variable) for variable in model.trainable_variables[::2]]
    return [float(np.linalg.norm(new - old)) for new, old in zip(after, before, strict=True)]


@pytest.mark.parametrize("kind", [keras.optimizers.SGD, keras.optimizers.AdamW])
def test_the_first_layers_learn_slower_if_they_are_to(kind: type[keras.optimizers.Optimizer], tmp_path: Path) -> None:
    options = {"weight_decay": 0} if kind is keras.optimizers.AdamW else {}
    alike = steps_of_layers(1.0, kind(0.01, **options), tmp_path)
    slower = steps_of_layers(0.01, kind(0.01, **options), tmp_path)
    assert np.divide(slower, alike) == pytest.approx([0.01, 0.1, 1, 1], rel=0.01)


def test_the_search_chooses_how_deep_and_how_fast() -> None:
    hp = keras_tuner.HyperParameters()
    hp.values = {"tuned_share": 0.5, "first_rate": 0.1}
    assert tuned(hp, FINE_TUNED) == (0.5, 0.1)
    assert tuned(hp, FROZEN) == (0, 1)
    assert tuned(keras_tuner.HyperParameters(), FINE_TUNED) == (1, 1)
