"""Settings of the evaluation."""

from typing import Annotated

from pydantic import Field

from .base import Settings


class EvaluationSettings(Settings):
    """Settings of the evaluation."""

    resamples: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Number of bootstrap resamples for the 95 % intervals."""

    row: str = "1"
    """The validation example that `make explain` shows: its number, from 1 on, or its `key`."""

    promotion_margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Largest loss, as a share of the score, with which a model may still replace another one."""
