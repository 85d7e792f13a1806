"""What depends on the task, translation: the names of baselines, and settings."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import check_criteria

Baseline = Literal["copy", "translation_memory"]
Criteria = Annotated[
    dict[str, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping), AfterValidator(check_criteria)
]


class TargetSettings(Settings):
    """Settings of the targets that are collected: none."""


class TaskSettings(TargetSettings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    beam_width: Annotated[int, Field(ge=1, le=100)] = 4
    """Beam width of decoding; 1: greedy, which is faster and worse."""

    length_penalty: Annotated[float, Field(ge=0, le=5)] = 1.0
    """Exponent of the length normalization, which keeps beam search from preferring short translations."""
