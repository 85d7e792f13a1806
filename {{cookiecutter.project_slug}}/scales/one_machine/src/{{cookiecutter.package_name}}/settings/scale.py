"""What depends on the scale of the project: one machine, whose memory holds all examples."""

from .base import Settings

ROOMS: tuple[str, ...] = ()


class ScaleSettings(Settings):
    """No settings: a single machine needs none."""
