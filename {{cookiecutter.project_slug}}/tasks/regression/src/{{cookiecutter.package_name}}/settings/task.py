"""What depends on the task, regression: the names of baselines, and settings."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat, model_validator
from pydantic_settings import NoDecode

from .base import Settings, parse_mapping
from .evaluation import check_criteria, named_parts

Baseline = Literal["mean", "linear", "gradient_boosting"]
Criteria = Annotated[
    dict[str, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping), AfterValidator(check_criteria)
]


class TargetSettings(Settings):
    """Settings of the targets that are collected: none."""

    several_targets: ClassVar[bool] = True


class TaskSettings(TargetSettings):
    """Settings of the network's head, its loss and the decoding of predictions."""

    interval_coverage: Annotated[float, Field(ge=0.5, le=0.99)] = 0.9
    """Nominal coverage of the prediction intervals."""

    @model_validator(mode="after")
    def check_named_targets(self) -> Self:
        """Refuses a metric of one of several targets, such as price:rmse, where there is no such target."""
        targets: tuple[str, ...] = getattr(self, "targets", ())
        known = targets if len(targets) > 1 else ()
        for name, target in named_parts(self).items():
            if target not in known:
                shown = ", ".join(known) or "none, since there is one target"
                raise ValueError(f"{name} is a metric of the target {target!r}; targets that can be named are: {shown}")
        return self
