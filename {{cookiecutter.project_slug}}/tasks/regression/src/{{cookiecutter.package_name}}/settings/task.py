"""What depends on the task, regression: the names of baselines, and settings."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import check_criteria

Baseline = Literal["mean", "linear", "gradient_boosting"]
Criteria = Annotated[
    dict[str, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping), AfterValidator(check_criteria)
]


class TargetSettings(Settings):
    """Settings of the targets that are collected: none."""


class TaskSettings(TargetSettings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    interval_coverage: Annotated[float, Field(ge=0.5, le=0.99)] = 0.9
    """Nominal coverage of the prediction intervals."""
