"""What depends on the task, classification: the names of baselines, and settings."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, FiniteFloat
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import Metric

Baseline = Literal["majority", "linear", "gradient_boosting"]
Criteria = Annotated[dict[Metric, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping)]


class TaskSettings(Settings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    class_weight: Literal["none", "balanced"] = "none"
    """balanced weights classes inversely to their frequency: better recall of rare classes, worse calibration."""

    positive: str = ""
    """Of two classes, the one that matters: curves, ROC AUC, PR AUC and recall are of it; empty: the rarer one."""
