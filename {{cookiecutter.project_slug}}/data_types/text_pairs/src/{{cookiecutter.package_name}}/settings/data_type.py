"""What depends on the data type, a pair of texts: settings, and defaults of training."""

from typing import Annotated

from pydantic import Field

from .base import Settings
from .data import DataSettings

ROOMS: tuple[str, ...] = ("text", "pairs")  # for this data type only
NETWORK_FILES = ("features", "preprocessing", "model")  # modules that define the network
SHARES: tuple[str, ...] = ("source_non_ascii", "target_non_ascii")  # measures from 0 to 1
TRAINING: tuple[str, ...] = ("vocabulary_size",)  # settings of config.py that only training uses

# Training defaults, for settings that are 0
EXAMPLES_SEEN = 1_000_000_000  # in all epochs together: the settings `patience` and `minutes` end training
FEWEST_EPOCHS, MOST_EPOCHS = 100, 100
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
STEPS = 120  # per epoch, approximately: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # on GPUs that support it: large matrix products do


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    max_pieces: Annotated[int, Field(ge=4, le=2_000)] = 200
    """Maximum length of a text and of a translation in sub-words; longer texts are truncated."""


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
