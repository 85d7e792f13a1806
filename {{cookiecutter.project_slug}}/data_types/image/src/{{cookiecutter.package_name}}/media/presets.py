"""Networks from presets of KerasHub, each of a version that does not change."""

import importlib
import importlib.util
import re
from pathlib import Path

import keras
from keras import layers

from ..core.errors import InputError, told
from ..settings.data_type import PRESET
from ..transfer.weights import fingerprint, giving_up

GROUP = "hub"  # of dependencies
AT_KAGGLE = "kaggle://"
VERSION = re.compile(rf"{AT_KAGGLE}[^/]+/[^/]+/keras/[^/]+/\d+")
WEIGHTS = "model.weights.h5"  # a file of a preset


def load(preset: str) -> tuple[keras.Model, dict[str, str]]:
    """The network of a preset, without its head, and where it comes from.

    It takes pixels (batch, rows, columns, 3) from 0 to 255 to what the preset makes of them, once they are scaled as it
    was trained. If its layers are those of Keras, loading the trained model does not need KerasHub.

    Raises:
        InputError: it cannot be fetched, or it is no network of images.
    """
    name = f"{PRESET}{preset}"
    if not importlib.util.find_spec("keras_hub"):
        raise InputError(f"{name} needs KerasHub: add `{GROUP}` to default-groups in pyproject.toml, `make setup`")
    with giving_up(), told(f"{name} cannot be loaded", "fetch it where there is a network, or give another"):
        keras_hub = importlib.import_module("keras_hub")
        folder = find(preset, keras_hub.models.Backbone.presets)
        backbone = keras_hub.models.Backbone.from_preset(str(folder))
        converter = keras_hub.layers.ImageConverter.from_preset(str(folder))
    if not isinstance(backbone.input, keras.KerasTensor):
        raise InputError(f"{name} takes {', '.join(backbone.input)}; give a network that takes images only")
    pixels = keras.Input(backbone.input_shape[1:])
    scaled = layers.Rescaling(
        1 if converter.scale is None else converter.scale, 0 if converter.offset is None else converter.offset
    )(pixels)
    network = keras.Model(pixels, keras.Model(backbone.input, backbone.output)(scaled))
    return network, {"name": name, "licence": "that of the preset", **fingerprint(str(folder / WEIGHTS))}


def find(preset: str, known: dict[str, dict[str, str]]) -> Path:
    """The folder of a preset: your own, or that of a version at Kaggle, which is downloaded once.

    `known` are the presets that KerasHub knows by name, with their versions.
    """
    address = known[preset]["kaggle_handle"] if preset in known else preset
    if Path(address).is_dir():
        return Path(address)
    if not VERSION.fullmatch(address):
        expected = f"a name that KerasHub knows, {AT_KAGGLE}ORGANISATION/MODEL/keras/VARIANT/VERSION or a folder"
        raise InputError(f"{PRESET}{preset} names no version of a preset; give {expected}")
    kagglehub = importlib.import_module("kagglehub")  # which comes with KerasHub
    return Path(kagglehub.model_download(address.removeprefix(AT_KAGGLE)))
