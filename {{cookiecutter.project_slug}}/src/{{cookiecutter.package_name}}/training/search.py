"""The hyperparameter search: its tuner, its trials, and what it found."""

import contextlib
import gc
import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pandas as pd
from keras_tuner.engine.trial import Trial, TrialStatus

from ..config import Config
from ..core import artifacts, errors
from ..core.errors import RefusedError
from ..data.batching import TimeLimit, TraceOnce
from ..model import build_model, callbacks
from ..reporting import plots, report
from ..reporting.report import Banner, Block, Cell, Figure, Page, Section, Table
from . import fit, placement, serving_model
from .fit import Objective

TUNERS = {
    "random": keras_tuner.RandomSearch,
    "grid": keras_tuner.GridSearch,
    "bayesian": keras_tuner.BayesianOptimization,
    "hyperband": keras_tuner.Hyperband,
}
LOG_RATIO = 20  # between the ends of an axis, from which on it is logarithmic
MOST_FAILURES = 3  # trials in a row that end with an error
DIVERGED = "diverged"  # the mark among the metrics of a trial


class HyperModel(keras_tuner.HyperModel):
    """Builds the models of trials as training builds its model, and scores them."""

    def __init__(self, config: Config) -> None:
        """Makes the preprocessor and the target, which all trials share."""
        super().__init__()
        self.config, self.prepared = config, serving_model.prepare(config)
        self.num_steps = 1  # of a trial; `run_trials` sets it, and the search space does not depend on it
        self.limit = TimeLimit(config.search_minutes)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The compiled model, whose optimizer is ready to go on from the weights of another trial."""
        with fit.precision(self.config):
            model = build_model(
                hp,
                config=self.config,
                preprocessor=self.prepared.preprocessor,
                target=self.prepared.target,
                num_steps=self.num_steps,
            )
        model.optimizer.build(model.trainable_variables)
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *data: Any, **options: Any) -> dict[str, float]:
        """Trains a model, and gives the score of its best epoch.

        Without a finite one, the trial is marked as diverged and has the score of the untrained model: KerasTuner would
        leave it out, and could not learn from it where not to search.
        """
        wanted = fit.chosen_objective(self.config)
        validation, scored, first = options["validation_data"], model, []
        if model.optimizer.use_ema:  # whose averages are scored
            scored = self.build(hp)
            first = [placement.validation_apart(scored, options.pop("validation_data"))]
        scorer = fit.Score(self.config, self.prepared, scored, validation)
        options["callbacks"] = [*first, scorer, *options["callbacks"], TimeLimit(self.config.minutes), self.limit]
        history = pd.DataFrame(super().fit(hp, model, *data, **options).history).to_dict("records")
        best = min(history, key=wanted.cost)
        if math.isfinite(wanted.cost(best)):
            return {wanted.name: best[wanted.name]}
        untrained = self.build(hp)
        scores = untrained.evaluate(validation, verbose=0, return_dict=True)
        logs = {f"val_{name}": score for name, score in scores.items()}
        fit.Score(self.config, self.prepared, untrained, validation).on_epoch_end(0, logs)
        return {wanted.name: logs[wanted.name], DIVERGED: 1.0}


def spare_collections() -> None:
    """Keeps what was imported out of garbage collections: KerasTuner asks for two per trial, of half a second each."""
    gc.collect()
    gc.freeze()


def make_tuner(config: Config, kind: type[keras_tuner.Tuner]) -> keras_tuner.Tuner:
    """A tuner whose folder is named after the search space and the data, so that it never resumes another search."""
    hypermodel, space, wanted = HyperModel(config), keras_tuner.HyperParameters(), fit.chosen_objective(config)
    serving_model.check_layers(hypermodel.build(space))
    is_hyperband = config.tuner == "hyperband"
    options: dict[str, Any] = (
        {"max_epochs": fit.num_epochs(config)} if is_hyperband else {"max_trials": config.max_trials}
    )
    with contextlib.redirect_stdout(io.StringIO()) as notice:
        tuner = type("Tuner", (kind, TUNERS[config.tuner]), {"seed": config.seed})(
            hypermodel,
            objective=keras_tuner.Objective(wanted.name, wanted.mode),
            seed=config.seed,
            directory=config.paths.tuning / "search",
            project_name=search_key(config, space),
            max_consecutive_failed_trials=sys.maxsize,  # counts those of earlier runs as well, so that none could go on
            **options,
        )
    if notice.getvalue() and kind is Reporting:
        print(f"going on with a search that has {len(tuner.oracle.trials)} trials")
    return tuner


def search_key(config: Config, space: keras_tuner.HyperParameters) -> str:
    """A hash of all that trials of one search have in common."""
    described = [f"{hyperparameter.get_config()}" for hyperparameter in space.space]
    return fit.resume_key(config, described, config.tuner)


class Outcomes:
    """Prints how each trial went, counts those in a row that ended with an error, and ends a search in time."""

    def __init__(self, oracle: keras_tuner.Oracle, limit: TimeLimit) -> None:
        """Takes what makes the trials, and the time limit of the search."""
        self.oracle, self.limit, self.failures = oracle, limit, 0

    def add(self, trial: Trial, note: str = "") -> str:
        """What is said if the trial was one failure too many, else nothing."""
        result = f"{self.oracle.objective.name} {trial.score:.4g}" if is_usable(trial) else f"failed: {reason(trial)}"
        print(f"trial {trial.trial_id}: {result}{note}", flush=True)
        if time.monotonic() > self.limit.end:
            self.oracle.max_trials = len(self.oracle.trials)  # so that it makes no other
        is_failed = trial.status in (TrialStatus.FAILED, TrialStatus.INVALID)
        self.failures = self.failures + 1 if is_failed else 0
        if self.failures != MOST_FAILURES:
            return ""
        stops = f"the search stops after {MOST_FAILURES} failed trials in a row"
        return f"{stops}: {reason(trial)}; `make tune` goes on with it"


class Reporting(keras_tuner.Tuner):
    """Prints a line per trial, and ends the search after several errors in a row."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Passes the arguments on."""
        super().__init__(*arguments, **options)
        self.outcomes = Outcomes(self.oracle, self.hypermodel.limit)

    def on_trial_end(self, trial: Trial) -> None:
        """Says how the trial went."""
        super().on_trial_end(trial)
        failure = self.outcomes.add(trial)
        errors.end_on_signal()
        if failure:
            raise RefusedError(failure)


