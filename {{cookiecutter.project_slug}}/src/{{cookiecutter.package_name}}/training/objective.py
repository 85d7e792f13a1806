"""What early stopping and the search optimise: a score of the validation split after every epoch."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import keras
import tensorflow as tf

from .. import metrics, task
from ..config import Config
from ..core.errors import InputError, RefusedError
from ..data import loading, tables
from ..data.resampling import Context
from . import serving_model
from .serving_model import Prepared


class Objective(NamedTuple):
    """A score of the validation split."""

    name: str
    """Its name in the logs of training."""
    label: str
    greater_is_better: bool

    @property
    def mode(self) -> Literal["max", "min"]:
        """The better direction, as Keras calls it."""
        return "max" if self.greater_is_better else "min"

    def cost(self, logs: Mapping[str, Any]) -> float:
        """What to minimise: the score or its negative; infinite if the score or the loss is not a finite number."""
        score = float(logs[self.name])
        if not (math.isfinite(score) and math.isfinite(logs.get("val_loss", score))):
            return math.inf
        return -score if self.greater_is_better else score


def chosen(config: Config) -> Objective:
    """The metric of the setting `objective`, or the score that the task minimises."""
    name = config.objective or task.MONITOR.removeprefix("val_")
    if name not in metrics.METRICS:
        return Objective(f"val_{name}", name.replace("_", " "), greater_is_better=False)
    metric = metrics.METRICS[name]
    return Objective(f"val_{name}", metric.label, greater_is_better=metric.greater_is_better)


class Score(keras.callbacks.Callback):
    """Adds the objective to the logs of each epoch, if Keras does not compute it.

    It is the score that `make evaluate` reports: of calibrated predictions for the raw validation examples.
    """

    def __init__(self, config: Config, prepared: Prepared, scored: keras.Model, validation: tf.data.Dataset) -> None:
        """Takes the network to score, and the encoded validation split, which calibration needs."""
        super().__init__()
        self.config, self.objective, self.prepared = config, chosen(config), prepared
        self.scored, self.validation = scored, validation
        self.complete: keras.Model | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the score before other callbacks read it."""
        del epoch
        if logs is not None and self.objective.name not in logs:
            logs[self.objective.name] = self.compute()

    def compute(self) -> float:
        """The score of the model with its present weights.

        Raises:
            InputError: neither Keras nor `metrics.py` computes it for these predictions.
        """
        name = self.objective.name.removeprefix("val_")
        if name not in metrics.METRICS:
            message = f"training logs no {self.objective.name}, by which epochs are compared: let `metrics` of task.py"
            raise InputError(f"{message} return {name}, or set objective to one of {', '.join(metrics.METRICS)}")
        if self.complete is None:
            self.complete = serving_model.assemble(self.config, self.prepared, self.scored)
            self.examples = loading.read_examples(self.config, "validation")
            self.truths = task.actual(self.prepared.target, self.examples[self.config.target_columns])
        try:
            task.calibrate(self.config, self.complete.get_layer("decode"), self.scored, self.validation)
        except RefusedError:
            return math.nan  # the worst of all scores; a later epoch may do
        predictions = serving_model.predict(self.complete, self.examples)
        weights = tables.sample_weights(self.config, self.examples)
        context = Context(self.config, task.output_parts(self.prepared.target))
        scores = metrics.score(self.truths, predictions, context, {name: metrics.METRICS[name]}, weights)
        if name not in scores:
            raise InputError(f"objective is {name}, which is not defined for these predictions; choose another metric")
        return scores[name]
