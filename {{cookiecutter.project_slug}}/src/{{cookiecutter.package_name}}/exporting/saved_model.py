"""The SavedModel: writes it for TensorFlow Serving and our own server, and uses it from Python, with tables."""

import math
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from .. import metrics, preprocessing
from ..config import Config
from ..core import artifacts
from ..core.command import load_settings
from ..core.errors import InputError
from ..data import loading, requests, targets
from ..data.provenance import name_rows
from ..data.resampling import Context
from ..evaluation import inference
from ..settings.base import DESCRIPTION, NAMED, PROJECT, RULE, SERIALIZED, WARMUP
from . import registry

KEPT_MODEL, KEPT_RUN, KEPT_EXAMPLES = "model.keras", "run.json", "examples.parquet"
KEPT_PREDICTIONS = {"train": "training_predictions.parquet", "validation": "validation_predictions.parquet"}
MAX_EXAMPLES = 20_000  # estimates a distribution to about 0.01
MAX_PREDICTIONS = 500 if targets.IS_FREE else 2_000  # of each split: free texts are generated, which takes long
NAME = "the table"  # what messages call a table that has no file


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
    """The outputs that have one value per example, which is not the same for all."""
    outputs = inference.predict(complete, examples)
    single = {name: values for name, values in outputs.items() if values.ndim == 1 and name != RULE}
    return pd.DataFrame({name: inference.as_text(values) for name, values in single.items()})


