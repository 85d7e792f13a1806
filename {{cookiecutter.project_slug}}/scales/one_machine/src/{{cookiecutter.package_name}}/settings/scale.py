"""What depends on the scale of the project: one machine, whose memory holds all examples."""

from .base import Settings

ROOMS: tuple[str, ...] = ()


class ScaleSettings(Settings):
    """One machine needs no settings of its own."""
