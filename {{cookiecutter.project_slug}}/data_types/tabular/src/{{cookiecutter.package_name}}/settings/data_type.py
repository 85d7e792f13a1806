"""What depends on the data type, a row of a table: settings, and defaults of training."""

from typing import Annotated

from pydantic import Field

from .base import Names, Settings
from .data import DataSettings

ROOMS: tuple[str, ...] = ("transfer",)  # for this data type only
NETWORK_FILES = ("features", "layers", "preprocessing", "model")  # modules that define the network
SHARES: tuple[str, ...] = ()  # no measures from 0 to 1
TRAINING: tuple[str, ...] = ()  # settings of config.py that only training uses

# Training defaults, for settings that are 0
EXAMPLES_SEEN = 800_000  # in all epochs together; more improve the network little
FEWEST_EPOCHS, MOST_EPOCHS = 5, 30
SMALLEST_BATCH, LARGEST_BATCH = 32, 1_024
STEPS = 150  # per epoch, approximately: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = False  # on GPUs that support it: small networks are bound by kernel launches
EXAMPLES_IN_MEMORY = 1_000_000  # rows


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    keep_identifiers: Names = ()
    """Columns of whole numbers to learn from although they look like identifiers, such as a year that counts up."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    backbone: Annotated[str, Field(min_length=1)] = "none"
    """A pretrained network for columns of free text: all-MiniLM-L6-v2 or a folder; auto: what is available, if better
    than their words; none: their words only."""

    backbone_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10
    """Minutes that training on a pretrained network may take in all; it is left out if its vectors take longer."""

    max_tokens: Annotated[int, Field(ge=8, le=512)] = 128
    """Maximum length of a text in pieces of words, for a pretrained network; the rest of longer texts is cut off."""

    min_category_count: Annotated[int, Field(ge=1, le=10_000)] = 3
    """Categories in fewer training examples are treated as unseen, so that the model learns to handle unseen ones."""

    max_categories: Annotated[int, Field(ge=2, le=1_000_000)] = 1_000
    """Number of most frequent categories of a column that are kept; the others are treated as unseen."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """The file of examples that `make predict` reads (CSV, TSV, Parquet or JSON lines), or a pattern for many, such as
    new/*.csv."""

    output: str = ""
    """The file that `make predict` writes, in any of these formats; for many, the folder of as many files."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Rows of one request; more are refused, since all others would wait for them."""
