"""build_model: a residual network on log-mel spectrograms, or a pretrained one with a new head."""

from typing import TYPE_CHECKING

import keras
from keras import layers

from . import features, task
from .config import Config
from .media import media, pretrained
from .media.decoding import FULL_SCALE, DecodeAudio, log_mel
from .media.normalization import FusedBatchNormalization
from .settings.training import COMPARED
from .transfer import depth, fine_tuning
from .transfer.search_space import of_networks, trained

if TYPE_CHECKING:
    import keras_tuner

FEATURE_MAPS = "feature_maps"  # the layer at which reports look
NUM_BANDS = 40  # of a spectrogram
STAGES = 3  # each but the first halves frames and bands and doubles the width
MOMENTUM = 0.9  # of the moving averages: small data have few steps


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its input is the output of `preprocessor`: waveforms (batch, samples) int16. It ends in
    `task.output_head`, which takes (batch, width), or (batch, members, width) of an ensemble, and is compiled with
    `optimizer`, `task.loss` and `task.metrics`. Layers of your own have to be serializable: registered, with
    `get_config`. Reports show what its layer FEATURE_MAPS sees.
    """
    decoder, tensor = preprocessor.get_layer("waveform"), preprocessor.output[media.COLUMN]
    inputs = {media.COLUMN: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=media.COLUMN)}
    choice = fine_tuning.network_choice(hp, config, pretrained.load, config.backbone_weights)
    strength = trained(hp, config, "augmentation", 0.0, 2.0, 1.0, step=0.25)
    waveforms = layers.Rescaling(1 / FULL_SCALE, dtype=keras.config.floatx(), name="scaled")(inputs[media.COLUMN])
    waveforms = features.augment_waveform(waveforms, config, strength)
    if choice == fine_tuning.SCRATCH:
        with of_networks(hp, choice):
            hidden = residual_network(hp, config, waveforms, decoder, strength)
    else:
        hidden, origin = pretrained.feature_maps(config, waveforms, decoder.rate)
    pooled = over_time(layers.Activation("linear", name=FEATURE_MAPS)(hidden))
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
        weight_decay=trained(hp, config, "weight_decay", 1e-3, 1e-1, 0.02, sampling="log"),
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
    waveforms = layers.Rescaling(1 / FULL_SCALE)(inputs[media.COLUMN])
    waveforms = features.augment_waveform(waveforms, config, 1.0)
    frames = log_mel(waveforms, preprocessor.get_layer("waveform"), NUM_BANDS)
    return keras.Model(inputs, features.augment_spectrogram(frames, config, 1.0))


def residual_network(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    waveforms: keras.KerasTensor,
    decoder: DecodeAudio,
    strength: float,
) -> keras.KerasTensor:
    """Waveforms (batch, num_samples) to feature maps (batch, frames, bands, 4 * width).

    Residual blocks (He et al. 2016) on the spectrogram. Time is pooled away at the end, frequency is not: in which band
    a pattern lies matters, when it comes does not.
    """
    frames = log_mel(waveforms, decoder, hp.Int("bands", 24, 80, step=8, default=NUM_BANDS))
    frames = layers.BatchNormalization(momentum=MOMENTUM, name="scaled_bands")(frames)  # (batch, frames, bands)
    hidden = layers.Reshape((*frames.shape[1:], 1))(features.augment_spectrogram(frames, config, strength))
    hidden = layers.ReLU()(convolution(hidden, hp.Int("width", 8, 48, step=8, default=16), 5, strides=2))
    return residual_stages(hidden, hp.Int("blocks", 1, 3, default=1))


def residual_stages(hidden: keras.KerasTensor, blocks: int) -> keras.KerasTensor:
    """(batch, frames, bands, width) to (batch, frames / 4, bands / 4, 4 * width)."""
    width = hidden.shape[-1]
    for stage in range(STAGES):
        for block in range(blocks):
            strides = 2 if stage and not block else 1
            hidden = residual_block(hidden, width * 2**stage, strides)
    return hidden


def residual_block(hidden: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    """Two convolutions beside a shortcut."""
    residual = layers.ReLU()(convolution(hidden, width, 3, strides))
    residual = convolution(residual, width, 3)
    if strides > 1:
        hidden = layers.AveragePooling2D(strides, padding="same")(hidden)
    if hidden.shape[-1] != width:
        hidden = convolution(hidden, width, 1)
    return layers.ReLU()(layers.Add()([hidden, residual]))


def convolution(hidden: keras.KerasTensor, width: int, size: int, strides: int = 1) -> keras.KerasTensor:
    """A convolution and batch normalization."""
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    return FusedBatchNormalization(momentum=MOMENTUM)(layers.Conv2D(width, size, strides, **options)(hidden))


def over_time(hidden: keras.KerasTensor) -> keras.KerasTensor:
    """The mean and the peak over time of each band and channel: (batch, frames, bands, width) to (batch, features)."""
    _, frames, bands, width = hidden.shape
    rows = layers.Reshape((frames, bands * width))(hidden)
    means, peaks = layers.GlobalAveragePooling1D()(rows), layers.GlobalMaxPooling1D()(rows)
    return layers.Concatenate(name=fine_tuning.POOLED)([means, peaks])
