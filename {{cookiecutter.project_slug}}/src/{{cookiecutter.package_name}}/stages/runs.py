"""make runs: lists the training runs that are kept: when, how good, by which settings, data and code."""

from ..config import Config
from ..core.errors import InputError
from ..evaluation import scoring
from ..training import run_history

MAX_SETTINGS = 80  # characters


def main(config: Config) -> None:
    """Scores the runs that were not evaluated, if their examples are still there, and prints all, the newest first."""
    if not config.paths.kept_runs():
        raise InputError(f"{config.paths.runs} holds no run: run `make train` first")
    scoring.score_missing(config)
    header, rows = ["run", "trained (UTC)", f"{config.metric} on validation", "other settings", "data", "code"], []
    runs = run_history.read_all(config)
    for run in runs:
        others = scoring.shortened(scoring.settings(run), MAX_SETTINGS)
        rows.append([str(run.number), scoring.time(run), scoring.score(config, run), others, *scoring.origin(run)])
    print("\n".join(scoring.table(header, rows)))
    if any(not run.scores for run in runs):
        print(f"{scoring.NOT_SCORED}: the validation examples are no longer those of the run")
    print("other settings are those that differ from config.py as it is now; + means that code was not committed")
