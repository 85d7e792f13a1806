"""What depends on the scale of the project: several processes or machines, and examples that do not fit in memory."""

from .distributed import DistributedSettings
from .large import LargeSettings

ROOMS = ("distributed", "large")


class ScaleSettings(LargeSettings, DistributedSettings):
    """Settings of work by several processes or machines, and of examples that do not fit in memory."""