def run_trials(config: Config, tuner: keras_tuner.Tuner) -> None:
    """Runs the trials that are left."""
    wanted = fit.chosen_objective(config)
    batches = fit.make_batches(config, tuner.hypermodel.prepared)
    tuner.hypermodel.num_steps = fit.num_steps(config, batches)
    tuner.search(
        batches.train,
        validation_data=batches.validation,
        epochs=fit.num_epochs(config),
        shuffle=False,  # the dataset does it
        callbacks=[
            TraceOnce(batches.train),
            fit.count_epochs(batches.epoch),
            *callbacks(config),
            keras.callbacks.EarlyStopping(wanted.name, patience=config.patience, mode=wanted.mode),
        ],
        verbose=0,
    )


def finish(config: Config, tuner: keras_tuner.Tuner) -> None:
    """Writes the trials and, if one came to a score, the page and the winner, which training looks for.

    Raises:
        RefusedError: no trial came to a score.
    """
    folder, wanted = config.paths.tuning, fit.chosen_objective(config)
    trials = table(tuner, wanted)
    with artifacts.replacing(folder / "trials.csv") as temporary:
        trials.to_csv(temporary, index=False)
    usable = [trial for trial in tuner.oracle.trials.values() if is_usable(trial)]
    if not usable:
        artifacts.remove(folder / "search")  # nothing can come of going on with it
        reasons = "; ".join(sorted({reason(trial) for trial in tuner.oracle.trials.values()}))
        raise RefusedError(f"all {len(trials)} trials failed: {reasons}; see {folder / 'trials.csv'}")
    winner = min(usable, key=lambda trial: (wanted.cost({wanted.name: trial.score}), trial.trial_id))
    write_page(config, trials, folder / "report.html")
    content = {"values": values(winner), "score": winner.score, **fit.found_for(config)}
    artifacts.write_json(config.paths.best_hyperparameters, content)
    num_failed = len(trials) - len(usable)
    failed = f"; {num_failed} failed, see trials.csv" if num_failed else ""
    if time.monotonic() > tuner.hypermodel.limit.end:
        print(f"{config.search_minutes:g} minutes were over: `make tune` goes on with the search")
    print(f"the best of {len(trials)} trials has {wanted.name} {winner.score:.4g}{failed}")
    print(f"wrote {config.paths.best_hyperparameters}, {folder / 'trials.csv'}, {folder / 'report.html'}")


