"""Settings of monitoring."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Names, Settings, Share


class MonitoringSettings(Settings):
    """Settings of monitoring."""

    window_hours: Annotated[float, Field(ge=0, le=24 * 366)] = 0
    """Hours of the request log that `make monitor` evaluates; 0: all since the window that it judged last."""

    min_window_examples: Annotated[int, Field(ge=30, le=1_000_000)] = 100
    """Minimum number of examples in a window: with fewer, only extreme drift can be told from chance."""

    drift_tolerance: Share = 0.02
    """Distance from the training examples that is tolerated, in addition to what sampling noise explains."""

    expected_drift: Names = ()
    """Columns that are expected to change, such as the temperature over a year: measured, but they raise no alarm."""

    max_rejected_share: Share = 0.05
    """Limit of the share of requests that are rejected or fail."""

    max_failed_share: Share = 0.01
    """Limit of the share of requests that fail by a fault of the server, with status 500."""

    max_score_loss: Share = 0.05
    """Tolerated loss of live quality beyond the interval of the accepted score, as a share of that score."""

    max_age_days: Annotated[int, Field(ge=0, le=3_660)] = 0
    """Maximum age of the version in service, in days; 0: no limit."""

    alarm_windows: Annotated[int, Field(ge=1, le=100)] = 2
    """Number of bad windows, including the latest, that raise the alarm: a single one may be a passing event."""

    history_windows: Annotated[int, Field(ge=1, le=100)] = 3
    """Number of latest windows in which bad ones are counted."""

    @model_validator(mode="after")
    def check_windows(self) -> Self:
        """Rejects an alarm that could never be raised."""
        if self.alarm_windows > self.history_windows:
            message = f"alarm_windows is {self.alarm_windows}, history_windows {self.history_windows}: the alarm would"
            raise ValueError(f"{message} never be raised; set alarm_windows to history_windows or less")
        return self