class Exported:
    """An exported version of the model."""

    def __init__(self, config: Config, version: int) -> None:
        """Loads the version."""
        self.config, self.version = config, version
        self.folder = registry.folder_of(config, version)
        self.description = load_folder(str(self.folder))[1]

    def predict(self, table: pd.DataFrame) -> pd.DataFrame:
        """The predictions for the rows of a table, with its index; labels and other texts are str.

        The table has the columns that `make predict` reads: cells as the source has them, paths or the bytes of files,
        or the history of series, of which each row is predicted from the rows before it. Others are not used.

        Raises:
            InputError: a column is missing, or a cell cannot be read.
        """
        columns = prediction_columns(self.description, self.outputs(table))
        return pd.DataFrame(columns, table.index)

    def evaluate(self, table: pd.DataFrame) -> dict[str, float]:
        """Every metric of the predictions for a table that has the target, too, each row counting the same.

        Rows without target are left out, and of series those whose history or horizon is not wholly in the table.

        Raises:
            InputError: as `predict`, or there is no target, or one that the model cannot predict.
        """
        table = targets.prepare(self.config, table)
        for name in self.config.targets:
            if name not in table.columns:
                raise InputError(f"{NAME} lacks the column {name!r}, which is the target; add it")
        check_columns(NAME, self.description, table)
        labels = preprocessing.read_labels(self.config, self.description, table)
        rows = [row for row, label in enumerate(labels) if label is not None]
        outputs = {name: inference.as_text(values)[rows].tolist() for name, values in self.outputs(table).items()}
        predictions = [dict(zip(outputs, values, strict=True)) for values in zip(*outputs.values(), strict=True)]
        pairs = [(each, labels[row]) for each, row in zip(predictions, rows, strict=True)]
        truths, scored, num_unusable = metrics.as_scored(self.description, pairs)
        if num_unusable or not pairs:
            message = (
                f"{num_unusable} of {len(pairs)} rows of {NAME} that have a {self.config.target!r} cannot be scored"
            )
            raise InputError(f"{message}; targets that the model can predict are needed")
        return metrics.score(truths, scored, Context(self.config, self.description["parts"]))

    def outputs(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """The raw outputs for the rows of a table, each (num_rows, ...)."""
        outputs, reasons, _ = predict_rows(self.config, self.folder, NAME, table)
        is_bad = reasons != ""
        if is_bad.any():
            rows = (np.flatnonzero(is_bad) + 1).tolist()
            raise InputError(f"{reasons[is_bad][0]}; {name_rows(rows)} of {NAME} cannot be predicted: fix the cells")
        return outputs


def load(version: int | None = None) -> Exported:
    """A version by its number, or the one in service.

    Raises:
        InputError: there is no such version, or none at all.
    """
    config = load_settings(Config, [])
    newest = registry.in_service(config)
    known = [*config.paths.versions(), *config.paths.withdrawn_versions()]
    if version is not None and version not in known:
        raise InputError(f"there is no version {version}; there are: {', '.join(map(str, sorted(known)))}")
    return Exported(config, newest if version is None else version)


@cache
def load_folder(folder: str) -> tuple[Any, dict[str, Any]]:
    """The model of an exported version and its metadata, loaded once per process."""
    description = artifacts.read_json(Path(folder) / DESCRIPTION, "export")
    with artifacts.reading(Path(folder), "export"):
        return tf.saved_model.load(folder), description


class Predicted(NamedTuple):
    """What the model says of the rows of a table."""

    outputs: dict[str, np.ndarray]
    """By name, each (num_rows, ...)."""

    reasons: np.ndarray
    """Why each row cannot be predicted, (num_rows,) str, empty where it can."""

    unknown: dict[str, Counter[str]]
    """By column, in how many rows it holds each category that the schema does not have."""


def predict_rows(config: Config, folder: Path, name: str, table: pd.DataFrame) -> Predicted:
    """Predicts the rows of a table.

    Raises:
        InputError: the table, which messages call by its name, lacks a column.
    """
    model, description = load_folder(str(folder))
    check_columns(name, description, table)
    arrays, reasons = preprocessing.parse_arrays(config, description["inputs"], table)
    outputs = model.signatures[NAMED](**{name: tf.constant(array) for name, array in arrays.items()})
    numpy_outputs = {name: tensor.numpy() for name, tensor in outputs.items()}
    return Predicted(numpy_outputs, reasons, unknown_categories(description["inputs"], arrays))


def unknown_categories(inputs: dict[str, dict[str, Any]], arrays: dict[str, np.ndarray]) -> dict[str, Counter[str]]:
    """By column, in how many rows of the arrays of inputs each category is that the schema does not have."""
    found = {}
    for name, entry in inputs.items():
        if "values" in entry:
            array = arrays[name]
            table = pd.DataFrame(array.reshape(len(array), math.prod(array.shape[1:])))
            cells = table.melt(ignore_index=False)["value"]
            unknown = cells[~cells.isin([*entry["values"], ""])].reset_index().drop_duplicates()
            found[entry["column"]] = Counter(unknown["value"])
    return {column: counts for column, counts in found.items() if counts}


def check_columns(name: str, description: dict[str, Any], table: pd.DataFrame) -> None:
    """Raises InputError if the table lacks a column that the model needs."""
    entries = [entry for entry in description["inputs"].values() if entry["column"] not in table.columns]
    needed = [column for entry in entries for column in entry.get("columns", [entry["column"]])]
    lacking = [column for column in needed if column not in table.columns]
    if lacking:
        alike = {str(column).strip().casefold(): str(column) for column in table.columns}
        pairs = [(alike[column.casefold()], column) for column in lacking if column.casefold() in alike]
        hint = f"; rename {', '.join(f'{was!r} to {expected!r}' for was, expected in pairs)}" if pairs else ""
        raise InputError(
            f"{name} lacks the columns {', '.join(map(repr, lacking))}, which the model needs; it has: "
            f"{', '.join(map(str, table.columns[:20]))}{hint}"
        )


def prediction_columns(description: dict[str, Any], outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs as columns: strings decoded, and one column per part of an output that has several."""
    columns = {}
    for name in sorted(outputs):
        values = outputs[name]
        if values.ndim == 1:
            columns[name] = inference.as_text(values)
        else:
            parts = description["parts"][name]
            columns |= {f"{name}: {part}": inference.as_text(values[:, place]) for place, part in enumerate(parts)}
    return columns
