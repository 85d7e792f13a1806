"""What depends on the task, classification: the names of baselines, and settings."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat, model_validator
from pydantic_settings import NoDecode

from .base import Names, Settings, parse_mapping
from .evaluation import check_criteria

Baseline = Literal["majority", "linear", "gradient_boosting"]
Criteria = Annotated[
    dict[str, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping), AfterValidator(check_criteria)
]

CONSTRAINT = re.compile(r"(sensitivity|recall|specificity|precision|ppv|npv)\s*>=\s*(\d*\.?\d+)")


GUARANTEE = re.compile(r"(risk)\s*<=\s*(\d*\.?\d+)|(coverage)\s*>=\s*(\d*\.?\d+)")


def check_threshold(value: str) -> str:
    """Refuses what is neither a probability nor a constraint."""
    found = CONSTRAINT.fullmatch(value)
    try:
        is_valid = 0 < float(found[2]) <= 1 if found else 0 < float(value or 0.5) < 1
    except ValueError:
        is_valid = False
    if not is_valid:
        expected = "a number between 0 and 1, or sensitivity, specificity, precision or npv and the least value of it"
        raise ValueError(f"Input should be {expected}, such as 'sensitivity >= 0.95'")
    return value


def check_refer(value: str) -> str:
    """Refuses what is neither a share nor a guarantee."""
    found = GUARANTEE.fullmatch(value)
    try:
        is_valid = 0 < float((found[2] or found[4]) if found else value or 0.5) < 1
    except ValueError:
        is_valid = False
    if not is_valid:
        expected = "a share between 0 and 1, 'risk <= 0.05' or 'coverage >= 0.9', with a number between 0 and 1"
        raise ValueError(f"Input should be {expected}")
    return value


def check_order(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses an order of fewer than two classes, or one that names a class twice."""
    if value and (len(value) < 2 or len(set(value)) < len(value)):
        raise ValueError("Input should be all classes, each once, from the lowest to the highest")
    return value


Cost = Annotated[FiniteFloat, Field(gt=0)]
Costs = Annotated[dict[str, Cost], NoDecode, BeforeValidator(parse_mapping)]
Threshold = Annotated[str, BeforeValidator(str), AfterValidator(check_threshold)]
Refer = Annotated[str, BeforeValidator(str), AfterValidator(check_refer)]
OF_REFERRALS = {"refer_rate", "risk", "coverage"}  # metrics


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

    order: Annotated[Names, AfterValidator(check_order)] = ()
    """All classes from the lowest to the highest, such as low,medium,high: the network learns one score with a
    threshold between neighbours, and the label is the median class; empty: classes have no order."""

    costs: Costs = Field(default={})
    """What mistakes cost, by which labels are chosen: {"missed": 20, "false alarm": 1} of two classes, or the cost of
    missing each class by its name, 1 if it is not named, and of single wrong answers, {"lung": 20, "lung -> skin": 5};
    empty: the label is the most probable class."""

    threshold: Threshold = ""
    """Of two classes, the probability from which the positive one is answered: a number, or a constraint that it meets
    on the validation split, such as "sensitivity >= 0.95"; empty: the label is the most probable class."""

    refer: Refer = ""
    """Which examples are referred to a person instead of answered: the share of the least sure ones, such as 0.1; as
    many as "risk <= 0.05" needs, the error among the answered; or those with several possible classes, when sets of
    them have "coverage >= 0.9"; empty: none."""

    beta: Annotated[float, Field(gt=0, le=100)] = 1.0
    """How many times as much recall counts as precision in the metric `f_beta`."""

    top_k: Annotated[int, Field(ge=1, le=1_000)] = 5
    """How many of the most probable classes count as right in the metric `top_k_accuracy`."""

    @model_validator(mode="after")
    def check_decision(self) -> Self:
        """Refuses combinations of settings that are valid only one by one."""
        if self.costs and self.threshold:
            raise ValueError(
                f"costs are {self.costs} and threshold is {self.threshold!r}; one decides labels: leave one empty"
            )
        if self.order and self.positive:
            raise ValueError("order says which of two classes is the positive one, the last: leave positive empty")
        named = [getattr(self, "metric", ""), getattr(self, "objective", ""), *getattr(self, "criteria", {})]
        if not self.costs and any("expected_cost" in name for name in named):
            raise ValueError(
                'expected_cost is a metric of mistakes with costs; set costs, such as {"missed": 20, "false alarm": 1}'
            )
        referring = sorted({name.rpartition(":")[2] for name in named} & OF_REFERRALS)
        if not self.refer and referring:
            raise ValueError(f'{referring[0]} is a metric of referred examples; set refer, such as "coverage >= 0.9"')
        of_order = [name for name in named if name.endswith(("rank_error", "quadratic_kappa"))]
        if of_order and not self.order:
            raise ValueError(f"{of_order[0]} is a metric of ordered classes; set order, such as low,medium,high")
        return self
