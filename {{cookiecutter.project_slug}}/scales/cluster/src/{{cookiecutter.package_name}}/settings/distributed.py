"""Settings of work by several processes or machines."""

from typing import Annotated

from pydantic import Field

from .base import Names, Settings


class DistributedSettings(Settings):
    """Settings of work by several processes or machines."""

    workers: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Number of parallel processes of a search or of `make train-workers`, which share the machine's cores."""

    beam_options: Names = ("--runner=FnApiRunner",)
    """Apache Beam's pipeline options, separated by commas, for validation and for predicting many tables; the default
    runs in this process."""
