"""What depends on the data type, a text: settings, and defaults of training."""

from typing import Annotated

from pydantic import Field

from .base import Settings
from .data import DataSettings

ROOMS: tuple[str, ...] = ("text",)  # of this data type only
NETWORK_FILES = ("features", "layers", "preprocessing", "model")  # what the network is made of
TRAINING: tuple[str, ...] = ()  # settings of config.py that only the network needs

# Defaults of training, where the settings leave them open
EXAMPLES_SEEN = 100_000  # in all epochs together, after which the network learns little more
FEWEST_EPOCHS, MOST_EPOCHS = 4, 10
SMALLEST_BATCH, LARGEST_BATCH = 32, 1_024
STEPS = 150  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # of GPUs that have it: large products do
EXAMPLES_IN_MEMORY = 200_000  # rows


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    max_cell: Annotated[int, Field(ge=100, le=100_000_000)] = 10_000_000
    """Characters in a cell; more are refused: usually an unclosed quote that swallows the rest of the file."""

    max_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Characters of a text that are read, from its beginning; the rest of longer texts is left out."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """What `make predict` reads: a table with the column of texts (CSV, TSV, Parquet, JSON lines), text files, or a
    pattern for many of these, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes, in any of these formats; for many, the folder of as many tables."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    """Rows of one request; more are refused, since all others would wait for them."""

    log_texts: bool = True
    """Whether the log keeps the texts themselves, of which feedback makes examples; false: only their measures."""
