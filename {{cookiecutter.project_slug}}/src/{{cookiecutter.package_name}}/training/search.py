"""The hyperparameter search: its tuner, its trials, and what it found."""

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
from keras_tuner.engine.trial import Trial, TrialStatus

from .. import model, preprocessing, task
from ..config import Config
from ..core import artifacts, errors
from ..core.errors import RefusedError
from ..data import loading, tables
from ..data.batching import TraceOnce
from ..reporting import plots, report
from ..reporting.report import Banner, Figure, Page, Section, Table
from . import fit

TUNERS = {
    "random": keras_tuner.RandomSearch,
    "grid": keras_tuner.GridSearch,
    "bayesian": keras_tuner.BayesianOptimization,
    "hyperband": keras_tuner.Hyperband,
}
Data = tuple[keras.Model, task.Target]  # the preprocessor, and what is predicted
NOT_SEARCHED = ("trial", "status", task.MONITOR)


def prepare(config: Config, kind: type[keras_tuner.Tuner]) -> tuple[keras_tuner.Tuner, Data]:
    """The tuner and the data of its trials."""
    keras.utils.set_random_seed(config.seed)
    examples = loading.read_examples(config, "train")
    target = task.describe_target(config, tables.all_targets(config, "train", examples))
    preprocessor = preprocessing.build_preprocessor(config, examples)
    build = partial(build_network, config=config, preprocessor=preprocessor, target=target)
    return make_tuner(config, build, kind), (preprocessor, target)


def build_network(
    hyperparameters: keras_tuner.HyperParameters, config: Config, preprocessor: keras.Model, target: task.Target
) -> keras.Model:
    """The network as training builds it."""
    with fit.precision(config):
        return model.build_model(hyperparameters, config=config, preprocessor=preprocessor, target=target)


def spare_collections() -> None:
    """Keeps what was imported out of garbage collections: KerasTuner asks for two per trial, of half a second each."""
    gc.collect()
    gc.freeze()


def make_tuner(config: Config, build: Any, kind: type[keras_tuner.Tuner]) -> keras_tuner.Tuner:
    """A tuner whose folder is named after the search space and the data, so that it never resumes another search."""
    space = keras_tuner.HyperParameters()
    build(space)
    num_epochs = fit.num_epochs(config, tables.num_examples(config, "train"))
    is_hyperband = config.tuner == "hyperband"
    options: dict[str, Any] = {"max_epochs": num_epochs} if is_hyperband else {"max_trials": config.max_trials}
    with contextlib.redirect_stdout(io.StringIO()) as notice:
        tuner = type("Tuner", (kind, TUNERS[config.tuner]), {"seed": config.seed})(
            build,
            objective=keras_tuner.Objective(task.MONITOR, "min"),
            seed=config.seed,
            directory=config.paths.tuning / "search",
            project_name=search_key(config, space),
            **options,
        )
    if notice.getvalue() and kind is Reporting:
        print(f"going on with a search that has {len(tuner.oracle.trials)} trials")
    return tuner


def search_key(config: Config, space: keras_tuner.HyperParameters) -> str:
    """A hash of all that trials of one search have in common."""
    described = [f"{hyperparameter.get_config()}" for hyperparameter in space.space]
    return fit.resume_key(config, described, config.tuner)


class Reporting(keras_tuner.Tuner):
    """Prints a line per trial."""

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Says how the trial went."""
        super().on_trial_end(trial)
        print(outcome(trial), flush=True)
        errors.end_on_signal()


def run_trials(config: Config, tuner: keras_tuner.Tuner, data: Data) -> None:
    """Runs the trials that are left."""
    preprocessor, target = data
    epoch, num_epochs = fit.epoch_counter(), fit.num_epochs(config, tables.num_examples(config, "train"))
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
                fit.count_epochs(epoch),
                fit.CosineDecay(num_epochs),
                keras.callbacks.EarlyStopping(task.MONITOR, patience=config.patience, mode="min"),
            ],
            verbose=0,
        )
    except RuntimeError as error:  # KerasTuner gives up after several failures in a row
        raise RefusedError(f"the search failed: {str(error).splitlines()[-1]}") from error


def write(config: Config, table: pd.DataFrame, winner: Trial) -> None:
    """Writes the trials, the page and the winner, which training looks for."""
    folder: Path = config.paths.tuning
    with artifacts.replacing(folder / "trials.csv") as temporary:
        table.to_csv(temporary, index=False)
    write_page(config, table, folder / "report.html")
    content = {"score": winner.score, "monitor": task.MONITOR, "data": tables.data_hash(config)}
    artifacts.write_json(config.paths.best_hyperparameters, {"values": values(winner), **content})
    num_failed = int(table[task.MONITOR].isna().sum())
    failed = f"; {num_failed} failed, see trials.csv" if num_failed else ""
    print(f"the best of {len(table)} trials has {task.MONITOR} {winner.score:.4g}{failed}")
    print(f"wrote {config.paths.best_hyperparameters}, {folder / 'trials.csv'}, {folder / 'report.html'}")


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


def write_page(config: Config, trials: pd.DataFrame, path: Path) -> None:
    """Writes the page for a table of trials, the best first."""
    label = task.MONITOR.removeprefix("val_").replace("_", " ")
    best = trials.iloc[0]
    verdict = Banner(
        "neutral",
        f"Trial {best['trial']}: {label} {report.format_number(float(best[task.MONITOR]))} on validation",
        f"The best of {len(trials)} trials of the {config.tuner} search; `make train` uses it from now on.",
    )
    rows = [[report_cell(value) for value in row] for row in trials.itertuples(index=False)]
    sections = [
        Section("Trials as lines", [parallel_coordinates(trials)]),
        Section("Trials", [Table("All trials, the best first", list(trials.columns), rows)]),
    ]
    facts = {"Goal": config.goal, "Target": config.target}
    report.write_page(path, Page("Which hyperparameters are best?", verdict, sections, facts))


def parallel_coordinates(trials: pd.DataFrame) -> Figure:
    """Each hyperparameter is an axis from its least to its greatest value, the score the last one."""
    usable = trials[trials[task.MONITOR].notna()]
    axes = [name for name in usable.columns if name not in NOT_SEARCHED and len(usable[name].unique()) > 1]
    axes = [*axes, task.MONITOR]
    positions = pd.DataFrame({name: relative(usable[name]) for name in axes})
    tips = [", ".join(f"{name} {short(row[name])}" for name in axes) for _, row in usable.iterrows()]
    bounds = [(short(usable[name].min()), short(usable[name].max())) for name in axes]
    return Figure(
        "Parallel coordinates",
        plots.parallel(axes, positions.to_numpy(), bounds, tips),
        f"{len(usable)} trials as lines through {', '.join(axes)}; the best trial is the strongest line.",
        note="Every line is a trial, the strongest the best one. An axis runs from the least to the greatest value.",
        wide=True,
    )


def short(value: object) -> str:
    """An end of an axis, for reading."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def relative(values: pd.Series) -> pd.Series:
    """The values between 0 and 1; words are ranked."""
    numbers = values if pd.api.types.is_numeric_dtype(values) else values.astype(str).rank(method="dense")
    span = numbers.max() - numbers.min()
    return (numbers - numbers.min()) / (span or 1)


def report_cell(value: object) -> str | float | None:
    """A value of the table of trials as a cell of the page."""
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, float) else value if isinstance(value, int) else str(value)
