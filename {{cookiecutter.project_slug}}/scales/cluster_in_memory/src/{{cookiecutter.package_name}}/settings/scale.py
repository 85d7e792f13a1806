"""What depends on the scale of the project: several processes or machines."""

from .distributed import DistributedSettings

ROOMS = ("distributed",)


class ScaleSettings(DistributedSettings):
    """Settings of work by several processes or machines."""
