"""make tune: the winner is the best completed trial, failures are reported, and a stopped search goes on."""

from typing import Any

import keras_tuner
import pandas as pd
import pytest

from project import artifacts, model, train, tune
from project.config import Config
from project.errors import RefusedError

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
    return trained.model_copy(update={"tuner": "random", "max_trials": 2, "epochs": 1})


def test_training_uses_the_winner(quick: Config) -> None:
    tune.main(quick)
    trials = pd.read_csv(quick.paths.tuning / "trials.csv")
    winner = artifacts.read_json(quick.paths.best_hyperparameters, "tune")
    assert len(trials) == 2
    assert winner["score"] == pytest.approx(trials[tune.task.MONITOR].min())
    assert train.best_hyperparameters(quick).values == winner["values"]
    assert "Parallel coordinates" in (quick.paths.tuning / "report.html").read_text(encoding="utf-8")


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
    tune.main(quick)
    trials = pd.read_csv(quick.paths.tuning / "trials.csv")
    assert trials["status"].str.contains("out of luck").sum() == 1
    assert "1 failed" in capsys.readouterr().out
    assert artifacts.read_json(quick.paths.best_hyperparameters, "tune")["score"] > 0


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


def test_a_search_goes_on_and_another_starts_anew(quick: Config, capsys: pytest.CaptureFixture[str]) -> None:
    single = quick.model_copy(update={"max_trials": 1})
    tune.main(single)
    tune.main(quick)
    assert "going on with a search that has 1 trials" in capsys.readouterr().out
    assert len(pd.read_csv(quick.paths.tuning / "trials.csv")) == 2
    tune.main(single.model_copy(update={"tuner": "grid"}))
    assert "going on" not in capsys.readouterr().out


def test_the_test_split_is_never_read(quick: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    read, splits = artifacts.read_examples, []

    def note(config: Config, split: str) -> pd.DataFrame:
        splits.append(split)
        return read(config, split)

    monkeypatch.setattr(artifacts, "read_examples", note)
    tune.main(quick.model_copy(update={"max_trials": 1}))
    assert set(splits) == {"train", "validation"}
