"""make runs: a table of the training runs: when, how good, with which settings, hyperparameters, data and code."""

from ..config import Config
from ..core.errors import InputError
from ..evaluation import scoring
from ..training import run_history
from ..training.run_history import Run

MAX_SETTINGS = 80  # characters


def main(config: Config) -> None:
    """Scores the runs that were not evaluated, if their examples are still there, and prints all, the newest first."""
    if not config.paths.kept_runs():
        raise InputError(f"{config.paths.runs} holds no run: run `make train` first")
    scoring.score_missing(config)
    columns = ["run", "trained (UTC)", f"{config.metric} on validation"]
    header, rows = [*columns, "other settings", "tuned hyperparameters", "data", "code"], []
    runs = run_history.read_all(config)
    for run in runs:
        chosen = [scoring.shortened(text, MAX_SETTINGS) for text in (scoring.settings(run), tuned(run))]
        rows.append([str(run.number), scoring.time(run), scoring.score(config, run), *chosen, *scoring.origin(run)])
    print("\n".join(scoring.table(header, rows)))
    if any(not run.scores for run in runs):
        print(f"{scoring.NOT_SCORED}: the validation examples are no longer those of the run")
    print("other settings are those that differ from config.py as it is now; + means that code was not committed")


def tuned(run: Run) -> str:
    """The hyperparameters that were not left at their defaults, because `make tune` has found better ones."""
    values = run.facts.get("tuned", {})  # which earlier versions did not note
    return " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()
    )
