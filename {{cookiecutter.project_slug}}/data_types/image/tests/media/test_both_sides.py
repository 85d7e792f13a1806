"""A network that learns from both sides of images answers the same for either."""

from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from project import model
from project.media import media
from project.stages import collect
from project.training import serving_model

from declared import Config

BUILD, OPTIMIZER = model.build_model, model.optimizer  # the project's own; others here train a network of the tests


@pytest.mark.parametrize(("augmentation", "is_same"), [(("flip", "shift"), True), (("shift",), False)])
def test_an_image_and_its_mirror_image_have_the_same_answer_if_both_are_learned_from(
    make_config: Callable[..., Config], augmentation: Any, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "optimizer", OPTIMIZER)
    config = make_config(backbone="none", augmentation=augmentation, image_size=24)
    collect.main(config)
    prepared = serving_model.prepare(config)
    network = BUILD(keras_tuner.HyperParameters(), config, prepared.preprocessor, prepared.target, 1)
    shape = network.input[media.COLUMN].shape[1:]
    images = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype("uint8")
    answers, mirrored = (network({media.COLUMN: each}, training=False) for each in (images, images[:, :, ::-1]))
    assert np.allclose(answers, mirrored, rtol=1e-4, atol=1e-5) == is_same
    assert network({media.COLUMN: images}, training=True).shape == answers.shape
    maps = keras.Model(network.input, network.get_layer(model.FEATURE_MAPS).output)
    seen, turned = (maps({media.COLUMN: each}, training=False) for each in (images, images[:, :, ::-1]))
    assert np.allclose(seen, turned[:, :, ::-1], rtol=1e-4, atol=1e-5) == is_same
