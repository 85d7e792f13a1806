"""Scores with bootstrap confidence intervals, of all examples and by slice, and comparisons of two models by them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from .. import metrics
from ..config import Config
from ..core.errors import InputError
from ..data import loading, reading, resampling, tables
from ..data.resampling import MAX_EXAMPLES, Context, Floats, Metric
from ..reporting import report
from ..reporting.report import visible
from ..training import run_history
from ..training.run_history import Run

MIN_EXAMPLES = 20  # of a slice; the score of a smaller one is too uncertain
MAX_VALUES = 8  # categories of a column that become slices
NUM_BINS = 4  # equal-sized ranges of a number
MAX_COLUMNS = 12  # that are sliced by, unless the setting `slices` names them
RESAMPLES = 200  # for the intervals of a slice
FOLDS = 5  # of the validation split, so that each is shown as it is calibrated on the others
NOT_SCORED = "not scored"
SHORT = 8  # characters of a hash
RISK = 0.05  # probability of promoting a challenger that is worse by more than the margin


def intervals(
    targets: npt.NDArray[Any],
    predictions: Mapping[str, npt.NDArray[Any]],
    context: Context,
    resamples: int,
    chosen: Mapping[str, Metric] = metrics.METRICS,
    weights: Floats | None = None,
) -> dict[str, dict[str, float]]:
    """The value of each metric, by sample `weights` if there are any, with its 95 % confidence interval."""
    values = metrics.score(targets, predictions, context, chosen, weights)
    drawn = metrics.samples(targets, predictions, context, resamples, chosen, weights)
    return resampling.intervals(chosen, values, drawn, targets, predictions, context, weights)


def score_both(
    context: Context,
    targets: npt.NDArray[Any],
    predictions: Mapping[str, npt.NDArray[Any]],
    weights: Floats | None,
) -> dict[str, dict[str, dict[str, float]]]:
    """The `metrics` with their intervals and, where examples are weighted, the `unweighted` ones beside them."""
    resamples = context.config.resamples
    scores = intervals(targets, predictions, context, resamples, weights=weights)
    if weights is None:
        return {"metrics": scores}
    return {"metrics": scores, "unweighted": intervals(targets, predictions, context, resamples)}


def interval_note(num_examples: int) -> str:
    """How the intervals were computed, in a sentence for a page."""
    part = f", computed on a random sample of {MAX_EXAMPLES:,} examples" if num_examples > MAX_EXAMPLES else ""
    return f"Brackets are 95 % bootstrap confidence intervals{part}."


class Paired(NamedTuple):
    """Two models on the same examples: by metric, the scores, the resamples of both, and the gains of the second."""

    scores: list[dict[str, float]]
    drawn: list[dict[str, Floats]]
    gains: dict[str, float]
    """Above 0 where the second is better."""
    samples: dict[str, Floats]


def pair(
    context: Context,
    targets: np.ndarray,
    both: Sequence[Mapping[str, np.ndarray]],
    chosen: Mapping[str, Metric],
    weights: Floats | None,
) -> Paired:
    """Scores the predictions of two models, by a paired bootstrap (Efron and Tibshirani 1993).

    Both are scored on the same resamples, so that the difficulty of single examples cancels out.
    """
    resamples = context.config.resamples
    scores = [metrics.score(targets, predictions, context, chosen, weights) for predictions in both]
    drawn = [metrics.samples(targets, predictions, context, resamples, chosen, weights) for predictions in both]
    signs = {name: 1 if chosen[name].greater_is_better else -1 for name in scores[0] if name in scores[1]}
    gains = {name: sign * (scores[1][name] - scores[0][name]) for name, sign in signs.items()}
    return Paired(scores, drawn, gains, {name: signs[name] * (drawn[1][name] - drawn[0][name]) for name in gains})


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
    config, found = context.config, pair(context, targets, (champion, challenger), metrics.METRICS, weights)
    if config.metric not in found.gains:
        raise InputError(f"{config.metric} is not defined for both models; choose another one by the setting metric")
    before, after = (resampling.summarize(*each) for each in zip(found.scores, found.drawn, strict=True))
    return Comparison(
        champion=before,
        challenger=after,
        gains=resampling.summarize(found.gains, found.samples),
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


def score_slices(
    context: Context, examples: pd.DataFrame, targets: np.ndarray, predictions: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """The primary metric of each slice with its interval, the worst first."""
    config = context.config
    primary: dict[str, Metric] = {config.metric: metrics.METRICS[config.metric]}
    weights = tables.sample_weights(config, examples)
    entries: list[dict[str, Any]] = []
    for column, name, inside in slices(config, examples):
        selected = {output: values[inside] for output, values in predictions.items()}
        own = None if weights is None else weights[inside]
        scores = intervals(targets[inside], selected, context, RESAMPLES, primary, own)
        if config.metric in scores:
            entries.append({"column": column, "slice": name, "examples": int(inside.sum()), **scores[config.metric]})
    worst_first = not metrics.METRICS[config.metric].greater_is_better
    defined = [entry for entry in entries if np.isfinite(entry["value"])]
    return sorted(defined, key=lambda entry: entry["value"], reverse=worst_first)


def slices(config: Config, examples: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Each slice as its column, its name and which examples it holds, (num_examples,) bool."""
    for column in columns(config, examples):
        for name, inside in slices_of(examples[column], MAX_VALUES):
            if MIN_EXAMPLES <= inside.sum() < len(examples):
                yield column, name, inside


