"""Settings of the evaluation."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .base import Settings

OF_EXPORT = ("milliseconds", "megabytes", "memory_megabytes")  # criteria that are checked when the model is exported


def registry() -> Mapping[str, Any] | None:
    """The metrics by name; None on a machine that only serves, if it lacks what they import."""
    try:
        from ..metrics import METRICS  # here, since a person's metrics may import anything
    except ModuleNotFoundError:
        return None
    return METRICS


def check_metric(name: str) -> str:
    """Refuses a name that is not in `metrics.METRICS`."""
    known = registry()
    if known is not None and name not in known:
        of_part = ", ".join(getattr(known, "of_part", ()))
        also = [f"of one class, label or target, such as NAME:{of_part.split(', ')[0]}, one of {of_part}"] * bool(
            of_part
        )
        also += [f"at an operating point, such as {point}"] if (point := getattr(known, "example", "")) else []
        raise ValueError("; ".join([f"Input should be one of {', '.join(known)}", *also]))
    return name


Metric = Annotated[str, AfterValidator(check_metric)]


def parts(criterion: str) -> tuple[str, str, str]:
    """The kind of a criterion, worst, gap or none, with its column and its metric, which may be of one part.

    A column is all up to the first colon, or up to the last one if what follows the first is no metric.
    """
    kind, _, rest = criterion.partition(":")
    column, _, metric = rest.partition(":")
    if metric not in (registry() or {}):
        column, _, metric = rest.rpartition(":")
    return (kind, column, metric) if kind in ("worst", "gap") and column else ("", "", criterion)


def named_parts(settings: Any) -> dict[str, str]:
    """The metrics that settings name beyond those that are always measured, each with its part, which may be empty.

    They are of one class, label or target, such as `snow:recall`, or at an operating point, such as
    `sensitivity@specificity=0.9`.
    """
    named = [getattr(settings, "metric", ""), getattr(settings, "objective", ""), *getattr(settings, "criteria", ())]
    metrics = [parts(name)[2] for name in named]
    return {metric: metric.rpartition(":")[0] for metric in metrics if ":" in metric or "@" in metric}


def check_criteria(criteria: dict[str, Any]) -> dict[str, Any]:
    """Refuses a criterion of no metric, and a baseline where only a number can be meant."""
    for name, required in criteria.items():
        kind, _, metric = parts(name)
        if name not in OF_EXPORT:
            check_metric(metric)
            check_range(name, kind, metric, required)
        if isinstance(required, str) and (kind or name in OF_EXPORT):
            raise ValueError(f"{name} needs a number, not {required!r}")
    return criteria


def check_range(name: str, kind: str, metric: str, required: Any) -> None:
    """Refuses a number that every value of a metric reaches or none; a gap is at most as wide as the range."""
    known = registry()
    if known is None:
        return
    low, high = known[metric].range
    low, high = (0, high - low) if kind == "gap" else (low, high)
    if not (isinstance(required, str) or low <= required <= high):
        raise ValueError(f"{name} is {required:g}, but lies between {low:g} and {high:g}: choose a number in between")


class EvaluationSettings(Settings):
    """Settings of the evaluation."""

    resamples: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Number of bootstrap resamples for the 95 % intervals."""

    curve_examples: Annotated[int, Field(ge=0)] = 20_000
    """Maximum number of training examples at which the report has a learning curve, which takes seconds; 0: none."""

    criteria_on: Literal["bound", "value"] = "bound"
    """What is compared with the success criteria: the bound of the 95 % interval on the bad side, so that no model
    passes by a lucky split, or the score itself."""

    row: str = "1"
    """The validation example that `make explain` shows: its number, from 1 on, or its `key`."""

    promotion_margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Largest loss, as a share of the score, with which a model may still replace another one."""
