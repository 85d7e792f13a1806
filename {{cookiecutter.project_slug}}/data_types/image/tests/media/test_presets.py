"""Presets of KerasHub: what they need, which version they are of, and that they see what they were trained on."""

import importlib.util
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from project.core import artifacts
from project.core.errors import InputError
from project.media import presets, pretrained
from project.settings.data_type import PRESET
from project.settings.training import COMPARED
from project.stages import collect, train
from project.training import fit
from project.transfer.search_space import FROZEN

from declared import Config

KNOWN = {"known": {"kaggle_handle": "kaggle://keras/known/keras/known_imagenet/3"}}
SCALE, OFFSET = [0.02, 0.01, 0.03], [-2.0, -1.0, -3.0]  # of pixels, by color


@pytest.fixture
def keras_hub() -> Any:
    """KerasHub, if the group `hub` is installed."""
    return pytest.importorskip("keras_hub")


@pytest.fixture
def folder(tmp_path: Path, keras_hub: Any) -> Path:
    """A preset as KerasHub writes it, of a small network with random weights."""
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )
    backbone.save_to_preset(str(tmp_path / "preset"))
    keras_hub.layers.ResNetImageConverter(scale=SCALE, offset=OFFSET).save_to_preset(str(tmp_path / "preset"))
    return tmp_path / "preset"


def test_without_keras_hub_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"keras_hub:known needs KerasHub: add `hub` to default-groups"):
        pretrained.load(f"{PRESET}known", "")


@pytest.mark.parametrize(
    "written", ["unknown", "kaggle://keras/known/keras/known_imagenet", "hf://somebody/something", "no/folder"]
)
def test_a_preset_without_a_version_is_refused(written: str) -> None:
    with pytest.raises(InputError, match=rf"{PRESET}{written} names no version of a preset; give a name that KerasHub"):
        presets.find(written, KNOWN)


@pytest.mark.usefixtures("keras_hub")
@pytest.mark.parametrize("written", ["known", "kaggle://keras/known/keras/known_imagenet/3"])
def test_a_version_is_downloaded_by_its_address(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"keras/known/keras/known_imagenet/3": str(tmp_path)}
    monkeypatch.setattr("kagglehub.model_download", places.__getitem__)  # Kaggle cannot be reached from everywhere
    assert presets.find(written, KNOWN) == tmp_path


def test_the_network_sees_pixels_scaled_as_the_preset_says(folder: Path, tmp_path: Path, keras_hub: Any) -> None:
    network, origin = pretrained.load(f"{PRESET}{folder}", "")
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    backbone = keras_hub.models.Backbone.from_preset(str(folder))
    np.testing.assert_allclose(network(pixels), backbone(pixels * SCALE + OFFSET), rtol=1e-4, atol=1e-5)
    digest = artifacts.content_hash(folder / presets.WEIGHTS)
    assert origin == {"name": f"{PRESET}{folder}", "licence": "that of the preset", "sha256": digest}
    network.save(tmp_path / "network.keras")
    with zipfile.ZipFile(tmp_path / "network.keras") as file:
        assert b"keras_hub" not in file.read("config.json"), "its layers are those of Keras"


def test_what_is_no_preset_of_images_is_refused(folder: Path, tmp_path: Path, keras_hub: Any) -> None:
    both = keras_hub.models.CLIPBackbone(
        keras_hub.models.CLIPVisionEncoder(8, 4, 1, 1, 4, image_shape=(16, 16, 3)),
        keras_hub.models.CLIPTextEncoder(9, 4, 4, 1, 1, 4, max_sequence_length=8),
        projection_dim=4,
    )
    both.save_to_preset(str(tmp_path / "both"))
    keras_hub.layers.CLIPImageConverter().save_to_preset(str(tmp_path / "both"))
    with pytest.raises(InputError, match=r"both takes .*token_ids.*; give a network that takes images only"):
        presets.load(str(tmp_path / "both"))
    (tmp_path / "both" / "image_converter.json").unlink()
    with pytest.raises(InputError, match=r"both cannot be loaded .*image_converter.*, or give another"):
        presets.load(str(tmp_path / "both"))
    (folder / presets.WEIGHTS).write_bytes(b"half of it")
    with pytest.raises(InputError, match=r"keras_hub:.*preset cannot be loaded .*fetch it where there is a network"):
        presets.load(str(folder))


def test_a_head_learns_on_a_preset(folder: Path, make_config: Callable[..., Config]) -> None:
    config = make_config(backbone=f"{PRESET}{folder}", image_size=32, epochs=1, augmentation=("flip",))
    collect.main(config)
    winner = {"values": {COMPARED: FROZEN}, **fit.found_for(config)}  # as if the search had chosen it
    artifacts.write_json(config.paths.best_hyperparameters, winner)
    train.main(config)
    run: dict[str, Any] = artifacts.read_json(config.paths.run, "train")
    assert run["pretrained"]["name"] == f"{PRESET}{folder}"
    assert keras.models.load_model(config.paths.model).get_layer("network").get_layer("backbone").count_params()