def is_usable(trial: Trial) -> bool:
    """Whether a trial came to a score of its own; KerasTuner lists failed ones among the best."""
    has_score = trial.status == TrialStatus.COMPLETED and trial.score is not None and math.isfinite(trial.score)
    return has_score and not trial.metrics.exists(DIVERGED)


def reason(trial: Trial) -> str:
    """Why a trial has no score, in a line."""
    if trial.metrics.exists(DIVERGED):
        return "the score was never a finite number"
    lines = (trial.message or "").strip().splitlines()
    return lines[-1] if lines else f"status {trial.status}, score {trial.score}"


def values(trial: Trial) -> dict[str, object]:
    """The hyperparameters of a trial, without what a tuner notes among them for itself."""
    return {name: value for name, value in trial.hyperparameters.values.items() if not name.startswith("tuner/")}


def table(tuner: keras_tuner.Tuner, wanted: Objective) -> pd.DataFrame:
    """One row per trial: its number, hyperparameters, status and score, the best first."""
    rows = [
        {
            "trial": trial.trial_id,
            wanted.name: trial.score if is_usable(trial) else None,
            "status": trial.status if is_usable(trial) else f"failed: {reason(trial)}",
            **values(trial),
        }
        for trial in tuner.oracle.trials.values()
    ]
    space = [hyperparameter.name for hyperparameter in tuner.oracle.get_space().space]
    places = {name: place for place, name in enumerate(["trial", wanted.name, "status", *space])}  # gRPC changes them
    frame = pd.DataFrame(rows).sort_values(
        [wanted.name, "trial"], ascending=[wanted.mode == "min", True], ignore_index=True
    )
    return frame[sorted(frame.columns, key=lambda name: places.get(name, len(places)))]


def write_page(config: Config, trials: pd.DataFrame, path: Path) -> None:
    """Writes the page for a table of trials, the best first."""
    wanted, best = fit.chosen_objective(config), trials.iloc[0]
    verdict = Banner(
        "neutral",
        f"Trial {best['trial']}: {wanted.label} {report.format_number(float(best[wanted.name]))} on validation",
        f"The best of {len(trials)} trials of the {config.tuner} search; `make train` uses it from now on.",
    )
    rows = [[report_cell(value) for value in row] for row in trials.itertuples(index=False)]
    sections = [
        Section("Trials", [Table("All trials, the best first", list(trials.columns), rows)]),
        Section("Hyperparameters", figures(trials, wanted.name)),
    ]
    facts: dict[str, Cell] = {"Goal": report.goal(config.goal), "Target": config.target}
    report.write_page(path, Page("Hyperparameter search", verdict, sections, facts))


def figures(trials: pd.DataFrame, monitor: str) -> list[Block]:
    """The score over each hyperparameter that varies, a point per trial."""
    usable = trials[trials[monitor].notna()]
    drawn: list[Block] = []
    for name in usable.columns:
        having = usable[usable[name].notna()]  # some hyperparameters belong to some networks only
        if name not in ("trial", monitor, "status") and len(having[name].unique()) > 1:
            best = report_cell(having[name].iloc[0])
            description = f"{monitor} of {len(having)} trials over {name}; the best of them has {best}."
            drawn.append(Figure(name, plot_scores(having[name], having[monitor]), description))
    return drawn


def plot_scores(values: pd.Series, scores: pd.Series) -> str:
    """The scores (num_trials,) over the values of a hyperparameter, the first trial as a larger point."""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    places = values if is_number else values.astype(str)
    with plots.drawing(str(values.name), str(scores.name)) as (figure, axes):
        for place, size in ((slice(1, None), 16), (slice(1), 60)):
            axes.scatter(places[place], scores[place], s=size, color=plots.series_color(0), alpha=0.8, linewidths=0)
        if is_number and values.min() > 0 and values.max() / values.min() > LOG_RATIO:
            axes.set_xscale("log")
        return plots.to_svg(figure)


def report_cell(value: object) -> str | float | None:
    """A value of the table of trials as a cell of the page."""
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, float) else value if isinstance(value, int) else str(value)
