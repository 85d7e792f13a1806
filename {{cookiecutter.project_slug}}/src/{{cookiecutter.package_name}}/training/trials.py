"""What a search found: its trials as lines and as a table, and the best of them."""

import math

import keras_tuner
import pandas as pd
from keras_tuner.engine.trial import Trial, TrialStatus

from .. import task
from ..core.errors import RefusedError


def is_usable(trial: Trial) -> bool:
    """Whether a trial came to a score; KerasTuner lists failed ones among the best."""
    return trial.status == TrialStatus.COMPLETED and trial.score is not None and math.isfinite(trial.score)


def reason(trial: Trial) -> str:
    """Why a trial has no score, in a line."""
    lines = (trial.message or "").strip().splitlines()
    return lines[-1] if lines else f"status {trial.status}, score {trial.score}"


def outcome(trial: Trial) -> str:
    """How a trial went, in a line."""
    result = f"{task.MONITOR} {trial.score:.4g}" if is_usable(trial) else f"failed: {reason(trial)}"
    return f"trial {trial.trial_id}: {result}"


def best(tuner: keras_tuner.Tuner) -> Trial:
    """The trial with the best score.

    Raises:
        RefusedError: no trial came to a score.
    """
    usable = [trial for trial in tuner.oracle.trials.values() if is_usable(trial)]
    if not usable:
        reasons = {reason(trial) for trial in tuner.oracle.trials.values()}
        raise RefusedError(f"all {len(tuner.oracle.trials)} trials failed: {'; '.join(sorted(reasons))}")
    return min(usable, key=lambda trial: (trial.score, trial.trial_id))


def values(trial: Trial) -> dict[str, object]:
    """The hyperparameters of a trial, without what a tuner notes among them for itself."""
    return {name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")}


def table(tuner: keras_tuner.Tuner) -> pd.DataFrame:
    """One row per trial: its number, hyperparameters, status and score, the best first."""
    rows = [
        {
            "trial": trial.trial_id,
            task.MONITOR: trial.score if is_usable(trial) else None,
            "status": trial.status if is_usable(trial) else f"failed: {reason(trial)}",
            **values(trial),
        }
        for trial in tuner.oracle.trials.values()
    ]
    space = [hyperparameter.name for hyperparameter in tuner.oracle.get_space().space]
    places = {name: place for place, name in enumerate(["trial", task.MONITOR, "status", *space])}  # gRPC changes them
    frame = pd.DataFrame(rows).sort_values([task.MONITOR, "trial"], ignore_index=True)
    return frame[sorted(frame.columns, key=lambda name: places.get(name, len(places)))]
