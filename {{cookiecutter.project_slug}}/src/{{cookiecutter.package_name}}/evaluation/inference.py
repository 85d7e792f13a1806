"""Predictions of the trained model for the stages that evaluate it, and their scores on a split."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import baselines, metrics, preprocessing, task
from ..config import Config
from ..core import artifacts
from ..data import loading, resampling, tables
from ..data.resampling import Context
from ..training.serving_model import load, predict
from . import charts, criteria, learning_curve, scoring

__all__ = [
    "Evaluated",
    "as_text",
    "context_of",
    "evaluate_split",
    "explained_outputs",
    "identity",
    "load_model",
    "predict",
    "predict_split",
    "read_model",
    "target_of",
]


def predict_split(
    config: Config, serving_model: keras.Model, examples: pd.DataFrame, split: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The true values and the predictions for the examples of a split.

    The intervals of the validation split, which calibrated the model, are those that its other parts would give.
    """
    target = target_of(serving_model)
    targets, predictions = task.actual(target, examples[config.target_columns]), predict(serving_model, examples)
    if split == "validation":
        weights = tables.sample_weights(config, examples)
        predictions = task.cross_fitted(config, target, targets, predictions, scoring.folds(config, examples), weights)
    return targets, predictions


class Evaluated(NamedTuple):
    """A split with its true values and predictions."""

    examples: pd.DataFrame
    targets: np.ndarray
    predictions: dict[str, np.ndarray]
    weights: np.ndarray | None
    result: dict[str, Any]
    """What metrics.json and verdict.json say of it: scores with intervals, those of the baselines, and remarks."""


def evaluate_split(
    config: Config, serving_model: keras.Model, split: str, names: Collection[str] = baselines.BASELINES
) -> Evaluated:
    """Scores the model on a split, beside the named baselines, which learn from the training split."""
    target = target_of(serving_model)
    train, examples = loading.read_examples(config, "train"), loading.read_examples(config, split)
    targets, predictions = predict_split(config, serving_model, examples, split)
    learned, weights = (tables.sample_weights(config, each) for each in (train, examples))
    features = preprocessing.simple_features(config, train, examples)
    known = (features[0], task.actual(target, train[config.target_columns]))
    context = context_of(config, serving_model)

    def simply(names: Collection[str], weights: np.ndarray | None) -> dict[str, dict[str, np.ndarray]]:
        """Predictions of the named baselines, of training examples with these weights."""
        found = baselines.baseline(known, features[1], names, weights)
        return {name: task.aligned(outputs, target, target) for name, outputs in found.items()}

    simple = simply(names, learned)
    result = {
        "examples": tables.extent(examples),
        "num_examples": len(examples),
        "not_finite": resampling.count_not_finite(predictions),
        "remarks": charts.remarks(target, targets, predictions),
        **scoring.score_both(context, targets, predictions, weights),
        "intervals": scoring.interval_note(len(targets)),
        **criteria.measure(context, examples, targets, predictions, simple),
        "baseline": {name: metrics.score(targets, each, context, weights=weights) for name, each in simple.items()},
    }
    if split == "validation":
        truth = (targets, weights)
        result["learning_curve"] = learning_curve.of_network(
            context, serving_model, train, examples, truth, predictions
        ) or learning_curve.of_baseline(context, train, learned, simply, simple, truth, result)
    return Evaluated(examples, targets, predictions, weights, result)


def load_model(config: Config) -> keras.Model:
    """The trained model: raw inputs to decoded predictions."""
    return read_model(config.paths.model, "train")


def read_model(path: Path, made_by: str) -> keras.Model:
    """A Keras model of a file, which the make target `made_by` writes."""
    with artifacts.reading(path, made_by):
        return load(path)


def target_of(serving_model: keras.Model) -> task.Target:
    """The target as training saw it, such as its classes or its scale."""
    target: task.Target = serving_model.get_layer("decode").target
    return target


def context_of(config: Config, serving_model: keras.Model) -> Context:
    """What metrics may need beside the examples."""
    return Context(config, task.output_parts(target_of(serving_model)))


def as_text(values: np.ndarray) -> np.ndarray:
    """TensorFlow's bytes as texts; numbers as they are."""
    return np.char.decode(values.astype(bytes), "utf-8") if values.dtype == object else values


def identity(config: Config) -> dict[str, str]:
    """The content hashes of the model and its data, which metrics, test evaluations and exports record."""
    model = artifacts.content_hash(artifacts.require(config.paths.model, "train"))
    return {"model": model, "data": tables.data_hash(config)}


def explained_outputs(
    outputs: Mapping[str, np.ndarray], names: Sequence[str] = ()
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """The outputs that attributions explain, each with its name, for each variant of an example, (num_variants,).

    The first variant is the unchanged example. What is explained are the log-odds of the class that is answered for it,
    or of each label that is, the most probable first, and of the most probable one if none is; or the predicted number,
    of several the first. `names` are those of the classes or labels.
    """
    if "probabilities" not in outputs:
        first = next(values for name, values in outputs.items() if name.startswith("prediction"))
        return [("", (first if first.ndim == 1 else first[:, 0]).astype("float64"))]
    whole = {name: values[0] for name, values in outputs.items()}
    probabilities = whole["probabilities"]
    if "probability" in whole:  # of the class that is answered, which costs may let be another than the most probable
        places = np.flatnonzero(probabilities == whole["probability"])[:1].tolist()
    else:
        places = np.flatnonzero(probabilities >= whole.get("thresholds", probabilities.max())).tolist()
    ranked = sorted(places, key=lambda place: -probabilities[place]) or [int(probabilities.argmax())]
    shares = np.clip(outputs["probabilities"].astype("float64"), 1e-6, 1 - 1e-6)
    log_odds = np.log(shares / (1 - shares))
    return [(names[place] if names else "", log_odds[:, place]) for place in ranked]
