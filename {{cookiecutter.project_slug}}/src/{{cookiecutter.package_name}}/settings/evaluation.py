"""Settings of the evaluation."""

from typing import Annotated

from pydantic import Field

from .base import Settings


class EvaluationSettings(Settings):
    """Settings of the evaluation."""

    resamples: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Bootstrap resamples behind each 95 % interval."""

    row: str = "1"
    """The example that `make explain` shows: a number among the validation examples from 1 on, or its `key`."""

    promotion_margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """How much worse, as a share of its score, a model might be than another one to take its place."""
