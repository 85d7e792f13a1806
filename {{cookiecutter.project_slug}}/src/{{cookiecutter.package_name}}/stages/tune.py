"""make tune: searches hyperparameters on the training and validation splits; training then uses the winner."""

import contextlib
import gc
import io
import os
from functools import partial
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pandas as pd

from .. import model, preprocessing, task
from ..config import Config
from ..core import artifacts, devices, freshness, stage
from ..core.errors import RefusedError
from ..distributed import tune_workers
from ..distributed.tune_workers import Place
from ..training import epochs, trials, tuning_report
from ..training.tracing import TraceOnce

TUNERS = {
    "random": keras_tuner.RandomSearch,
    "grid": keras_tuner.GridSearch,
    "bayesian": keras_tuner.BayesianOptimization,
    "hyperband": keras_tuner.Hyperband,
}
Data = tuple[keras.Model, task.Target]  # the preprocessor, and what is predicted
NOT_OF_THE_SEARCH = ("artifacts", "max_trials", "workers")  # settings that change neither the space nor the scores


def main(config: Config) -> None:
    """From the examples tables to artifacts/tuning; a search that was stopped goes on."""
    spare_collections()
    place = tune_workers.read_place(os.environ)
    if place and not place.is_chief:
        search_as_worker(config, place)
        return
    tuner = search_by_workers(config, place) if place or config.workers > 1 else search_alone(config)
    write(config, trials.table(tuner), trials.best(tuner))


def search_alone(config: Config) -> keras_tuner.Tuner:
    """Runs the trials in this process."""
    tuner, data = prepare(config, Reporting)
    run_trials(config, tuner, data)
    return tuner


def search_as_worker(config: Config, place: Place) -> None:
    """Runs trials that a chief hands out, and leaves the results to it."""
    tune_workers.end_with_parent(os.environ)
    tuner, data = prepare(config, tune_workers.SeededTuner)
    with tune_workers.in_touch(tuner, place):
        run_trials(config, tuner, data)


def search_by_workers(config: Config, place: Place | None) -> keras_tuner.Tuner:
    """Hands out trials, to workers on this machine unless the environment gives this process a place among several."""
    for name in place.variables() if place else ():
        del os.environ[name]  # else KerasTuner would keep this search apart from that of one process
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from ..distributed import tune_chief  # here, since a search by one process needs no gRPC

    with tune_chief.started(config, place) as chief:  # the workers load the data while this process does
        tuner, _ = prepare(config, Reporting)
        chief.search(tuner)
    return tuner


def prepare(config: Config, kind: type[keras_tuner.Tuner]) -> tuple[keras_tuner.Tuner, Data]:
    """The tuner and the data of its trials."""
    keras.utils.set_random_seed(config.seed)
    examples = artifacts.read_examples(config, "train")
    target = task.describe_target(config, artifacts.all_targets(config, "train", examples))
    preprocessor = preprocessing.build_preprocessor(config, examples)
    build = partial(build_network, config=config, preprocessor=preprocessor, target=target)
    return make_tuner(config, build, kind), (preprocessor, target)


def build_network(
    hyperparameters: keras_tuner.HyperParameters, config: Config, preprocessor: keras.Model, target: task.Target
) -> keras.Model:
    """The network as training builds it."""
    with devices.precision(config):
        return model.build_model(hyperparameters, config=config, preprocessor=preprocessor, target=target)


def spare_collections() -> None:
    """Keeps what was imported out of garbage collections: KerasTuner asks for two per trial, of half a second each."""
    gc.collect()
    gc.freeze()


def make_tuner(config: Config, build: Any, kind: type[keras_tuner.Tuner]) -> keras_tuner.Tuner:
    """A tuner whose folder is named after the search space and the data, so that it never resumes another search."""
    space = keras_tuner.HyperParameters()
    build(space)
    num_epochs = epochs.num_epochs(config, artifacts.num_examples(config, "train"))
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
    settings = freshness.used_settings(config, freshness.modules_of("tune"))
    settings = {name: value for name, value in settings.items() if name not in NOT_OF_THE_SEARCH}
    return artifacts.text_hash([described, settings, artifacts.data_hash(config)])


class Reporting(keras_tuner.Tuner):
    """Prints a line per trial."""

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Says how the trial went."""
        super().on_trial_end(trial)
        print(trials.outcome(trial), flush=True)


def run_trials(config: Config, tuner: keras_tuner.Tuner, data: Data) -> None:
    """Runs the trials that are left."""
    preprocessor, target = data
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


def write(config: Config, table: pd.DataFrame, winner: trials.Trial) -> None:
    """Writes the trials, the page and the winner, which training looks for."""
    folder: Path = config.paths.tuning
    with artifacts.replacing(folder / "trials.csv") as temporary:
        table.to_csv(temporary, index=False)
    tuning_report.write(config, table, folder / "report.html")
    content = {"score": winner.score, "monitor": task.MONITOR, "data": artifacts.data_hash(config)}
    artifacts.write_json(config.paths.best_hyperparameters, {"values": trials.values(winner), **content})
    num_failed = int(table[task.MONITOR].isna().sum())
    failed = f"; {num_failed} failed, see trials.csv" if num_failed else ""
    print(f"the best of {len(table)} trials has {task.MONITOR} {winner.score:.4g}{failed}")
    print(f"wrote {config.paths.best_hyperparameters}, {folder / 'trials.csv'}, {folder / 'report.html'}")


if __name__ == "__main__":
    stage.run(main)
