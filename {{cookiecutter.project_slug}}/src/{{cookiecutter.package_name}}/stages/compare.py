"""make compare: two training runs side by side, and whether the difference between their scores is more than chance."""

from typing import Any

import numpy as np

from .. import metrics
from ..config import Config
from ..core.errors import InputError, RefusedError
from ..data.resampling import Context
from ..evaluation import scoring
from ..evaluation.scoring import Comparison
from ..reporting import report
from ..training import run_history
from ..training.run_history import Run

ABSENT = "-"
MAX_VALUE = 40  # characters of a setting


def main(config: Config) -> None:
    """Prints what differs between two runs, and their scores on the same validation examples."""
    scoring.score_missing(config)
    one, other = chosen(config)
    check_comparable(one, other)
    (targets, before, weights), (others, after, _) = (
        run_history.read_predictions(config, run.number) for run in (one, other)
    )
    if not np.array_equal(targets, others):
        raise RefusedError(f"runs {one.number} and {other.number} learned other classes: their scores do not compare")
    context = Context(config, one.facts.get("parts", {}))  # which older runs lack
    comparison = scoring.compare(context, targets, before, after, weights)
    names = [f"run {run.number}" for run in (one, other)]
    lines = scoring.table(["what differs", *names], differences(one, other))
    print("\n".join(lines if len(lines) > 1 else ["nothing differs: settings, data, code and versions are the same"]))
    print()
    header = [f"score on {len(targets):,} validation examples", *names, f"gain of {names[1]}", ""]
    print("\n".join(scoring.table(header, score_rows(comparison))))
    print(f"\n{answer(config, comparison, names)}")


def chosen(config: Config) -> tuple[Run, Run]:
    """The runs of the setting, or the last two."""
    numbers = config.runs or tuple(config.paths.kept_runs()[-2:])
    if len(numbers) != 2:
        raise InputError(
            f'two runs are needed and there are {len(numbers)}: make compare RUNS="1 2"; `make runs` lists them'
        )
    one, other = (run_history.read(config, number) for number in numbers)
    return one, other


def check_comparable(one: Run, other: Run) -> None:
    """Refuses runs whose scores are about different examples, or are not there."""
    pair = f"runs {one.number} and {other.number}"
    if one.facts["validation"] != other.facts["validation"]:
        raise RefusedError(
            f"{pair} cannot be compared: their validation examples differ, so that a difference between their scores "
            "says nothing about the models; train both on the same data"
        )
    unscored = [run.number for run in (one, other) if not run.scores]
    if unscored:
        raise RefusedError(
            f"{pair} cannot be compared: run {unscored[0]} was not evaluated while its validation examples were there; "
            "train it again on the present ones"
        )


def differences(one: Run, other: Run) -> list[list[str]]:
    """What the runs do not have in common, and how long they took."""
    described = [described_run(run) for run in (one, other)]
    names = dict.fromkeys([*described[0], *described[1]])
    rows = [[name, *(run.get(name, ABSENT) for run in described)] for name in names]
    return [[scoring.shortened(cell, MAX_VALUE) for cell in row] for row in rows if row[1] != row[2]]


def described_run(run: Run) -> dict[str, str]:
    """All that decides what comes out of a run, and what it took."""
    facts: dict[str, Any] = run.facts
    groups = {
        "setting": {name: value for name, value in facts["settings"].items() if name != "artifacts"},
        "hyperparameter": facts["hyperparameters"],
        "version": {**facts["versions"], "python": facts["python"]},
    }
    described = {
        f"{group} {name}": scoring.written(value) for group, values in groups.items() for name, value in values.items()
    }
    data, commit = scoring.origin(run)
    best = f"{facts['best_epoch']} of {facts['epochs']}"
    return {**described, "data": data, "code": commit or ABSENT, "best epoch": best, "seconds": f"{facts['seconds']}"}


def score_rows(comparison: Comparison) -> list[list[str]]:
    """A row per metric: both scores and the gain with their intervals, and whether that is more than chance."""
    sides = (comparison.champion, comparison.challenger, comparison.gains)
    rows = []
    for name, gain in comparison.gains.items():
        metric = metrics.METRICS[name]
        cells = [" ".join(report.format_interval(report.Interval.of(side[name]), metric.format)) for side in sides]
        rows.append([metric.label, *cells, "significant" if is_significant(gain) else ""])
    return rows


def is_significant(gain: dict[str, float]) -> bool:
    """Whether the 95 % interval of a gain leaves 0 out."""
    return gain["low"] > 0 or gain["high"] < 0


def answer(config: Config, comparison: Comparison, names: list[str]) -> str:
    """Which run is better by the primary metric, in a sentence."""
    label, gain = metrics.METRICS[config.metric].label, comparison.gains[config.metric]
    how = "by a paired bootstrap over the same examples, 95 % interval; above 0, a gain is an improvement"
    if not is_significant(gain):
        return f"{label}: no significant difference ({how})"
    return f"{label}: {names[gain['value'] > 0]} is significantly better ({how})"
