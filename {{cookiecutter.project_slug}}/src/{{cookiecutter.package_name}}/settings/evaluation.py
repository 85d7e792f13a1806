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
