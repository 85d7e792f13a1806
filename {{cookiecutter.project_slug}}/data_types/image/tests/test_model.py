"""The network: augmented in training only, or grown on a backbone whose weights are kept at first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from project import features, model
from project.core.errors import InputError
from project.media import pretrained
from project.media.pretrained import HEAD_RATE, FineTuned
from project.stages import collect, train

from declared import Config

ALL: Any = ("flip", "shift", "rotate", "zoom", "color", "erase", "randaugment")


def pixels(channels: int = 3, num_images: int = 6) -> np.ndarray:
    one = np.random.default_rng(0).integers(0, 256, (16, 16, channels))
    return np.repeat(one[None], num_images, axis=0).astype("float32")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_each_augmentation_changes_training_images_only(name: Any, channels: int) -> None:
    if name == "randaugment" and channels == 1:
        with pytest.raises(InputError, match="grey"):
            features.augment(keras.Input((16, 16, 1)), Config(augmentation=(name,)), 1.0)
        return
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, channels))
    layer = keras.Model(inputs, features.augment(inputs, Config(augmentation=(name,)), 1.0))
    images = pixels(channels)
    np.testing.assert_array_equal(layer(images, training=False), images)
    changed = np.concatenate([keras.ops.convert_to_numpy(layer(images, training=True)) for _ in range(4)])
    assert changed.shape == (24, 16, 16, channels)
    assert np.abs(changed - np.tile(images, (4, 1, 1, 1))).max() > 0


def test_a_strength_of_nothing_leaves_no_layer() -> None:
    inputs = keras.Input((16, 16, 3))
    assert features.augment(inputs, Config(augmentation=ALL), 0.0) is inputs


@pytest.mark.parametrize("side", [16, 28, 64, 96])
def test_large_images_are_halved_before_they_cost_time(side: int) -> None:
    inputs = keras.Input((side, side, 1))
    maps = model.residual_network(inputs, 8, 1)
    assert maps.shape[-1] == 64
    assert 2 <= maps.shape[1] <= 6


def small_backbone(weights: str | None, include_top: bool, input_shape: tuple[int, int, int]) -> keras.Model:
    """A network like those of Keras Applications, but of one convolution: training it takes a second."""
    assert not include_top
    inputs = keras.Input(input_shape)
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, strides=4)(inputs))
    network = keras.Model(inputs, hidden)
    if weights:
        network.load_weights(weights)
    return network


def save_weights(application: Callable[..., keras.Model], folder: Path) -> str:
    """Weights of a backbone, made here, as a file."""
    keras.utils.set_random_seed(7)
    path = str(folder / "backbone.weights.h5")
    application(weights=None, include_top=False, input_shape=(32, 32, 3)).save_weights(path)
    return path


@pytest.fixture
def tuned(make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings of a fine-tuning, whose examples are collected."""
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", small_backbone)
    config = make_config(
        backbone="MobileNetV3Small",
        backbone_weights=save_weights(small_backbone, tmp_path),
        image_size=32,
        epochs=1,
        augmentation=("flip",),
    )
    collect.main(config)
    return config


def test_a_network_of_keras_applications_comes_with_its_weights(tmp_path: Path) -> None:
    application = keras.applications.MobileNetV3Small
    path = save_weights(application, tmp_path)
    config = Config(backbone="MobileNetV3Small", backbone_weights=path, image_size=32)
    backbone = pretrained.load(config, 32)
    original = application(weights=path, include_top=False, input_shape=(32, 32, 3))
    for loaded, kept in zip(backbone.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, kept)
    grey = keras.Input((32, 32, 1))
    maps = keras.Model(grey, pretrained.feature_maps(backbone, grey))(np.full((2, 32, 32, 1), 100.0, "float32"))
    expected = original(np.full((2, 32, 32, 3), 100.0, "float32"), training=False)
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-5)


def backbone_of(network: keras.Model) -> list[np.ndarray]:
    weights: list[np.ndarray] = network.get_layer("backbone").get_weights()
    return weights


def test_a_backbone_stands_still_at_first_and_is_then_tuned(tuned: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    original = small_backbone(tuned.backbone_weights, include_top=False, input_shape=(32, 32, 3))
    seen: list[Any] = []
    recompile = FineTuned.recompile

    def watch(self: Any, optimizer: keras.optimizers.Optimizer) -> None:
        recompile(self, optimizer)
        seen.append((float(self.optimizer.learning_rate), len(self.trainable_variables), backbone_of(self)))

    monkeypatch.setattr(FineTuned, "recompile", watch)
    train.main(tuned)
    (first_rate, head_only, before), (second_rate, everything, after_head) = seen
    assert first_rate == pytest.approx(HEAD_RATE)
    assert second_rate == pytest.approx(tuned.learning_rate)
    assert head_only == 2 < everything
    for loaded, kept, same in zip(original.get_weights(), before, after_head, strict=True):
        np.testing.assert_array_equal(loaded, kept)
        np.testing.assert_array_equal(kept, same)
    trained = keras.models.load_model(tuned.paths.model).get_layer("network")
    assert any(not np.array_equal(one, other) for one, other in zip(before, backbone_of(trained), strict=True))


def test_without_its_weights_the_remedy_is_named(tuned: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("URL fetch failure: no network")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", offline)
    with pytest.raises(InputError, match=r"no network.* set backbone_weights"):
        train.main(tuned.model_copy(update={"backbone_weights": "imagenet"}))
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"cannot be loaded"):
        train.main(tuned.model_copy(update={"backbone_weights": "nowhere.weights.h5"}))
    with pytest.raises(InputError, match=r"16 pixels on a side .* takes 32"):
        train.main(tuned.model_copy(update={"image_size": 16}))
