"""make tune: searches hyperparameters on the training and validation splits; training then uses the winner."""

import contextlib
import gc
import io
import math
from functools import partial
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pandas as pd

from . import artifacts, epochs, freshness, model, preprocessing, stage, task, tuning_report
from .config import Config
from .errors import RefusedError
from .tracing import TraceOnce

TUNERS = {
    "random": keras_tuner.RandomSearch,
    "grid": keras_tuner.GridSearch,
    "bayesian": keras_tuner.BayesianOptimization,
    "hyperband": keras_tuner.Hyperband,
}
COMPLETED = keras_tuner.engine.trial.TrialStatus.COMPLETED


def main(config: Config) -> None:
    """From the examples tables to artifacts/tuning; a search that was stopped goes on."""
    spare_collections()
    keras.utils.set_random_seed(config.seed)
    examples = artifacts.read_examples(config, "train")
    target = task.describe_target(config, examples[config.target])
    preprocessor = preprocessing.build_preprocessor(config, examples)
    build = partial(model.build_model, config=config, preprocessor=preprocessor, target=target)
    tuner = make_tuner(config, build)
    search(config, tuner, preprocessor, target)
    trials = trial_table(tuner)
    winner = best_trial(tuner)
    write(config, trials, winner)


def spare_collections() -> None:
    """Keeps what was imported out of garbage collections: KerasTuner asks for two per trial, of half a second each."""
    gc.collect()
    gc.freeze()


def make_tuner(config: Config, build: Any) -> keras_tuner.Tuner:
    """A tuner whose folder is named after the search space and the data, so that it never resumes another search."""
    space = keras_tuner.HyperParameters()
    build(space)
    num_epochs = epochs.num_epochs(config, artifacts.num_examples(config, "train"))
    is_hyperband = config.tuner == "hyperband"
    options: dict[str, Any] = {"max_epochs": num_epochs} if is_hyperband else {"max_trials": config.max_trials}
    with contextlib.redirect_stdout(io.StringIO()) as notice:
        tuner = type("Tuner", (Reporting, TUNERS[config.tuner]), {})(
            build,
            objective=keras_tuner.Objective(task.MONITOR, "min"),
            seed=config.seed,
            directory=config.paths.tuning / "search",
            project_name=search_key(config, space),
            **options,
        )
    if notice.getvalue():
        print(f"going on with a search that has {len(tuner.oracle.trials)} trials")
    return tuner


def search_key(config: Config, space: keras_tuner.HyperParameters) -> str:
    """A hash of all that trials of one search have in common."""
    described = [f"{hyperparameter.get_config()}" for hyperparameter in space.space]
    settings = freshness.used_settings(config, freshness.modules_of("tune"))
    settings = {name: value for name, value in settings.items() if name not in ("artifacts", "max_trials")}
    return artifacts.text_hash([described, settings, artifacts.data_hash(config)])


class Reporting(keras_tuner.Tuner):
    """Prints a line per trial."""

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Says how the trial went."""
        super().on_trial_end(trial)
        outcome = f"{task.MONITOR} {trial.score:.4g}" if is_usable(trial) else f"failed: {reason(trial)}"
        print(f"trial {trial.trial_id}: {outcome}", flush=True)


def search(config: Config, tuner: keras_tuner.Tuner, preprocessor: keras.Model, target: task.Target) -> None:
    """Runs the trials that are left."""
    epoch, num_epochs = epochs.epoch_counter(), epochs.num_epochs(config, artifacts.num_examples(config, "train"))
    train = preprocessing.make_dataset(config, "train", preprocessor, target, epoch)
    validation = preprocessing.make_dataset(config, "validation", preprocessor, target)
    try:
        tuner.search(
            train,
            validation_data=validation,
            epochs=num_epochs,
            shuffle=False,  # the dataset does it
            callbacks=[
                TraceOnce(train),
                epochs.count_epochs(epoch),
                epochs.CosineDecay(num_epochs),
                keras.callbacks.EarlyStopping(task.MONITOR, patience=config.patience, mode="min"),
            ],
            verbose=0,
        )
    except RuntimeError as error:  # KerasTuner gives up after several failures in a row
        raise RefusedError(f"the search failed: {str(error).splitlines()[-1]}") from error


def is_usable(trial: keras_tuner.engine.trial.Trial) -> bool:
    """Whether a trial came to a score; KerasTuner lists failed ones among the best."""
    return trial.status == COMPLETED and trial.score is not None and math.isfinite(trial.score)


def reason(trial: keras_tuner.engine.trial.Trial) -> str:
    """Why a trial has no score, in a line."""
    lines = (trial.message or "").strip().splitlines()
    return lines[-1] if lines else f"status {trial.status}, score {trial.score}"


def best_trial(tuner: keras_tuner.Tuner) -> keras_tuner.engine.trial.Trial:
    """The trial with the best score.

    Raises:
        RefusedError: no trial came to a score.
    """
    usable = [trial for trial in tuner.oracle.trials.values() if is_usable(trial)]
    if not usable:
        reasons = {reason(trial) for trial in tuner.oracle.trials.values()}
        raise RefusedError(f"all {len(tuner.oracle.trials)} trials failed: {'; '.join(sorted(reasons))}")
    return min(usable, key=lambda trial: (trial.score, trial.trial_id))


def trial_table(tuner: keras_tuner.Tuner) -> pd.DataFrame:
    """One row per trial: its number, hyperparameters, status and score, the best first."""
    rows = [
        {
            "trial": trial.trial_id,
            task.MONITOR: trial.score if is_usable(trial) else None,
            "status": trial.status if is_usable(trial) else f"failed: {reason(trial)}",
            **{name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")},
        }
        for trial in tuner.oracle.trials.values()
    ]
    return pd.DataFrame(rows).sort_values([task.MONITOR, "trial"], ignore_index=True)


def write(config: Config, trials: pd.DataFrame, winner: keras_tuner.engine.trial.Trial) -> None:
    """Writes the trials, the page and the winner, which training looks for."""
    folder: Path = config.paths.tuning
    with artifacts.replacing(folder / "trials.csv") as temporary:
        trials.to_csv(temporary, index=False)
    tuning_report.write(config, trials, folder / "report.html")
    values = {name: value for name, value in winner.hyperparameters.values.items() if not name.startswith("tuner/")}
    content = {"values": values, "score": winner.score, "monitor": task.MONITOR, "data": artifacts.data_hash(config)}
    artifacts.write_json(config.paths.best_hyperparameters, content)
    num_failed = int(trials[task.MONITOR].isna().sum())
    failed = f"; {num_failed} failed, see trials.csv" if num_failed else ""
    print(f"the best of {len(trials)} trials has {task.MONITOR} {winner.score:.4g}{failed}")
    print(f"wrote {config.paths.best_hyperparameters}, {folder / 'trials.csv'}, {folder / 'report.html'}")


if __name__ == "__main__":
    stage.run(main)
