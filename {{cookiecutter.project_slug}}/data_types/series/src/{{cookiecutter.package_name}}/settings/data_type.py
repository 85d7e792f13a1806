"""What depends on the data type, a window of a time series: settings, and defaults of training."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from .base import Settings, parse_numbers
from .data import DataSettings

ROOMS: tuple[str, ...] = ("series",)  # for this data type only
NETWORK_FILES = ("features", "encoding", "preprocessing", "model")  # modules that define the network
SHARES: tuple[str, ...] = ()  # no measures from 0 to 1
TRAINING: tuple[str, ...] = ()  # settings of config.py that only training uses

Season = Annotated[int, Field(ge=1, le=100_000)]
Seasons = Annotated[tuple[Season, ...], NoDecode, BeforeValidator(parse_numbers)]

# Training defaults, for settings that are 0
EXAMPLES_SEEN = 300_000  # in all epochs together; more improve the network little
FEWEST_EPOCHS, MOST_EPOCHS = 80, 80  # an epoch is short, so that the best one is met and training ends soon after it
SMALLEST_BATCH, LARGEST_BATCH = 4, 64  # a hundred windows have to make as many steps as a thousand
STEPS = 60  # per epoch at most, approximately
GAINS_BY_BFLOAT16 = False  # on GPUs that support it: forecasts need more precision


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    frequency: str = ""
    """The time step, such as 15 minutes, 1 day, 1 business day (Monday to Friday) or 1 month; empty: inferred."""

    timezone: str = ""
    """The time zone of local times, such as Europe/Berlin, which are converted to UTC, except for days; empty: no
    conversion."""

    gap: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps at the start of the validation and the test period that are not forecast, as a gap after training."""

    origin_step: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Steps between the forecast origins that are evaluated; 1: every step."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """The table of histories that `make predict` reads, in rows like the source's (CSV, TSV, Parquet, JSON lines), or a
    glob pattern for many, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes: the same rows, each with the forecast of the steps behind it; for many, the
    folder of as many tables."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    """Rows of one request; more are refused, since all others would wait for them."""
