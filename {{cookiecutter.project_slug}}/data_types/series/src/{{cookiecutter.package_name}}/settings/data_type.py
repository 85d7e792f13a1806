"""What depends on the data type, a window of a time series: settings, and defaults of training."""

from typing import Annotated

from pydantic import Field

from .base import Settings
from .data import DataSettings

ROOMS: tuple[str, ...] = ("series",)  # of this data type only
NETWORK_FILES = ("features", "encoding", "preprocessing", "model")  # what the network is made of
TRAINING: tuple[str, ...] = ()  # settings of config.py that only the network needs

# Defaults of training, where the settings leave them open
EXAMPLES_SEEN = 300_000  # in all epochs together, after which the network learns little more
FEWEST_EPOCHS, MOST_EPOCHS = 5, 60
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
STEPS = 60  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = False  # of GPUs that have it: forecasts need more digits than it has


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    frequency: str = ""
    """The step between times, such as 15 minutes, 1 day or 1 month; empty: what most rows show."""

    timezone: str = ""
    """The zone of local times, such as Europe/Berlin, which are then kept in UTC, but for days; empty: times are taken
    as they are."""

    gap: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps at the beginning of the validation and test period that are not forecast, to keep away from training."""

    origin_step: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Steps between the origins from which forecasts are scored; 1: from every step."""

    validation_start: str = ""
    """The first time of the validation period; empty: where the share of the source's training rows ends."""

    test_start: str = ""
    """The first time of the test period; move it forward so that the model learns from what came later."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """The table of histories that `make predict` reads, in rows like the source's (CSV, TSV, Parquet, JSON lines), or a
    pattern for many, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes: the same rows, each with the forecast of the steps behind it; for many, the
    folder of as many tables."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    """Rows of one request; more are refused, since all others would wait for them."""
