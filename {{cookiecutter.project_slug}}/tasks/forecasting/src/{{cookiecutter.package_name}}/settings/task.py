"""What depends on the task, forecasting: the names of baselines, and settings."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import check_criteria

Level = Annotated[float, Field(ge=0.001, le=0.999)]
Baseline = Literal["last_value", "seasonal_naive", "drift", "exponential_smoothing", "ridge", "gradient_boosting"]
Criteria = Annotated[
    dict[str, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping), AfterValidator(check_criteria)
]


class TargetSettings(Settings):
    """Settings of the targets that are collected: none."""


class TaskSettings(TargetSettings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    quantiles: tuple[Level, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
    """Quantile levels to forecast; the outermost are the prediction interval, the median is the point forecast."""
