"""Settings of work by several processes or machines."""

from typing import Annotated

from pydantic import Field

from .base import Names, Settings


class DistributedSettings(Settings):
    """Settings of work by several processes or machines."""

    workers: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Processes of this machine that a search or `make train-workers` runs side by side, on a share of its cores."""

    beam_options: Names = ("--runner=FnApiRunner",)
    """Apache Beam's pipeline options, separated by commas, for validation and for predicting many tables; the default
    runs in-process, others on a cluster."""
