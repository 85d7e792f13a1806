"""What stands around the network: a preprocessor and a target learned before it, and the model that is served."""

import contextlib
import importlib
import re
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

from .. import preprocessing, task
from ..config import Config
from ..core.errors import InputError
from ..data import loading, tables
from ..settings.base import PACKAGE


class Prepared(NamedTuple):
    """What a network is built and trained with."""

    preprocessor: keras.Model
    target: task.Target
    weights: list[np.ndarray] | None
    """Of the model that training starts from, if the setting `start` names one."""


def prepare(config: Config) -> Prepared:
    """Sets the seed, and learns the preprocessor and the target from the training split.

    Raises:
        InputError: the model that the setting `start` names is not there, or knows other classes.
    """
    keras.utils.set_random_seed(config.seed)
    examples = loading.read_examples(config, "train")
    target = task.describe_target(config, tables.all_targets(config, "train", examples))
    if not config.start:
        return Prepared(preprocessing.build_preprocessor(config, examples), target, None)
    if not Path(config.start).is_file():
        raise InputError(f"start is {config.start!r}, which is no file; give a .keras file that make train wrote")
    start = load(Path(config.start))
    continued = task.continued(start.get_layer("decode").target, target)
    if continued is None:
        raise InputError(f"start is {config.start!r}, which knows other classes; leave it empty to train from scratch")
    return Prepared(start.get_layer("preprocessor"), continued, start.get_layer("network").get_weights())


def load(path: Path) -> keras.Model:
    """The model of a file, whose layers become known to Keras when the modules that the file names are imported."""
    with zipfile.ZipFile(path) as archive:
        described = archive.read("config.json").decode()
    for name in set(re.findall(rf'"module": "({PACKAGE}[.][\w.]+)"', described)):
        with contextlib.suppress(ModuleNotFoundError):  # it was moved; if this matters, Keras says what is not known
            importlib.import_module(name)
    return keras.models.load_model(path)


def assemble(config: Config, prepared: Prepared, network: keras.Model) -> keras.Model:
    """The network between its preprocessor and the decoder of its outputs, which `task.calibrate` has to set."""
    trained = task.for_inference(config, network)  # without the optimizer and the loss
    decoder = task.Decode(asdict(prepared.target), name="decode")
    inputs = prepared.preprocessor.input
    return keras.Model(inputs, decoder(trained(prepared.preprocessor(inputs))), name="serving_model")


def check_layers(model: keras.Model) -> None:
    """Refuses a model that could not be loaded again, before it is trained: makes each layer anew from its config.

    Raises:
        InputError: a layer that cannot be saved, or that Keras does not find or cannot make again.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            check_layers(layer)
            continue
        try:
            config = keras.saving.serialize_keras_object(layer)
            keras.saving.deserialize_keras_object({**config, "build_config": None})  # without weights
        except Exception as error:
            reason = str(error).rpartition("Exception encountered: ")[2].partition(". ")[0]
            message = f"the layer {layer.name!r} could not be loaded again after training: {reason}"
            raise InputError(
                f"{message}\n{type(layer).__name__}, or a function that it was given, needs"
                " @keras.saving.register_keras_serializable(), and the class a get_config with all arguments of"
                " __init__, which passes further **options to its base class"
            ) from error


def predict(serving_model: keras.Model, examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The decoded predictions, by output, and what metrics need beside them, each (num_examples, ...)."""
    size = preprocessing.PREDICTION_BATCH
    batches = [
        serving_model.predict_on_batch(
            preprocessing.raw_arrays(serving_model.input, examples.iloc[start : start + size])
        )
        for start in range(0, len(examples), size)
    ]
    target = serving_model.get_layer("decode").target
    return task.aligned(
        {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}, target, target
    )
