"""What the project keeps about an exported version, apart from the export, which travels to servers."""

import shutil

import keras
import numpy as np
import pandas as pd

from . import artifacts, inference
from .config import Config

MODEL, RUN, EXAMPLES, PREDICTIONS = "model.keras", "run.json", "examples.parquet", "predictions.parquet"
MAX_EXAMPLES = 20_000  # enough to tell a distribution to a hundredth


def write(config: Config, complete: keras.Model, version: int) -> None:
    """Writes artifacts/versions/<version>.

    model.keras, run.json: from which `make update` can go on.
    examples.parquet: the columns that a client sends, of training examples, with which monitoring compares requests.
    predictions.parquet: the outputs that have one value per example, of validation examples, for the same purpose.
    """
    train = sample(artifacts.read_examples(config, "train"), config.seed)
    validation = sample(artifacts.read_examples(config, "validation"), config.seed)
    outputs = inference.predict(complete, validation)
    predictions = pd.DataFrame({name: as_text(values) for name, values in outputs.items() if values.ndim == 1})
    with artifacts.replacing(config.paths.record(version)) as temporary:
        temporary.mkdir()
        shutil.copy2(config.paths.model, temporary / MODEL)
        shutil.copy2(config.paths.run, temporary / RUN)
        train[list(complete.input)].to_parquet(temporary / EXAMPLES, index=False)
        predictions.to_parquet(temporary / PREDICTIONS, index=False)


def sample(examples: pd.DataFrame, seed: int) -> pd.DataFrame:
    """All examples, or enough of them drawn at random."""
    return examples if len(examples) <= MAX_EXAMPLES else examples.sample(MAX_EXAMPLES, random_state=seed)


def as_text(values: np.ndarray) -> np.ndarray:
    """TensorFlow's bytes as texts; numbers as they are."""
    return np.char.decode(values.astype(bytes), "utf-8") if values.dtype == object else values
