"""The rooms of this project that declare settings: a room that is taken out is taken out here, too."""

from .base import Settings
from .data_type import DataTypeSettings, NetworkSettings
from .evaluation import EvaluationSettings
from .scale import ScaleSettings
from .task import TaskSettings
from .training import TrainingSettings
from .validation import ValidationSettings

# Stages that run whenever they are asked to, and the settings that they are about
OPERATIONS: dict[str, tuple[type[Settings], ...]] = {}


class RoomSettings(
    EvaluationSettings,
    TrainingSettings,
    TaskSettings,
    NetworkSettings,
    ValidationSettings,
    ScaleSettings,
    DataTypeSettings,
):
    """What the rooms declare; config.py adds the problem and what people change most."""
