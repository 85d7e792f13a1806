"""make tune: the winner is the best completed trial, failures are reported, and a stopped search goes on."""

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest

from project import metrics, model, task
from project.core import artifacts, staleness
from project.core.errors import RefusedError
from project.data import tables
from project.data.resampling import Metric
from project.reporting import report
from project.stages import train, tune
from project.training import search

from declared import Config


@pytest.fixture
def quick(trained: Config) -> Config:
    """Settings of a short search."""
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
    page = (quick.paths.tuning / "report.html").read_text(encoding="utf-8")
    assert f"{task.MONITOR} of 2 trials over " in page
    drawn = [name for name in trials.columns[3:] if len(trials[name].dropna().unique()) > 1]
    assert page.count("<figure") == len(drawn)
    assert set(splits) == {"train", "validation"}


def test_what_belongs_to_some_networks_only_is_drawn_for_their_trials() -> None:
    trials = pd.DataFrame({"trial": ["1", "0", "2"], "val_loss": [0.1, 0.2, 0.3], "status": "COMPLETED"})
    trials = trials.assign(network=["frozen", "scratch", "scratch"], width=[np.nan, 8.0, 16.0], rate=[np.nan, 0.1, 0.1])
    texts = [block.description for block in search.figures(trials, "val_loss") if isinstance(block, report.Figure)]
    assert texts == [
        "val_loss of 3 trials over network; the best of them has frozen.",
        "val_loss of 2 trials over width; the best of them has 8.0.",
    ]


def test_a_failed_trial_is_reported_and_never_the_best(
    quick: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build, calls = search.build_model, []

    def fail_first(hp: keras_tuner.HyperParameters, **arguments: Any) -> object:
        calls.append(hp)
        if len(calls) == 3:  # the first two calls only look at the search space
            raise ValueError("out of luck")
        return build(hp, **arguments)

    monkeypatch.setattr(search, "build_model", fail_first)
    monkeypatch.setattr(search.Reporting, "run_trial", build_only)
    tune.main(quick)
    trials = pd.read_csv(quick.paths.tuning / "trials.csv")
    assert trials["status"].str.contains("out of luck").sum() == 1
    assert "1 failed" in capsys.readouterr().out
    assert artifacts.read_json(quick.paths.best_hyperparameters, "tune")["score"] == 0.5


def test_after_errors_in_a_row_a_search_stops_and_can_go_on(quick: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> float:
        raise ValueError("out of luck")

    config = quick.model_copy(update={"max_trials": search.MOST_FAILURES + 1})
    with monkeypatch.context() as unlucky:
        unlucky.setattr(search.Reporting, "run_trial", fail)
        with pytest.raises(RefusedError, match=r"3 failed trials in a row: .*out of luck"):
            tune.main(config)
    assert not config.paths.best_hyperparameters.exists()
    monkeypatch.setattr(search.Reporting, "run_trial", build_only)
    tune.main(config)
    trials = pd.read_csv(config.paths.tuning / "trials.csv")
    assert trials["status"].str.contains("out of luck").sum() == 3
    assert trials["status"].iloc[0] == "COMPLETED"


def test_a_search_without_a_score_is_refused_and_starts_anew(quick: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as unlucky:
        unlucky.setattr(search.Reporting, "run_trial", lambda *_, **__: float("nan"))
        with pytest.raises(RefusedError, match=r"all 2 trials failed"):
            tune.main(quick)
    assert not quick.paths.best_hyperparameters.exists()
    assert len(pd.read_csv(quick.paths.tuning / "trials.csv")) == 2
    monkeypatch.setattr(search.Reporting, "run_trial", build_only)
    tune.main(quick)
    assert quick.paths.best_hyperparameters.exists()


class Spoiler(keras.callbacks.Callback):
    """Makes the weights of the first trials NaN; notes how many began, and the rates of the others."""

    spoiled, began = 0, 0
    rates: ClassVar[list[float]] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        Spoiler.began += 1
        if Spoiler.began <= Spoiler.spoiled:
            self.model.set_weights([array * np.nan for array in self.model.get_weights()])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if Spoiler.began > Spoiler.spoiled:
            Spoiler.rates.append(float(self.model.optimizer.learning_rate))


def test_trials_train_with_code_of_ones_own_and_one_that_diverges_counts_as_bad(
    quick: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 1, 0.5)
    monkeypatch.setattr(model, "optimizer", lambda *_: keras.optimizers.SGD(schedule))
    monkeypatch.setattr(search, "callbacks", lambda _: [Spoiler()])
    monkeypatch.setattr(search, "MOST_FAILURES", 1)  # as many errors in a row would end the search
    for name, value in (("spoiled", 1), ("began", 0), ("rates", [])):
        monkeypatch.setattr(Spoiler, name, value)
    tune.main(quick)
    trials = pd.read_csv(quick.paths.tuning / "trials.csv")
    assert trials["status"].tolist() == ["COMPLETED", "failed: the score was never a finite number"]
    winner = artifacts.read_json(quick.paths.best_hyperparameters, "tune")
    assert winner["score"] == pytest.approx(trials[task.MONITOR].iloc[0])
    kept = [json.loads(path.read_text()) for path in quick.paths.tuning.glob("search/*/trial_*/trial.json")]
    assert all(np.isfinite(trial["score"]) for trial in kept)  # so that KerasTuner learns where not to search
    assert len(Spoiler.rates) == 1
    assert 0 < Spoiler.rates[0] < 0.01


def test_a_search_ends_in_time_and_goes_on(
    quick: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "callbacks", lambda _: [Spoiler()])
    monkeypatch.setattr(Spoiler, "rates", [])
    tune.main(quick.model_copy(update={"epochs": 3, "search_minutes": 1e-9}))
    assert len(Spoiler.rates) == 1, "an epoch of a trial"
    assert "1e-09 minutes were over: `make tune` goes on" in capsys.readouterr().out
    monkeypatch.setattr(search.Reporting, "run_trial", build_only)
    tune.main(quick.model_copy(update={"epochs": 3, "search_minutes": 60}))
    assert len(pd.read_csv(quick.paths.tuning / "trials.csv")) == quick.max_trials
    assert "minutes" not in capsys.readouterr().out


def test_the_best_trial_is_the_best_by_a_metric_of_ones_own(quick: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Metric("Own", greater_is_better=True, function=lambda *_: None)
    monkeypatch.setitem(metrics.METRICS, "own", own)
    scores = iter([1.0, 3.0, 2.0])
    monkeypatch.setattr(search.Reporting, "run_trial", lambda *_, **__: {"val_own": next(scores)})
    config = quick.model_copy(update={"objective": "own", "max_trials": 3})
    tune.main(config)
    winner = artifacts.read_json(config.paths.best_hyperparameters, "tune")
    trials = pd.read_csv(config.paths.tuning / "trials.csv")
    assert (winner["monitor"], winner["score"]) == ("val_own", 3)
    assert trials["val_own"].tolist() == [3, 2, 1]
    assert "Own 3 on validation" in (config.paths.tuning / "report.html").read_text(encoding="utf-8")
    assert train.best_hyperparameters(config).values == winner["values"]
    assert train.best_hyperparameters(quick).values == {}


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
        search.search_key(trained.model_copy(update={"objective": trained.metric}), space),
    }
    assert len(keys) == 5
    assert search.search_key(trained.model_copy(update={"max_trials": 7}), space) in keys
    monkeypatch.setattr(staleness, "PACKAGE", tmp_path)  # other code
    assert search.search_key(trained, space) not in keys
