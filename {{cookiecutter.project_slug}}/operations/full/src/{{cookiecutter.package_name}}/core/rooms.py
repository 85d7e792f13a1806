"""The rooms of this project that declare settings: a room that is taken out is taken out here, too."""

from ..evaluation.settings import EvaluationSettings
from ..monitoring.settings import MonitoringSettings
from ..serving.settings import ServingSettings
from ..training.settings import TrainingSettings
from ..updating.settings import UpdatingSettings
from ..validation.settings import ValidationSettings
from .data_type import DataTypeSettings, NetworkSettings, PredictionSettings
from .scale import ScaleSettings
from .settings import Settings
from .task_settings import TaskSettings

# Stages that run whenever they are asked to, and the settings that they are about
OPERATIONS: dict[str, tuple[type[Settings], ...]] = {
    "predict": (PredictionSettings,),
    "serve": (ServingSettings,),
    "rollback": (ServingSettings,),
    "monitor": (MonitoringSettings,),
    "update": (UpdatingSettings,),
    "watch": (UpdatingSettings, MonitoringSettings),
}


class RoomSettings(
    UpdatingSettings,
    MonitoringSettings,
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
    """What the rooms declare; config.py adds the problem and what people change most."""
