"""Settings of updating the model in service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .base import Settings


class UpdatingSettings(Settings):
    """Settings of updating the model in service."""

    use_feedback: bool = True
    """Whether `make update` also learns from logged requests whose label is known."""

    warm_start: bool = False
    """Whether `make update` starts from the weights of the version in service instead of from scratch."""

    watch_minutes: Annotated[float, Field(ge=0, le=100_000)] = 60
    """Minutes between two rounds of `make watch`; 0: one round only, as for a cron job."""

    ask_first: bool = False
    """Whether `make watch` asks before it updates."""

    incoming: Path = Path("data/incoming")
    """Folder for new labelled data: whole files of the same kind as the source."""
