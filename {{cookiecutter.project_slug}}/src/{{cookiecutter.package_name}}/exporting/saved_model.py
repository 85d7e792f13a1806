"""Writes the model as a SavedModel for TensorFlow Serving and our own server."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from ..config import Config
from ..core import artifacts
from ..data import loading, requests
from ..evaluation import inference
from ..settings.base import NAMED, PROJECT, SERIALIZED, WARMUP

KEPT_MODEL, KEPT_RUN, KEPT_EXAMPLES = "model.keras", "run.json", "examples.parquet"
KEPT_PREDICTIONS = {"train": "training_predictions.parquet", "validation": "validation_predictions.parquet"}
MAX_EXAMPLES = 20_000  # estimates a distribution to about 0.01
MAX_PREDICTIONS = 4_000  # of each split, since predicting takes the most time


def write(complete: keras.Model, folder: Path) -> None:
    """Writes the model with two signatures, both from raw examples to decoded predictions.

    serving_default takes a tensor of shape (batch,) for each raw input by name; serialized_examples takes tf.Example
    protocol buffers, `examples` of shape (batch,), whose features are named as the columns of the source.
    """
    inputs = complete.input
    specifications = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in inputs.values()}
    features = {column: feature(tensor) for column, tensor in inputs.items()}

    @tf.function(autograph=False)  # shared by both signatures
    def predict(columns: dict[str, Any]) -> Any:
        return complete(columns, training=False)

    def predict_named(tensors: dict[str, Any]) -> Any:
        return predict({column: tensors[tensor.name] for column, tensor in inputs.items()})

    def predict_serialized(examples: Any) -> Any:
        return predict(tf.io.parse_example(examples, features))

    archive = keras.export.ExportArchive()
    resources = tf.Module()
    resources.model = complete  # for its lookup tables; tracked by itself, its weights would be saved once more
    archive.track(resources)
    archive.add_endpoint(NAMED, predict_named, [specifications])
    archive.add_endpoint(SERIALIZED, predict_serialized, [tf.TensorSpec((None,), "string", "examples")])
    archive.write_out(folder, verbose=False)


def feature(tensor: keras.KerasTensor) -> tf.io.FixedLenFeature:
    """How a raw input is parsed from a tf.Example; it is missing where the example lacks it."""
    shape = tensor.shape[1:]
    return tf.io.FixedLenFeature(shape, tensor.dtype, np.full(shape, "" if tensor.dtype == "string" else np.nan))


def named(complete: keras.Model, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arguments of the named signature for raw arrays by column."""
    return {complete.input[column].name: array for column, array in arrays.items()}


def serialized(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arguments of the serialized signature for raw arrays by column."""
    examples = []
    for row in zip(*arrays.values(), strict=True):
        features = {column: value_list(value) for column, value in zip(arrays, row, strict=True)}
        examples.append(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return {"examples": np.array(examples, object)}


def value_list(value: Any) -> tf.train.Feature:
    """A raw value, or an array of them, as a feature of a tf.Example."""
    texts = (
        [value] if isinstance(value, str | bytes) else value
    )  # not as an array of bytes, which would drop trailing zeros
    if isinstance(texts, list) or (isinstance(texts, np.ndarray) and texts.dtype == object):
        data = [each.encode() if isinstance(each, str) else each for each in texts]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=data))
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(value)))


def write_warm_up(complete: keras.Model, arrays: dict[str, np.ndarray], folder: Path) -> None:
    """Writes the request with which TensorFlow Serving warms up."""
    request = predict_pb2.PredictRequest(model_spec=model_pb2.ModelSpec(name=PROJECT, signature_name=NAMED))
    for name, array in named(complete, arrays).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
    (folder / WARMUP).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / WARMUP)) as writer:
        writer.write(log.SerializeToString())


def keep(config: Config, complete: keras.Model, version: int) -> None:
    """Writes artifacts/versions/<version>.

    model.keras, run.json: the start of `make update`.
    examples.parquet: training examples, the columns that clients send: the reference of feature drift.
    training_predictions.parquet, validation_predictions.parquet: the outputs that have one value per example: the
        references of prediction drift; both, since a model is more confident on its training examples.
    """
    examples = {split: sample(loading.read_examples(config, split), config.seed) for split in KEPT_PREDICTIONS}
    with artifacts.replacing(config.paths.record(version), KEPT_RUN) as temporary:
        temporary.mkdir()
        shutil.copy2(config.paths.model, temporary / KEPT_MODEL)
        shutil.copy2(config.paths.run, temporary / KEPT_RUN)
        examples["train"][requests.columns(complete.input)].to_parquet(temporary / KEPT_EXAMPLES, index=False)
        for split, name in KEPT_PREDICTIONS.items():
            predicted = sample(examples[split], config.seed, MAX_PREDICTIONS)
            single_outputs(complete, predicted).to_parquet(temporary / name, index=False)


def sample(examples: pd.DataFrame, seed: int, most: int = MAX_EXAMPLES) -> pd.DataFrame:
    """At most `most` examples, in random order unless they follow each other in time."""
    drawn = examples.sample(min(len(examples), most), random_state=seed)
    return drawn.sort_index() if requests.FOLLOW_EACH_OTHER else drawn


def single_outputs(complete: keras.Model, examples: pd.DataFrame) -> pd.DataFrame:
    """The outputs that have one value per example."""
    outputs = inference.predict(complete, examples)
    return pd.DataFrame({name: inference.as_text(values) for name, values in outputs.items() if values.ndim == 1})