def slices_of(values: pd.Series, most: int | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """The slices by a column, the largest first: a name, and which examples it holds, (num_examples,) bool."""
    if types.is_numeric_dtype(values) and values.nunique() > MAX_VALUES:
        values = pd.qcut(values.astype("float64"), NUM_BINS, duplicates="drop")
    elif types.is_datetime64_any_dtype(values):
        values = values.dt.year
    for value in values.value_counts().index[:most]:
        yield str(value), (values == value).to_numpy(bool, na_value=False)
    yield "missing", values.isna().to_numpy()


def columns(config: Config, examples: pd.DataFrame) -> list[str]:
    """The columns to slice by: those of the setting, or the first whose values repeat or can be binned."""
    check_columns("slices", config.slices, examples)
    if config.slices:
        return list(config.slices)
    names = reading.feature_names(config, list(examples.columns))
    return [name for name in names if can_slice(examples[name])][:MAX_COLUMNS]


def check_columns(setting: str, names: Iterable[str], examples: pd.DataFrame) -> None:
    """Refuses columns of a setting that the examples lack."""
    for name in names:
        if name not in examples.columns:
            known = ", ".join(map(str, examples.columns[:20]))
            raise InputError(f"{setting} names the column {name!r}, which the examples lack; they have: {known}")


def can_slice(values: pd.Series) -> bool:
    """Whether a column's values repeat enough, or can be binned."""
    if isinstance(values.iloc[0], np.ndarray):
        return False
    has_order = types.is_numeric_dtype(values) or types.is_datetime64_any_dtype(values)
    return has_order or values.nunique() <= len(values) / 10


def folds(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """The fold of each example, (num_examples,): neighbours in time and members of a group share one."""
    places = np.arange(len(examples))
    if config.time:
        return places * FOLDS // len(examples)
    groups = pd.factorize(examples[config.group])[0] if config.group else places
    return (groups if len(np.unique(groups)) > 1 else places) % FOLDS


def worst(errors: Floats, identities: np.ndarray, count: int) -> np.ndarray:
    """The places of the largest errors, (count,) or fewer; of examples that share an identity, the first of them."""
    order = np.argsort(-errors, kind="stable")
    _, first = np.unique(identities[order], return_index=True)
    return order[np.sort(first)[:count]]


def score_missing(config: Config) -> None:
    """Scores the kept models that have not been evaluated on the current validation examples."""
    present = tables.validation_hash(config) if config.paths.examples("validation").exists() else ""
    missing = [run for run in run_history.read_all(config) if not run.scores and run.facts["validation"] == present]
    for run in missing:
        score_run(config, run)


def score_run(config: Config, run: Run) -> None:
    """Evaluates a kept model on the validation examples and stores its scores, as `make evaluate` does."""
    from . import inference  # here, since TensorFlow takes seconds to import

    serving_model = inference.read_model(config.paths.kept_run(run.number) / config.paths.model.name, "train")
    examples = loading.read_examples(config, "validation")
    targets, predictions = inference.predict_split(config, serving_model, examples, "validation")
    weights, context = tables.sample_weights(config, examples), inference.context_of(config, serving_model)
    scores = intervals(targets, predictions, context, config.resamples, weights=weights)
    run_history.add_scores(config, run.facts["model"], scores, targets, predictions, weights)


def time(run: Run) -> str:
    """When a run was trained."""
    return str(run.facts["time"][:16].replace("T", " "))


def score(config: Config, run: Run) -> str:
    """The primary metric of a run with its interval."""
    if config.metric not in run.scores:
        return NOT_SCORED
    form = metrics.METRICS[config.metric].format
    return " ".join(report.format_interval(report.Interval.of(run.scores[config.metric]), form))


def origin(run: Run) -> list[str]:
    """The hash of the data and the commit of the code, short."""
    commit = run.facts["commit"]
    return [run.facts["data"][:SHORT], commit[:SHORT] + ("+" if commit.endswith("+") else "")]


def settings(run: Run) -> str:
    """The settings that differ from those in config.py, as they are written on the command line."""
    found = run.facts["settings"]
    usual = Config.model_construct(**Config.by_source(found.get("source"))).public()
    others = {name: value for name, value in found.items() if value != usual.get(name) and name != "artifacts"}
    return " ".join(f"{name}={written(value)}" for name, value in others.items())


def written(value: Any) -> str:
    """A setting's value as the command line takes it."""
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose columns are as wide as what they hold; control characters are made visible."""
    shown = [[" ".join(visible(cell).split()) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[place]) for row in shown) for place in range(len(header))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def shortened(text: str, longest: int) -> str:
    """A text that fits."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
