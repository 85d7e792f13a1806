"""Settings of monitoring."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Names, Settings, Share


class MonitoringSettings(Settings):
    """Settings of monitoring."""

    window_hours: Annotated[float, Field(ge=0, le=24 * 366)] = 0
    """Hours of the request log that `make monitor` judges; 0: all since the version in service was exported."""

    min_window_examples: Annotated[int, Field(ge=30, le=1_000_000)] = 100
    """Examples that a window needs to be judged: below, only a disaster can be told from chance."""

    drift_tolerance: Share = 0.02
    """A distance from the training examples that is worth no alarm, beyond the distance that chance gives."""

    expected_drift: Names = ()
    """Columns that are meant to change, such as the temperature over a year: measured, but no reason for an alarm."""

    max_refused_share: Share = 0.05
    """Share of requests that may be refused or fail."""

    max_score_loss: Share = 0.05
    """Share of the accepted score by which live quality may lie beyond its interval before it counts as lost."""

    max_age_days: Annotated[int, Field(ge=0, le=3_660)] = 0
    """Age of the version in service in days from which on it should be renewed; 0: any age will do."""

    alarm_windows: Annotated[int, Field(ge=1, le=100)] = 2
    """Bad windows, the latest among them, that raise the alarm: a single one may be chance or a passing event."""

    history_windows: Annotated[int, Field(ge=1, le=100)] = 3
    """Latest windows among which the bad ones are counted."""

    @model_validator(mode="after")
    def check_windows(self) -> Self:
        """Refuses an alarm that would never be raised."""
        if self.alarm_windows > self.history_windows:
            message = f"alarm_windows is {self.alarm_windows}, history_windows {self.history_windows}; the alarm would"
            raise ValueError(f"{message} never be raised: ask for at most as many bad windows as are looked at")
        return self
