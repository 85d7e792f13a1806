"""What the project keeps about an exported version, apart from the export, which travels to servers."""

import shutil

import keras
import pandas as pd

from ..config import Config
from ..core import artifacts
from ..data import loading, requests
from ..evaluation import inference

MODEL, RUN, EXAMPLES = "model.keras", "run.json", "examples.parquet"
PREDICTIONS = {"train": "training_predictions.parquet", "validation": "validation_predictions.parquet"}
MAX_EXAMPLES = 20_000  # enough to tell a distribution to a hundredth
MAX_PREDICTIONS = 4_000  # of each split, since they take the most time


def write(config: Config, complete: keras.Model, version: int) -> None:
    """Writes artifacts/versions/<version>.

    model.keras, run.json: from which `make update` can go on.
    examples.parquet: the columns that a client sends, of training examples, with which monitoring compares requests.
    training_predictions.parquet, validation_predictions.parquet: the outputs that have one value per example, for the
        same purpose; a model is surer of the examples that it has learned from.
    """
    examples = {split: sample(loading.read_examples(config, split), config.seed) for split in PREDICTIONS}
    with artifacts.replacing(config.paths.record(version)) as temporary:
        temporary.mkdir()
        shutil.copy2(config.paths.model, temporary / MODEL)
        shutil.copy2(config.paths.run, temporary / RUN)
        examples["train"][requests.columns(complete.input)].to_parquet(temporary / EXAMPLES, index=False)
        for split, name in PREDICTIONS.items():
            predicted = sample(examples[split], config.seed, MAX_PREDICTIONS)
            single_outputs(complete, predicted).to_parquet(temporary / name, index=False)


def sample(examples: pd.DataFrame, seed: int, most: int = MAX_EXAMPLES) -> pd.DataFrame:
    """The examples, or enough of them, in random order unless they follow each other in time."""
    drawn = examples.sample(min(len(examples), most), random_state=seed)
    return drawn.sort_index() if requests.FOLLOW_EACH_OTHER else drawn


def single_outputs(complete: keras.Model, examples: pd.DataFrame) -> pd.DataFrame:
    """The outputs that have one value per example."""
    outputs = inference.predict(complete, examples)
    return pd.DataFrame({name: inference.as_text(values) for name, values in outputs.items() if values.ndim == 1})
