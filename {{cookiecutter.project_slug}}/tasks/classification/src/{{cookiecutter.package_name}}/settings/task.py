"""What depends on the task, classification: the names of baselines, and settings."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, FiniteFloat
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import Metric

Baseline = Literal["majority", "linear", "gradient_boosting"]
Criteria = Annotated[dict[Metric, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping)]


class TargetSettings(Settings):
    """Settings of the targets that are collected."""

    rare_classes: Literal["refuse", "drop", "merge"] = "refuse"
    """Classes of fewer than `min_class_examples`, or of none for training: refuse the data, drop those examples, or
    merge the classes into one that is called other."""

    min_class_examples: Annotated[int, Field(ge=3, le=1_000_000)] = 3
    """Examples of all splits together below which a class is rare."""


class TaskSettings(TargetSettings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    class_weight: Literal["none", "balanced"] = "none"
    """balanced weights classes inversely to their frequency: better recall of rare classes, worse calibration."""

    positive: str = ""
    """Of two classes, the one that matters: curves, ROC AUC, PR AUC and recall are of it; empty: the rarer one."""
