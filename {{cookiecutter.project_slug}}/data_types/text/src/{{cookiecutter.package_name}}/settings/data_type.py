"""What depends on the data type, a text: settings, and defaults of training."""

from typing import Annotated

from pydantic import Field

from .base import Settings, Share
from .data import DataSettings

ROOMS: tuple[str, ...] = ("text", "transfer")  # for this data type only
NETWORK_FILES = ("features", "layers", "preprocessing", "model")  # modules that define the network
SHARES = ("letters", "upper_case", "digits", "spaces", "punctuation", "non_ascii")  # measures from 0 to 1
TRAINING: tuple[str, ...] = ("backbone",)  # settings of config.py that only training uses

# Training defaults, for settings that are 0
EXAMPLES_SEEN = 100_000  # in all epochs together; more improve the network little
FEWEST_EPOCHS, MOST_EPOCHS = 4, 10
SMALLEST_BATCH, LARGEST_BATCH = 32, 1_024
STEPS = 150  # per epoch, approximately: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # on GPUs that support it: large matrix products do
EXAMPLES_IN_MEMORY = 200_000  # rows


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    max_cell: Annotated[int, Field(ge=100, le=100_000_000)] = 10_000_000
    """Characters in a cell; more are refused: usually an unclosed quote that swallows the rest of the file."""

    max_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Maximum length of a text in characters; longer texts are truncated."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    backbone_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10
    """Minutes that training on a pretrained network may take in all; it is left out if its vectors take longer."""

    max_tokens: Annotated[int, Field(ge=8, le=512)] = 128
    """Maximum length of a text in pieces of words, for a pretrained network; the rest of longer texts is cut off."""

    embed_source: str = ""
    """What `make embed` makes vectors of: a table of texts or a folder of text files; empty: the collected examples."""

    near_duplicate: Share = 0
    """Cosine similarity from which `make embed` takes two examples for near-duplicates; 0: chosen from the data."""


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
