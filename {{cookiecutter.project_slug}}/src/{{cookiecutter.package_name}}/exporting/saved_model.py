"""Writes the whole model as a SavedModel that TensorFlow Serving and our own server run."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from ..settings.paths import NAMED, PROJECT, SERIALIZED, WARMUP


def write(complete: keras.Model, folder: Path) -> None:
    """Writes the model with two signatures, both from raw examples to decoded predictions.

    serving_default takes a tensor of shape (batch,) for each raw input by name; serialized_examples takes tf.Example
    protocol buffers, `examples` of shape (batch,), whose features are named as the columns of the source.
    """
    inputs = complete.input
    specifications = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in inputs.values()}
    features = {column: feature(tensor) for column, tensor in inputs.items()}

    @tf.function(autograph=False)  # traced, written and loaded once, for both signatures
    def predict(columns: dict[str, Any]) -> Any:
        return complete(columns, training=False)

    def predict_named(tensors: dict[str, Any]) -> Any:
        return predict({column: tensors[tensor.name] for column, tensor in inputs.items()})

    def predict_serialized(examples: Any) -> Any:
        return predict(tf.io.parse_example(examples, features))

    archive = keras.export.ExportArchive()
    archive.track(complete)
    archive.add_endpoint(NAMED, predict_named, [specifications])
    archive.add_endpoint(SERIALIZED, predict_serialized, [tf.TensorSpec((None,), "string", "examples")])
    archive.write_out(folder, verbose=False)


def feature(tensor: keras.KerasTensor) -> tf.io.FixedLenFeature:
    """How a raw input is read from a tf.Example; one that is left out is missing."""
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
    """A raw value, or an array of such, as a feature of a tf.Example."""
    texts = [value] if isinstance(value, str | bytes) else value  # no array of bytes, which would lose its last zeros
    if isinstance(texts, list) or (isinstance(texts, np.ndarray) and texts.dtype == object):
        data = [each.encode() if isinstance(each, str) else each for each in texts]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=data))
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(value)))


def write_warm_up(complete: keras.Model, arrays: dict[str, np.ndarray], folder: Path) -> None:
    """Writes the request by which servers warm up before they serve the version."""
    request = predict_pb2.PredictRequest(model_spec=model_pb2.ModelSpec(name=PROJECT, signature_name=NAMED))
    for name, array in named(complete, arrays).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
    (folder / WARMUP).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / WARMUP)) as writer:
        writer.write(log.SerializeToString())
