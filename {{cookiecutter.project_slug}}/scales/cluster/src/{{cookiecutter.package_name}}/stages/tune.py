"""make tune: searches hyperparameters on the training and validation splits; training then uses the winner."""

import os

import keras_tuner

from ..config import Config
from ..distributed import tune_workers
from ..distributed.tune_workers import Place
from ..training import search


def main(config: Config) -> None:
    """From the examples tables to artifacts/tuning; a search that was stopped goes on."""
    search.spare_collections()
    place = tune_workers.read_place(os.environ)
    if place and not place.is_chief:
        search_as_worker(config, place)
        return
    tuner = search_by_workers(config, place) if place or config.workers > 1 else search_alone(config)
    search.finish(config, tuner)


def search_alone(config: Config) -> keras_tuner.Tuner:
    """Runs the trials in this process."""
    tuner = search.make_tuner(config, search.Reporting)
    search.run_trials(config, tuner)
    return tuner


def search_as_worker(config: Config, place: Place) -> None:
    """Runs trials that a chief assigns, and reports the results to it."""
    tune_workers.end_with_parent(os.environ)
    tuner = search.make_tuner(config, tune_workers.SeededTuner)
    with tune_workers.in_touch(tuner, place):
        search.run_trials(config, tuner)


def search_by_workers(config: Config, place: Place | None) -> keras_tuner.Tuner:
    """Assigns trials: to workers on this machine, unless the environment gives this process a role among several."""
    for name in place.variables() if place else ():
        del os.environ[name]  # else KerasTuner would keep this search apart from that of one process
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from ..distributed import tune_chief  # here, since a search by one process needs no gRPC

    with tune_chief.started(config, place) as chief:  # the workers load the data while this process does
        tuner = search.make_tuner(config, search.Reporting)
        chief.search(tuner)
    return tuner
