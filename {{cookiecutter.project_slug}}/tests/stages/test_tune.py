"""make tune: the winner is the best completed trial, failures are reported, and a stopped search goes on."""

import shutil
from pathlib import Path
from typing import Any

import keras_tuner
import pandas as pd
import pytest

from project import model, task
from project.config import Config
from project.core import artifacts, staleness
from project.core.errors import RefusedError
from project.data import tables
from project.stages import train, tune
from project.training import search

import synthetic


@pytest.fixture
def quick(trained: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings of a short search among small networks."""
    build = model.build_model

    def build_small(hp: keras_tuner.HyperParameters, **arguments: Any) -> object:
        for name, value in synthetic.SMALL_NETWORK.items():
            hp.Fixed(name, value)
        return build(hp, **arguments)

    monkeypatch.setattr(model, "build_model", build_small)
    artifacts.remove(trained.paths.best_hyperparameters)
    return trained.model_copy(update={"tuner": "random", "max_trials": 2, "epochs": 1})


def build_only(tuner: keras_tuner.Tuner, trial: keras_tuner.engine.trial.Trial, *_: Any, **__: Any) -> float:
    """Stands in for the training of a trial, where something else is tried."""
    tuner.hypermodel.build(trial.hyperparameters)
    return 0.5


def test_a_search_goes_on_and_training_uses_the_winner_which_never_saw_the_test_split(
    quick: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, splits = tables.read_rows, []

    def note(config: Config, split: str) -> pd.DataFrame:
        splits.append(split)
        return read(config, split)

    monkeypatch.setattr(tables, "read_rows", note)
    with monkeypatch.context() as without_training:
        without_training.setattr(search.Reporting, "run_trial", build_only)
        tune.main(quick.model_copy(update={"max_trials": 1}))
    assert len(pd.read_csv(quick.paths.tuning / "trials.csv")) == 1
    tune.main(quick)
    assert "going on with a search that has 1 trials" in capsys.readouterr().out
    trials = pd.read_csv(quick.paths.tuning / "trials.csv")
    winner = artifacts.read_json(quick.paths.best_hyperparameters, "tune")
    assert len(trials) == 2
    assert winner["score"] == pytest.approx(trials[task.MONITOR].min())
    assert train.best_hyperparameters(quick).values == winner["values"]
    assert "Parallel coordinates" in (quick.paths.tuning / "report.html").read_text(encoding="utf-8")
    assert set(splits) == {"train", "validation"}


def test_a_failed_trial_is_reported_and_never_the_best(
    quick: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build, calls = model.build_model, []

    def fail_first(hp: keras_tuner.HyperParameters, **arguments: Any) -> object:
        calls.append(hp)
        if len(calls) == 3:  # the first two calls only look at the search space
            raise ValueError("out of luck")
        return build(hp, **arguments)

    monkeypatch.setattr(model, "build_model", fail_first)
    monkeypatch.setattr(search.Reporting, "run_trial", build_only)
    tune.main(quick)
    trials = pd.read_csv(quick.paths.tuning / "trials.csv")
    assert trials["status"].str.contains("out of luck").sum() == 1
    assert "1 failed" in capsys.readouterr().out
    assert artifacts.read_json(quick.paths.best_hyperparameters, "tune")["score"] == 0.5


def test_a_search_without_a_score_is_refused(quick: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    build, calls = model.build_model, []

    def fail(hp: keras_tuner.HyperParameters, **arguments: Any) -> object:
        calls.append(hp)
        if len(calls) > 2:
            raise ValueError("out of luck")
        return build(hp, **arguments)

    monkeypatch.setattr(model, "build_model", fail)
    with pytest.raises(RefusedError, match="out of luck"):
        tune.main(quick)
    assert not quick.paths.best_hyperparameters.exists()


def test_another_search_starts_anew(trained: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space, wider = keras_tuner.HyperParameters(), keras_tuner.HyperParameters()
    wider.Int("units", 1, 2)
    other_data = trained.model_copy(update={"artifacts": trained.artifacts.with_name("other")})
    shutil.copytree(trained.artifacts, other_data.artifacts)
    tables.read_rows(trained, "train").head(100).to_parquet(other_data.paths.examples("train"))
    keys = {
        search.search_key(trained, space),
        search.search_key(trained, wider),
        search.search_key(other_data, space),
        search.search_key(trained.model_copy(update={"tuner": "grid"}), space),
    }
    assert len(keys) == 4
    assert search.search_key(trained.model_copy(update={"max_trials": 7}), space) in keys
    monkeypatch.setattr(staleness, "PACKAGE", tmp_path)  # other code
    assert search.search_key(trained, space) not in keys
