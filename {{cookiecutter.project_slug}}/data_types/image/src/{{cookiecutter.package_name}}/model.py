"""build_model: a residual network on augmented images, or a pretrained one with a new head."""

import math
from typing import TYPE_CHECKING

import keras
from keras import layers

from . import features, task
from .config import Config
from .media import both_sides, media, pretrained
from .media.normalization import FusedBatchNormalization
from .settings.training import COMPARED
from .transfer import depth, fine_tuning
from .transfer.search_space import of_networks, trained

if TYPE_CHECKING:
    import keras_tuner

FEATURE_MAPS = "feature_maps"  # the layer at which reports look
MOMENTUM = 0.9  # of the moving averages: small data have few steps
INNER_SIDE = 32  # pixels that the first stage sees; larger images are halved until they have about as many
LARGEST = 96  # pixels on a side, for the network from scratch: the time on a CPU grows with their square


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its input is the output of `preprocessor`: images (batch, height, width, channels), 0 to 255. It ends in
    `task.output_head`, which takes (batch, width), or (batch, members, width) of an ensemble, and is compiled with
    `optimizer`, `task.loss` and `task.metrics`. Layers of your own have to be serializable: registered, with
    `get_config`. Reports show what its layer FEATURE_MAPS sees.
    """
    tensor = preprocessor.output[media.COLUMN]
    inputs = {media.COLUMN: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=media.COLUMN)}
    images = layers.Rescaling(1.0, name="pixels")(inputs[media.COLUMN])  # (batch, height, width, channels), 0 to 255
    choice = pretrained.network_choice(hp, config, tensor.shape[1])
    strength = trained(hp, config, "augmentation", 0.0, 2.0, 1.0, step=0.25)
    images, is_mirrored = features.augment(images, config, strength), strength > 0 and "flip" in config.augmentation
    if choice == fine_tuning.SCRATCH:
        with of_networks(hp, choice):
            hidden = from_scratch(hp, smaller(images, config), is_mirrored)
    else:
        hidden, origin = pretrained.feature_maps(hp, config, images, choice)
    hidden = layers.Activation("linear", name=FEATURE_MAPS)(hidden)  # (batch, rows, columns, features)
    pooled = layers.GlobalAveragePooling2D(name=fine_tuning.POOLED)(hidden)
    dropped = layers.Dropout(trained(hp, config, "dropout", 0.0, 0.5, 0.2, step=0.1))(pooled)
    outputs = task.output_head(dropped, target)
    if choice == fine_tuning.SCRATCH:
        model = keras.Model(inputs, outputs, name="network")
    else:
        model = fine_tuning.FineTuned(inputs, outputs)
        tuned = depth.tuned(hp, choice)
        model.configure(
            config, media.COLUMN, config.unpacked, origin, tuned, lambda steps: optimizer(config, hp, steps)
        )
    model.compile(
        optimizer=optimizer(config, hp, num_steps),
        loss=task.loss(target),
        weighted_metrics=task.metrics(target),
        jit_compile=config.jit_compile,
    )
    return model


def optimizer(config: Config, hp: "keras_tuner.HyperParameters", num_steps: int) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    Use any optimizer and schedule of Keras. A schedule follows the optimizer's own step count, which is part of a
    checkpoint, so that training that was interrupted continues with the same rates.
    """
    rate = trained(hp, config, "learning_rate", 5e-4, 1e-2, config.learning_rate, sampling="log")
    rate *= fine_tuning.RATES[hp.values.get(COMPARED, fine_tuning.SCRATCH)]
    return keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, num_steps),
        weight_decay=trained(hp, config, "weight_decay", 1e-3, 2e-1, 0.05, sampling="log"),
    )


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return []


def augmented(config: Config, preprocessor: keras.Model) -> keras.Model:
    """From the preprocessor's output to what the network sees of it in training, for a look at it."""
    tensor = preprocessor.output[media.COLUMN]
    inputs = {media.COLUMN: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=media.COLUMN)}
    return keras.Model(inputs, features.augment(layers.Rescaling(1.0)(inputs[media.COLUMN]), config, 1.0))


def smaller(images: keras.KerasTensor, config: Config) -> keras.KerasTensor:
    """Images of at most LARGEST pixels on a side, unless `image_size` asks for more."""
    return images if config.image_size or images.shape[1] <= LARGEST else layers.Resizing(LARGEST, LARGEST)(images)


def from_scratch(hp: "keras_tuner.HyperParameters", images: keras.KerasTensor, is_mirrored: bool) -> keras.KerasTensor:
    """Images (batch, height, width, channels), 0 to 255, to feature maps (batch, rows, columns, features).

    If training mirrors images, both sides of each are seen in service.
    """
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(images)
    if is_mirrored:
        scaled = both_sides.AppendMirrored()(scaled)
    width, blocks = hp.Int("width", 8, 48, step=8, default=16), hp.Int("blocks", 1, 3, default=1)
    hidden = residual_network(scaled, width, blocks)
    return both_sides.MeanOfSides()(hidden) if is_mirrored else hidden


def residual_network(hidden: keras.KerasTensor, width: int, blocks: int) -> keras.KerasTensor:
    """(batch, height, width, channels) to feature maps (batch, rows, columns, 8 * width).

    After the ResNet-9 that won the DAWNBench competition for training speed (Page 2018), which is wide and shallow.
    """
    for _ in range(max(0, round(math.log2(hidden.shape[1] / INNER_SIDE)))):
        hidden = convolution(hidden, width, strides=2)
    hidden = convolution(hidden, width)
    for stage in range(1, 4):
        hidden = layers.MaxPooling2D(padding="same")(convolution(hidden, width * 2**stage))
        if stage != 2:
            for _ in range(blocks):
                hidden = residual_block(hidden)
    return hidden


def residual_block(hidden: keras.KerasTensor) -> keras.KerasTensor:
    """Two convolutions beside a shortcut (He et al. 2016)."""
    width = hidden.shape[-1]
    return layers.Add()([hidden, convolution(convolution(hidden, width), width)])


def convolution(hidden: keras.KerasTensor, width: int, strides: int = 1) -> keras.KerasTensor:
    """A convolution, batch normalization and ReLU."""
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    return layers.ReLU()(
        FusedBatchNormalization(momentum=MOMENTUM)(layers.Conv2D(width, 3, strides, **options)(hidden))
    )
