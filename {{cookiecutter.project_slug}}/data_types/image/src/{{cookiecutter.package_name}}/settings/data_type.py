"""What depends on the data type, an image: settings, and defaults of training."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .base import Settings, Share
from .data import DataSettings

ROOMS: tuple[str, ...] = ("media",)  # of this data type only
NETWORK_FILES = ("features", "preprocessing", "model")  # what the network is made of
TRAINING: tuple[str, ...] = (
    "image_size",
    "augmentation",
    "backbone",
)  # settings of config.py that only the network needs

# Defaults of training, where the settings leave them open
EXAMPLES_SEEN = 400_000  # in all epochs together, after which the network learns little more
FEWEST_EPOCHS, MOST_EPOCHS = 10, 30
SMALLEST_BATCH, LARGEST_BATCH = 32, 1_024
STEPS = 150  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # of GPUs that have it: large products do


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    max_bad_share: Share = 0.05
    """Share of unusable files, or rows, that is tolerated; they are left out and listed."""

    max_cell: Annotated[int, Field(ge=100, le=1_000_000_000)] = 100_000_000
    """Characters in a cell of a table, which may hold a file as a data URI; more are refused."""

    max_pixels: Annotated[int, Field(ge=100, le=1_000_000_000)] = 50_000_000
    """Pixels of an image; larger ones are left out, since a small file can unfold to fill the memory."""

    unpacked: Path = Path("data/unpacked")
    """The folder of files that came from archives or addresses, or had to be converted, named by their content."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    backbone_weights: str = "imagenet"
    """Its weights: imagenet, which are fetched once, or a file of them; empty: random ones."""

    mixup: Annotated[float, Field(ge=0, le=1)] = 0
    """MixUp's alpha: training examples are mixed in pairs by shares of a Beta distribution; 0: not at all."""

    cache_bytes: Annotated[int, Field(ge=0, le=2**40)] = 4_000_000_000
    """Decoded examples of a split that are kept in memory; a larger split is decoded anew in each epoch."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """What `make predict` reads: a file, a folder of such, a table of their paths, or a pattern for many of these."""

    output: str = ""
    """The table that `make predict` writes: CSV, TSV, Parquet or JSON lines; for many, the folder of as many tables."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Rows of one request; more are refused, since all others would wait for them."""

    log_whole_files: bool = False
    """Whether the log keeps the files themselves, of which feedback makes examples; false: only their measures."""
