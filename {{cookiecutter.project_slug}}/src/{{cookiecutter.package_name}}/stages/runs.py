"""make runs: lists the training runs that are kept: when, how good, by which settings, data and code."""

from typing import Any

from ..config import Config
from ..core import artifacts, stage
from ..core.errors import InputError
from ..reporting import report, terminal
from ..training import run_history
from ..training.run_history import Run

NOT_SCORED = "not scored"
SHORT = 8  # characters of a hash
MAX_SETTINGS = 80  # characters


def main(config: Config) -> None:
    """Scores the runs that were not evaluated, if their examples are still there, and prints all, the newest first."""
    if not config.paths.kept_runs():
        raise InputError(f"{config.paths.runs} holds no run: run `make train` first")
    score_missing(config)
    header, rows = ["run", "trained (UTC)", f"{config.metric} on validation", "other settings", "data", "code"], []
    runs = run_history.read_all(config)
    for run in runs:
        others = terminal.shortened(settings(run), MAX_SETTINGS)
        rows.append([str(run.number), time(run), score(config, run), others, *origin(run)])
    print("\n".join(terminal.table(header, rows)))
    if any(not run.scores for run in runs):
        print(f"{NOT_SCORED}: the validation examples are no longer those of the run")
    print("other settings are those that differ from config.py as it is now; + means that code was not committed")


def score_missing(config: Config) -> None:
    """Scores the kept models that have not been evaluated on the present validation examples."""
    present = artifacts.validation_hash(config) if config.paths.examples("validation").exists() else ""
    missing = [run for run in run_history.read_all(config) if not run.scores and run.facts["validation"] == present]
    if missing:
        from ..training import run_scores  # here, since TensorFlow takes seconds to import

        for run in missing:
            run_scores.score(config, run)


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


if __name__ == "__main__":
    stage.run(main)
