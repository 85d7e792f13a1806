"""Kept runs as they are told: their scores on the validation split, their settings, data and code."""

from collections.abc import Sequence
from typing import Any

from ..config import Config
from ..data import loading, tables
from ..reporting import report
from ..reporting.report import visible
from ..training import run_history
from ..training.run_history import Run

NOT_SCORED = "not scored"
SHORT = 8  # characters of a hash


def score_missing(config: Config) -> None:
    """Scores the kept models that have not been evaluated on the present validation examples."""
    present = tables.validation_hash(config) if config.paths.examples("validation").exists() else ""
    missing = [run for run in run_history.read_all(config) if not run.scores and run.facts["validation"] == present]
    for run in missing:
        score_run(config, run)


def score_run(config: Config, run: Run) -> None:
    """Lets the kept model predict the validation examples, and keeps its scores as `make evaluate` does."""
    import keras  # here, since TensorFlow takes seconds to import

    from .. import task
    from . import inference, intervals

    complete = keras.models.load_model(config.paths.kept_run(run.number) / config.paths.model.name)
    examples = loading.read_examples(config, "validation")
    targets = task.actual(inference.target_of(complete), examples[config.target])
    predictions = inference.predict(complete, examples)
    scores = intervals.intervals(targets, predictions, config.resamples, config.seed)
    run_history.add_scores(config, run.facts["model"], scores, targets, predictions)


def time(run: Run) -> str:
    """When a run was trained."""
    return str(run.facts["time"][:16].replace("T", " "))


def score(config: Config, run: Run) -> str:
    """The primary metric of a run with its interval."""
    if config.metric not in run.scores:
        return NOT_SCORED
    return " ".join(report.format_interval(report.Interval(**run.scores[config.metric])))


def origin(run: Run) -> list[str]:
    """The hash of the data and the commit of the code, short."""
    commit = run.facts["commit"]
    return [run.facts["data"][:SHORT], commit[:SHORT] + ("+" if commit.endswith("+") else "")]


def settings(run: Run) -> str:
    """The settings that differ from those in config.py, as they are written on the command line."""
    usual = Config.model_construct().public()
    others = {name: value for name, value in run.facts["settings"].items() if value != usual.get(name)}
    return " ".join(f"{name}={written(value)}" for name, value in others.items() if name != "artifacts")


def written(value: Any) -> str:
    """A setting's value as the command line takes it."""
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose columns are as wide as what they hold; control characters are made visible."""
    shown = [[" ".join(visible(cell).split()) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[place]) for row in shown) for place in range(len(header))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def shortened(text: str, longest: int) -> str:
    """A text that fits."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
