"""What a metric is, and its bootstrap resamples: shared by the metrics of every task."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..config import Config
from ..core.errors import InputError
from ..settings.evaluation import named_parts

Floats = npt.NDArray[np.float64]

MAX_EXAMPLES = 20_000  # that are resampled: intervals of more take minutes and change little
AT_ONCE = 100  # examples that are looked at one by one
CONFIDENCE = 0.95
MAX_WEIGHTS = 200_000  # of resamples that are computed at a time: what fits into a cache


class Context(NamedTuple):
    """What a metric may need beside the examples."""

    config: Config
    parts: Mapping[str, Sequence[str]]
    """The names of the entries of outputs that have several: the classes of `probabilities`, in their order."""

    def place(self, part: str) -> int:
        """The place of a class, a label, or one of several targets, among the entries of the outputs.

        Raises:
            InputError: the model has none of this name.
        """
        known = next(iter(self.parts.values()), ())
        if part not in known:
            shown = ", ".join(known) or "none"
            raise InputError(
                f"criteria, metric or objective are of {part!r}, which the model does not predict; it predicts: {shown}"
            )
        return list(known).index(part)


class Metric(NamedTuple):
    """A metric: its label, its better direction, the function that computes it, its range and how it is written.

    `function` takes targets, predictions, weights (num_weightings, num_examples) and a `Context`, and returns a value
    for each weighting, (num_weightings,): NaN where it is undefined; None if it is not defined for such predictions.
    A criterion beyond `range` is refused, since it could not be missed or not be met. `format` is one of Python's, such
    as `.1%`; empty: four significant digits, fewer if the interval is wide.
    """

    label: str
    greater_is_better: bool
    function: Callable[[Any, Any, Floats, Context], Floats | None]
    range: tuple[float, float] = (-math.inf, math.inf)
    format: str = ""


def check_named(config: Config, parts: Sequence[str]) -> None:
    """Refuses settings that name a metric of a class, label or target that is not among these."""
    for part in filter(None, named_parts(config).values()):
        Context(config, {"": parts}).place(part)


class Registry(dict[str, Metric]):
    """Metrics by name, and those that are made when they are asked for.

    These are of one class, label or target, such as `snow:recall`: `of_part` are the metrics that one part has, and
    `select` takes targets, predictions, weights and the place of a part to what they are given: the targets,
    predictions and weights of that part. Or they are at an operating point, which `at_point` makes of a name such as
    `example`, and None of other names.
    """

    def __init__(
        self,
        metrics: Mapping[str, Metric],
        of_part: Mapping[str, Metric],
        select: Callable[..., tuple[Any, Any, Any]],
        at_point: Callable[[str], Metric | None] = lambda _: None,
        example: str = "",
    ) -> None:
        """Takes the metrics of the whole as well."""
        super().__init__(metrics)
        self.of_part, self.select, self.at_point, self.example = of_part, select, at_point, example

    def __missing__(self, name: str) -> Metric:
        """The metric of one part, or at a point."""
        if not (whole := self.found(name)):
            raise KeyError(name)
        if not (part := name.rpartition(":")[0]):
            return whole

        def measure(targets: Any, predictions: Any, weights: Floats, context: Context) -> Floats | None:
            return whole.function(*self.select(targets, predictions, weights, context.place(part)), context)

        return whole._replace(label=f"{whole.label} of {part}", function=measure)

    def __contains__(self, name: object) -> bool:
        """Whether there is a metric of that name, or of what follows the name of a part."""
        return name in self.keys() or self.found(str(name)) is not None

    def found(self, name: str) -> Metric | None:
        """The metric that follows the name of a part, or that is at a point; None of other names."""
        part, _, metric = name.rpartition(":")
        return (self.of_part.get(metric) if part else None) or self.at_point(metric)


def with_named(metrics: Mapping[str, Metric], context: Context) -> dict[str, Metric]:
    """The metrics of a `Registry`, and those that settings name beside them, if the model knows their parts."""
    known = next(iter(context.parts.values()), ())
    named = named_parts(context.config).items()
    return {**metrics, **{name: metrics[name] for name, part in named if not part or part in known}}


def score(
    metrics: Mapping[str, Metric],
    targets: npt.NDArray[Any],
    predictions: Mapping[str, npt.NDArray[Any]],
    context: Context,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Every metric that is defined for these predictions, by name; NaN if any prediction is not finite.

    `weights` are sample weights, (num_examples,).
    """
    weighting, factor = (np.ones(len(targets)) if weights is None else weights)[None], defined(predictions)
    values = {name: metric.function(targets, predictions, weighting, context) for name, metric in metrics.items()}
    return {name: float(value[0]) * factor for name, value in values.items() if value is not None}


def defined(predictions: Mapping[str, npt.NDArray[Any]]) -> float:
    """1, or NaN if any prediction is not finite: some metrics, such as an accuracy, would not show it."""
    return float("nan") if count_not_finite(predictions) else 1.0


def count_not_finite(predictions: Mapping[str, npt.NDArray[Any]]) -> int:
    """How many examples have a prediction with NaN or infinity."""
    parts = [values.reshape(len(values), -1) for values in predictions.values() if values.dtype.kind == "f"]
    return int(np.any([~np.isfinite(part).all(axis=1) for part in parts], axis=0).sum()) if parts else 0


