"""What depends on the task, several labels at once: the names of baselines, and settings."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import check_criteria

Baseline = Literal["prior", "linear", "gradient_boosting"]
Criteria = Annotated[
    dict[str, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping), AfterValidator(check_criteria)
]


class TargetSettings(Settings):
    """Settings of the targets that are collected."""

    label_separator: Annotated[str, Field(min_length=1, max_length=10)] = "|"
    """What stands between the labels of a cell; a cell may also hold a list as JSON."""

    min_label_examples: Annotated[int, Field(ge=2, le=1_000_000)] = 3
    """Training examples below which a label is not learned."""


class TaskSettings(TargetSettings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    threshold: Literal["f1"] | Annotated[float, Field(gt=0, lt=1)] = "f1"
    """The probability from which a label is answered: f1, for each label that with the best F1 on the validation split,
    or one number for all."""
