"""What depends on the data type, an image: settings, and defaults of training."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import Settings, Share
from .data import DataSettings

ROOMS: tuple[str, ...] = ("media", "transfer")  # for this data type only
NETWORK_FILES = ("features", "preprocessing", "model")  # modules that define the network
SHARES: tuple[str, ...] = ("brightness",)  # measures from 0 to 1
TRAINING: tuple[str, ...] = (
    "image_size",
    "augmentation",
    "backbone",
)  # settings of config.py that only training uses

# Training defaults, for settings that are 0
EXAMPLES_SEEN = 400_000  # in all epochs together; more improve the network little
FEWEST_EPOCHS, MOST_EPOCHS = 10, 30
SMALLEST_BATCH, LARGEST_BATCH = 32, 1_024
STEPS = 150  # per epoch, approximately: more are noisier and slower, fewer learn less
PRETRAINED = ("EfficientNetLite0", "MobileNetV3Small", "MobileNetV3Large", "EfficientNetV2B0", "ConvNeXtTiny")
PRESET = "keras_hub:"  # before the name, the address or the folder of a preset of KerasHub
GAINS_BY_BFLOAT16 = True  # on GPUs that support it: large matrix products do


def check_backbone(written: str) -> str:
    """What `backbone` can be: auto, none, or networks with commas between them."""
    if written in ("auto", "none") or all(name in PRETRAINED or is_network(name) for name in written.split(",")):
        return written
    several = f"one or several, with commas, of {', '.join(PRETRAINED)}, x.keras, {PRESET}x"
    raise ValueError(f"It can be auto or none, or {several}")


def is_network(name: str) -> bool:
    """Whether a name is that of a file of a network, or of a preset."""
    return (name.endswith(".keras") and name != ".keras") or (name.startswith(PRESET) and name != PRESET)


Backbone = Annotated[str, AfterValidator(check_backbone)]


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    max_bad_share: Share = 0.05
    """Largest share of unusable files or rows; they are left out and listed. More are refused."""

    max_cell: Annotated[int, Field(ge=100, le=1_000_000_000)] = 100_000_000
    """Maximum length of a table's cell in characters, which may hold a file as a data URI; more are refused."""

    max_pixels: Annotated[int, Field(ge=100, le=1_000_000_000)] = 50_000_000
    """Maximum size of an image in pixels; larger ones are left out: a small file can expand to fill the memory."""

    white_level: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """What white is in grey images of more than 8 bits, such as 4095 for 12 bits in a file of 16; 0: 65,535 in one of
    16, else the least of 1, 255 and 65,535 that no pixel of an image exceeds."""

    unpacked: Path = Path("data/unpacked")
    """The folder of files from archives or URLs, and of converted files, named by their content hash."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    backbone_minutes: Annotated[float, Field(gt=0, le=100_000)] = 5
    """Minutes that training pretrained networks may take in all, features included; the best epoch in them is kept."""

    backbone_weights: str = "imagenet"
    """Weights of a backbone of Keras Applications: imagenet, which are downloaded once, a file, or an address that ends
    in #sha256= and the hash of the file; empty: random."""

    mixup: Annotated[float, Field(ge=0, le=1)] = 0
    """MixUp's alpha (Zhang et al. 2018): pairs of training examples are mixed by Beta(alpha, alpha); 0: no MixUp."""

    cache_bytes: Annotated[int, Field(ge=0, le=2**40)] = 4_000_000_000
    """Maximum size in bytes of a split's decoded examples in memory; a larger split is decoded in every epoch."""

    embed_source: str = ""
    """What `make embed` makes vectors of: a folder of files or a table of paths; empty: the collected examples."""

    near_duplicate: Share = 0
    """Cosine similarity from which `make embed` takes two examples for near-duplicates; 0: chosen from the data."""


class PredictionSettings(Settings):
    """Settings of `make predict`."""

    input: str = ""
    """What `make predict` reads: a file, a folder of files, a table of paths, or a glob pattern for many of these."""

    output: str = ""
    """The table that `make predict` writes: CSV, TSV, Parquet or JSON lines; for many, the folder of as many tables."""


class RequestSettings(Settings):
    """Settings of requests to the server."""

    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Rows of several requests in one run of the model, which more make no faster; 1: each request has its own."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Rows of one request; more are refused, since all others would wait for them."""

    log_whole_files: bool = False
    """Whether the log keeps the files themselves, of which feedback makes examples; false: only their measures."""
