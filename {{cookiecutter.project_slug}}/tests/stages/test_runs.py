"""make runs and make compare: every training is kept, runs can be told apart, and chance is told from a difference."""

import errno
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project.core import artifacts
from project.core.errors import InputError, RefusedError
from project.data.resampling import Context
from project.evaluation import scoring
from project.stages import compare, runs, train
from project.training import run_history

from declared import Config


def test_a_file_system_without_hard_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").write_bytes(b"weights")
    run_history.link_or_copy(tmp_path / "model", tmp_path / "linked")
    assert (tmp_path / "linked").samefile(tmp_path / "model")
    monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOTSUP, "unsupported")))
    run_history.link_or_copy(tmp_path / "model", tmp_path / "copied")
    assert (tmp_path / "copied").read_bytes() == b"weights"
    assert not (tmp_path / "copied").samefile(tmp_path / "model")


def add_run(config: Config, number: int, shuffle: bool = False, **facts: Any) -> None:
    """Another run like the first one, whose predictions may stand at the wrong examples."""
    first, folder = config.paths.kept_run(1), config.paths.kept_run(number)
    targets, predictions, _ = run_history.read_predictions(config, 1)
    shutil.copytree(first, folder)
    changed = run_history.read(config, 1).facts | {"model": f"model {number}"} | facts
    artifacts.write_json(folder / "run.json", changed)
    order = np.random.default_rng(0).permutation(len(targets)) if shuffle else np.arange(len(targets))
    moved = {name: values[order] for name, values in predictions.items()}
    scores = scoring.intervals(targets, moved, Context(config, changed["parts"]), config.resamples)
    run_history.add_scores(config, f"model {number}", scores, targets, moved)


@pytest.fixture
def scored(evaluated: Config, trained: Config) -> Config:
    """A copy of the finished project, whose only run is scored."""
    assert run_history.read(trained, 1).scores == run_history.read(evaluated, 1).scores != {}
    return trained


def test_a_training_is_kept_whole(finished: Config) -> None:
    folder = finished.paths.kept_run(1)
    run = run_history.read(finished, 1)
    assert run.facts == artifacts.read_json(finished.paths.run, "train")
    assert run.facts["settings"]["epochs"] == finished.epochs
    assert (folder / "model.keras").samefile(finished.paths.model)
    assert (folder / "history.csv").read_bytes() == finished.paths.history.read_bytes()
    assert list(folder.glob("logs/validation/events*"))
    assert not finished.paths.logs.exists()


def test_the_list_shows_scores_and_settings_the_newest_first(
    scored: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = Config.by_source(Config.model_fields["source"].default)
    settings = Config.model_construct(**usual).public() | {"epochs": 77, "artifacts": "elsewhere"}
    add_run(scored, 2, settings=settings, commit="0123456789abcdef+", tuned={"width": 8, "rate": 1e-3 / 3})
    artifacts.remove(scored.paths.kept_run(1) / run_history.SCORES)  # the list scores what was not evaluated
    runs.main(scored)
    header, newest, oldest, *_ = capsys.readouterr().out.splitlines()
    value = scored.metric in header and scoring.score(scored, run_history.read(scored, 1))
    assert newest.split()[0] == "2"
    assert "  epochs=77  " in newest
    assert "  width=8 rate=0.0003333  " in newest
    assert newest.endswith("01234567+")
    assert oldest.split()[0] == "1"
    assert f"  {value}  " in oldest
    assert run_history.read(scored, 1).facts["data"][:8] in oldest


def test_a_run_on_examples_that_are_gone_is_not_scored(trained: Config, capsys: pytest.CaptureFixture[str]) -> None:
    path = trained.paths.kept_run(1) / "run.json"
    artifacts.write_json(path, run_history.read(trained, 1).facts | {"validation": "other"})
    artifacts.remove(path.parent / run_history.SCORES)  # in case that it was evaluated before
    runs.main(trained)
    assert "not scored" in capsys.readouterr().out.splitlines()[1]
    add_facts = {"validation": "other", "model": "another"}
    shutil.copytree(path.parent, trained.paths.kept_run(2))
    artifacts.write_json(trained.paths.kept_run(2) / "run.json", run_history.read(trained, 1).facts | add_facts)
    with pytest.raises(RefusedError, match="run 1 was not evaluated"):
        compare.main(trained)


def test_a_worse_run_is_told_from_a_better_one(scored: Config, capsys: pytest.CaptureFixture[str]) -> None:
    settings = run_history.read(scored, 1).facts["settings"] | {"epochs": 77}
    add_run(scored, 2, shuffle=True, settings=settings)
    compare.main(scored)
    printed = capsys.readouterr().out
    assert f"setting epochs  {scored.epochs}" in printed
    assert "run 1 is significantly better" in printed
    compare.main(scored.model_copy(update={"runs": (2, 1)}))
    assert "run 1 is significantly better" in capsys.readouterr().out


def test_two_runs_that_predict_the_same_do_not_differ(scored: Config, capsys: pytest.CaptureFixture[str]) -> None:
    add_run(scored, 2)
    compare.main(scored)
    printed = capsys.readouterr().out
    assert "nothing differs" in printed
    assert "no significant difference" in printed
    assert "significant " not in printed.replace("significant difference", "")


def test_other_validation_examples_are_refused(scored: Config) -> None:
    add_run(scored, 2, validation="other")
    with pytest.raises(RefusedError, match="validation examples differ"):
        compare.main(scored)


def test_runs_that_are_not_there_are_refused(scored: Config) -> None:
    with pytest.raises(InputError, match="two runs are needed and there are 1"):
        compare.main(scored)
    with pytest.raises(InputError, match="there is no run 7; there are: 1"):
        compare.main(scored.model_copy(update={"runs": (1, 7)}))
    artifacts.remove(scored.paths.runs)
    with pytest.raises(InputError, match="make train"):
        runs.main(scored)


def test_the_oldest_runs_make_room(trained: Config) -> None:
    for _ in range(3):
        run_history.keep(trained.model_copy(update={"max_runs": 2}))
    assert trained.paths.kept_runs() == [3, 4]


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is not None, reason="MLflow is installed")
def test_without_mlflow_its_setting_is_refused_before_training(trained: Config) -> None:
    with pytest.raises(InputError, match="MLflow is not installed"):
        train.main(trained.model_copy(update={"mlflow": "http://localhost:5000"}))
    assert trained.paths.kept_runs() == [1]


def test_a_run_is_sent_to_mlflow(trained: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mlflow = pytest.importorskip("mlflow")
    config = trained.model_copy(update={"mlflow": (tmp_path / "mlflow").as_uri()})
    run_history.keep(config)
    run_history.add_scores(config, run_history.read(config, 2).facts["model"], *scores_of(config))
    identity = artifacts.read_json(config.paths.kept_run(2) / run_history.IDENTITY, "train")
    sent = mlflow.get_run(identity["run"]).data
    assert sent.params["epochs"] == str(config.epochs)
    assert {"val_loss", config.metric, f"{config.metric}_low"} <= sent.metrics.keys()
    unreachable = config.model_copy(update={"mlflow": "http://127.0.0.1:9"})
    run_history.keep(unreachable)
    assert "did not accept the run" in capsys.readouterr().err
    assert unreachable.paths.kept_runs() == [1, 2, 3]


def scores_of(config: Config) -> tuple[dict[str, dict[str, float]], np.ndarray, dict[str, np.ndarray]]:
    """The scores of the first run and what they come from."""
    scoring.score_missing(config)
    targets, predictions, _ = run_history.read_predictions(config, 2)
    return run_history.read(config, 2).scores, targets, predictions
