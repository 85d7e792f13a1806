"""Compares an updated model, the challenger, with the one in service, the champion, on the same test examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from .. import metrics, task
from ..config import Config
from ..core.errors import InputError
from ..data import loading, tables
from ..data.resampling import Context
from ..reporting import report
from ..reporting.report import Row
from . import inference, scoring
from .scoring import summarize

RISK = 0.05  # probability of promoting a challenger that is worse by more than the margin


@dataclass(frozen=True)
class Comparison:
    """The scores of both models on the same test examples, and the gains of the challenger."""

    champion: dict[str, dict[str, float]]  # metric -> value, low, high
    challenger: dict[str, dict[str, float]]
    gains: dict[str, dict[str, float]]  # metric -> value, low, high; above 0 the challenger is better
    lower_bound: float  # of the gain in the primary metric, with 95 % confidence
    margin: float  # tolerated loss in the primary metric

    @property
    def is_not_inferior(self) -> bool:
        """Whether the challenger is not worse than the champion by more than the margin."""
        return self.lower_bound >= -self.margin


def evaluate(config: Config, old: keras.Model) -> tuple[Comparison, list[Row]]:
    """Compares the model of `config` with an old one on the test split; also returns both scores of each slice."""
    new = inference.load_model(config)
    examples = loading.read_examples(config, "test")
    known, wanted = inference.target_of(old), inference.target_of(new)
    champion = task.aligned(inference.predict(old, examples), known, wanted)
    challenger = inference.predict(new, examples)
    targets, context = task.actual(wanted, examples[config.target_columns]), inference.context_of(config, new)
    rows: list[Row] = []
    before = {key(entry): entry for entry in scoring.score_slices(context, examples, targets, champion)}
    for entry in scoring.score_slices(context, examples, targets, challenger):
        if key(entry) in before:
            both = [report.Interval.of(each) for each in (before[key(entry)], entry)]
            rows.append([entry["column"], entry["slice"], entry["examples"], *both])
    return compare(context, targets, champion, challenger, tables.sample_weights(config, examples)), rows


def key(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The column and value that define a slice."""
    return entry["column"], entry["slice"]


def compare(
    context: Context,
    targets: np.ndarray,
    champion: Mapping[str, np.ndarray],
    challenger: Mapping[str, np.ndarray],
    weights: np.ndarray | None = None,
) -> Comparison:
    """Compares the predictions of two models for the same examples, by a paired bootstrap.

    `weights` are the sample weights of the examples, (num_examples,), if there are any.

    Raises:
        InputError: the primary metric is not defined for one of them.
    """
    config, found = context.config, scoring.pair(context, targets, (champion, challenger), metrics.METRICS, weights)
    if config.metric not in found.gains:
        raise InputError(f"{config.metric} is not defined for both models; choose another one by the setting metric")
    before, after = (summarize(*each) for each in zip(found.scores, found.drawn, strict=True))
    return Comparison(
        champion=before,
        challenger=after,
        gains=summarize(found.gains, found.samples),
        lower_bound=float(np.nanquantile(found.samples[config.metric], RISK)),
        margin=config.promotion_margin * abs(found.scores[0][config.metric]),
    )


def reason(config: Config, comparison: Comparison, accepted: bool) -> str:
    """The reason of the decision, as a sentence."""
    label, form = metrics.METRICS[config.metric].label, metrics.METRICS[config.metric].format
    gain = report.format_interval(report.Interval.of(comparison.gains[config.metric]), form)
    if not accepted:
        return "the challenger does not meet the success criteria on the test split"
    words = f"the challenger's gain in {label} is {' '.join(gain)} on the same test examples"
    tolerated = f"tolerated loss {report.format_number(comparison.margin, form)}"
    if comparison.is_not_inferior:
        return f"{words} ({tolerated})"
    return f"{words}, so it may be worse by {report.format_number(-comparison.lower_bound, form)} ({tolerated})"
