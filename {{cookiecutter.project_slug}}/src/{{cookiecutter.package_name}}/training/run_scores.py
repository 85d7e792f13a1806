"""Scores of a kept run on the validation split, for runs that `make evaluate` has not seen."""

import keras

from .. import task
from ..config import Config
from ..core import artifacts
from ..evaluation import inference, scoring
from . import run_history
from .run_history import Run


def score(config: Config, run: Run) -> None:
    """Lets the kept model predict the validation examples, and keeps its scores as `make evaluate` does."""
    complete = keras.models.load_model(config.paths.kept_run(run.number) / config.paths.model.name)
    examples = artifacts.read_examples(config, "validation")
    targets = task.actual(inference.target_of(complete), examples[config.target])
    predictions = inference.predict(complete, examples)
    scores = scoring.intervals(targets, predictions, config.resamples, config.seed)
    run_history.add_scores(config, run.facts["model"], scores, targets, predictions)
