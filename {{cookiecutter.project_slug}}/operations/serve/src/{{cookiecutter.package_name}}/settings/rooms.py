"""The rooms that declare settings; a room that is removed is removed here, too."""

from .base import Settings
from .data import ValidationSettings
from .data_type import DataTypeSettings, NetworkSettings, PredictionSettings
from .evaluation import EvaluationSettings
from .scale import ScaleSettings
from .serving import ServingSettings
from .task import TaskSettings
from .training import TrainingSettings

# Stages that are never up to date, and their settings
OPERATIONS: dict[str, tuple[type[Settings], ...]] = {
    "predict": (PredictionSettings,),
    "serve": (ServingSettings,),
    "rollback": (ServingSettings,),
}


class RoomSettings(
    ServingSettings,
    PredictionSettings,
    EvaluationSettings,
    TrainingSettings,
    TaskSettings,
    NetworkSettings,
    ValidationSettings,
    ScaleSettings,
    DataTypeSettings,
):
    """The settings of all rooms; config.py adds the problem and what people change most."""
