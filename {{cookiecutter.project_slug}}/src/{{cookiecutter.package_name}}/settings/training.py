"""Settings of training and of the runs that are kept."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .base import Numbers, Settings
from .evaluation import check_metric

COMPARED = "network"  # the hyperparameter whose values `make train` compares where no search has chosen one


class TrainingSettings(Settings):
    """Settings of training and of the runs that are kept."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of training; auto: bfloat16 on GPUs that have it, if the model is large enough to gain.
    Weights, validation and the exported model are always float32."""

    xla: Literal["auto", "on", "off"] = "auto"
    """Whether XLA compiles the steps of training; auto: on one GPU only, and not for batches of differing length."""

    objective: Annotated[str, AfterValidator(lambda name: name and check_metric(name))] = ""
    """The metric by which early stopping and the search compare models on the validation split, one of `metrics.py`;
    empty: what the task minimises, which varies smoothly and costs no time (`MONITOR` in task.py)."""

    start: str = ""
    """A trained model (.keras) whose preprocessing and weights training starts from; empty: from scratch."""

    minutes: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    """Maximum duration of a training, or of a trial of a search, in minutes; 0: no limit. Several workers, whose
    clocks differ, have none. `make train ARGS=--force` goes on after it."""

    search_minutes: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    """Maximum duration of a search, in minutes; 0: no limit. Trials that are running then are cut short; the next
    `make tune` goes on for as many minutes."""

    max_runs: Annotated[int, Field(ge=2, le=10_000)] = 20
    """Training runs that are kept, with their models; the oldest are removed."""

    runs: Numbers = ()
    """The two runs that `make compare` compares, by their numbers; empty: the last two."""

    mlflow: str = ""
    """The address of an MLflow server, database or folder to which every run is also sent; empty: none."""

    @property
    def jit_compile(self) -> bool | str:
        """What `compile` of Keras takes: its auto compiles for one GPU, but neither on a CPU nor on several devices."""
        return "auto" if self.xla == "auto" else self.xla == "on"
