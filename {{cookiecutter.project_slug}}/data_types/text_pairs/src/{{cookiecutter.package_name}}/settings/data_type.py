"""What depends on the data type, a pair of texts: settings, and defaults of training."""

from typing import Annotated

from pydantic import Field

from .base import Settings
from .data import DataSettings

ROOMS: tuple[str, ...] = ("text", "pairs")  # of this data type only
NETWORK_FILES = ("features", "preprocessing", "model")  # what the network is made of
TRAINING: tuple[str, ...] = ("vocabulary_size",)  # settings of config.py that only the network needs

# Defaults of training, where the settings leave them open
EXAMPLES_SEEN = 100_000  # in all epochs together
FEWEST_EPOCHS, MOST_EPOCHS = 5, 60
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
STEPS = 60  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # of GPUs that have it: large products do


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    max_pieces: Annotated[int, Field(ge=4, le=2_000)] = 200
    """Sub-words of a text that are read, from its beginning, and that a translation has at most."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """What `make predict` reads: a table with a column of texts (CSV, TSV, Parquet, JSON lines), lines of text, or a
    pattern for many of these, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes, in any of these formats; for many, the folder of as many tables."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 500
    """Rows of one request; more are refused, since all others would wait for them."""

    log_texts: bool = True
    """Whether the log keeps the texts themselves, of which feedback makes examples; false: only their measures."""