def samples(
    metrics: Mapping[str, Metric],
    targets: npt.NDArray[Any],
    predictions: Mapping[str, npt.NDArray[Any]],
    context: Context,
    resamples: int,
    length: int = 1,
    weights: Floats | None = None,
) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired.

    An example counts as often as it is drawn, times its sample weight if there are `weights`, (num_examples,). Blocks
    of `length` neighbouring examples are drawn. Of more than 20,000 examples, a random part is resampled: an m out of n
    bootstrap (Bickel et al. 1997), which scales the deviations by the square root of the part's share.
    """
    seed = context.config.seed
    if len(targets) > MAX_EXAMPLES:
        part = random_part(len(targets), length, seed)
        part_predictions = {name: values[part] for name, values in predictions.items()}
        part_weights = None if weights is None else weights[part]
        drawn = samples(metrics, targets[part], part_predictions, context, resamples, length, part_weights)
        values = score(metrics, targets, predictions, context, weights)
        centers = score(metrics, targets[part], part_predictions, context, part_weights)
        scale = (len(part) / len(targets)) ** 0.5
        return {name: values[name] + scale * (drawn[name] - centers[name]) for name in values}
    counts = resampled_counts(len(targets), resamples, seed, length)
    at_once = max(1, MAX_WEIGHTS // max(1, len(targets)))
    found: dict[str, list[Floats]] = {name: [] for name in metrics}
    while chunk := list(islice(counts, at_once)):
        weightings = np.stack(chunk) if weights is None else np.stack(chunk) * weights
        for name, metric in metrics.items():
            value = metric.function(targets, predictions, weightings, context)
            if value is not None:
                found[name].append(value)
    factor = defined(predictions)
    return {name: np.concatenate(values) * factor for name, values in found.items() if values}


def random_part(num_examples: int, length: int, seed: int) -> npt.NDArray[np.integer]:
    """The places of at most 20,000 examples: whole blocks of neighbours, in their order."""
    starts = np.random.default_rng(seed).permutation(num_examples // length)[: MAX_EXAMPLES // length]
    return (np.sort(starts)[:, None] * length + np.arange(length)).ravel()


def resampled_counts(num_examples: int, resamples: int, seed: int, length: int = 1) -> Iterator[Floats]:
    """How often each example is drawn, (num_examples,), for one bootstrap resample after the other (Efron 1979).

    Blocks of `length` neighbours are drawn (Kuensch 1989); they may run over the end, to the beginning. A metric of a
    resample is then a weighted metric of the examples: nothing is copied or sorted again.
    """
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        starts = generator.integers(num_examples, size=-(-num_examples // length), dtype=np.int32)
        drawn = starts if length == 1 else (starts[:, None] + np.arange(length)).ravel() % num_examples
        yield np.bincount(drawn, minlength=num_examples).astype(float)


def summarize(values: Mapping[str, float], drawn: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    """Each metric's value with the percentile interval of its resamples, without those where it is undefined."""
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    summary = {}
    for name, value in values.items():
        defined = drawn[name][np.isfinite(drawn[name])]
        low, high = np.quantile(defined, tails) if len(defined) else (value, value)
        summary[name] = {"value": value, "low": min(float(low), value), "high": max(float(high), value)}
    return summary


def intervals(
    metrics: Mapping[str, Metric],
    values: Mapping[str, float],
    drawn: Mapping[str, Floats],
    targets: npt.NDArray[Any],
    predictions: Mapping[str, npt.NDArray[Any]],
    context: Context,
    weights: Floats | None = None,
) -> dict[str, dict[str, float]]:
    """The value of each metric with its 95 % confidence interval, from its resamples.

    Where all examples are right, so are all resamples, however few there are: there the bound is the exact one of a
    share (Clopper and Pearson 1934), which is 0.025^(1/n) if n examples are right.
    """
    found = summarize(values, drawn)
    for name in found:
        lowest, highest = metrics[name].range
        if set(found[name].values()) in ({lowest}, {highest}) and highest - lowest < math.inf:
            count = num_counted(metrics[name], targets, predictions, context, weights)
            width = (highest - lowest) * (1 - ((1 - CONFIDENCE) / 2) ** (1 / count)) if count else 0.0
            found[name] |= {"low": highest - width} if lowest not in found[name].values() else {"high": lowest + width}
    return found


def num_counted(
    metric: Metric,
    targets: npt.NDArray[Any],
    predictions: Mapping[str, npt.NDArray[Any]],
    context: Context,
    weights: Floats | None,
) -> float:
    """How many examples a metric is about, of at most 20,000: those by which alone it is defined.

    A recall is about the examples of its class. Unequal sample weights count as fewer examples (Kish 1965).
    """
    size, is_counted = min(len(targets), MAX_EXAMPLES), []
    part = {output: values[:size] for output, values in predictions.items()}
    for start in range(0, size, AT_ONCE):
        only = np.eye(min(AT_ONCE, size - start), size, start)
        values = metric.function(targets[:size], part, only, context)
        is_counted.append(np.zeros(len(only), bool) if values is None else np.isfinite(values))
    counted = (np.ones(size) if weights is None else weights[:size])[np.concatenate(is_counted)]
    return float(counted.sum() ** 2 / (counted**2).sum()) if counted.any() else 0.0


def mean(values: npt.NDArray[Any], weights: Floats) -> Floats:
    """The mean of the values (num_examples,) for each weighting, (num_weightings,)."""
    return divide(weights @ values, weights.sum(axis=1))


def divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """The quotient; NaN where the denominator is 0."""
    above, below = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
