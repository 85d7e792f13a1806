"""Settings of updating the model in service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .base import Settings


class UpdatingSettings(Settings):
    """Settings of updating the model in service."""

    use_feedback: bool = True
    """Whether logged requests whose true outcome became known are examples for `make update` too."""

    warm_start: bool = False
    """Whether `make update` goes on from the weights of the version in service instead of from scratch."""

    watch_minutes: Annotated[float, Field(ge=0, le=100_000)] = 60
    """Between two rounds of `make watch`; 0: one round only, as for a cron job."""

    ask_first: bool = False
    """Whether `make watch` asks before it updates."""

    incoming: Path = Path("data/incoming")
    """The folder into which new labelled data are dropped: whole files of the source's kind."""
