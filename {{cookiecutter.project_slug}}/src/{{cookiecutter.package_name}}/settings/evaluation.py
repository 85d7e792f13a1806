"""Settings of the evaluation."""

from typing import Annotated

from pydantic import AfterValidator, Field

from .base import Settings


def check_metric(name: str) -> str:
    """Refuses a name that is not in `metrics.METRICS`; a machine that only serves may lack what metrics import."""
    try:
        from ..metrics import METRICS  # here, since a person's metrics may import anything
    except ModuleNotFoundError:
        return name
    if name not in METRICS:
        raise ValueError(f"Input should be one of {', '.join(METRICS)}")
    return name


Metric = Annotated[str, AfterValidator(check_metric)]


class EvaluationSettings(Settings):
    """Settings of the evaluation."""

    resamples: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Number of bootstrap resamples for the 95 % intervals."""

    row: str = "1"
    """The validation example that `make explain` shows: its number, from 1 on, or its `key`."""

    promotion_margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Largest loss, as a share of the score, with which a model may still replace another one."""
