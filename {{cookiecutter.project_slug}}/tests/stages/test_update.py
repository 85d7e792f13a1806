"""make update: new data are checked, a challenger is trained, and only a fit one replaces the model in service."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from project.core import artifacts, staleness
from project.core.errors import InputError, RefusedError
from project.data import loading, tables
from project.data.requests import from_log, loggable
from project.evaluation.inference import identity
from project.exporting.registry import describe
from project.settings.base import SPLITS
from project.stages import train, update, validate
from project.training import run_history
from project.updating import new_data

import problem
import synthetic
from declared import Config


@pytest.fixture
def served(trained: Config, tmp_path: Path) -> Config:
    """The finished project with a schema, folders of its own and a decision that depends on the criteria only."""
    places = {name: tmp_path / name for name in ("incoming", "added")}
    config = trained.model_copy(update={**places, "schema_path": tmp_path / "schema.pbtxt", "promotion_margin": 1.0})
    validate.main(config)
    return config


def drop(config: Config, rows: pd.DataFrame) -> None:
    config.incoming.mkdir(exist_ok=True)
    rows.to_csv(config.incoming / "new.csv", index=False)


def decision(config: Config) -> dict[str, Any]:
    return artifacts.read_json(config.paths.update / "decision.json", "update")


def test_a_challenger_takes_over_hyperparameters_of_the_same_network_only(
    trained: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    update.keep_hyperparameters(trained, trained, 1)
    assert (
        train.best_hyperparameters(trained).values == artifacts.read_json(trained.paths.run, "train")["hyperparameters"]
    )
    monkeypatch.setattr(staleness, "network_hash", lambda _: "edited")
    update.keep_hyperparameters(trained, trained, 1)
    assert train.best_hyperparameters(trained).values == {}


def test_a_fit_challenger_replaces_the_model_in_service(served: Config, capsys: pytest.CaptureFixture[str]) -> None:
    before = loading.read_examples(served, "test")
    drop(served, synthetic.make_table(200, seed=5))
    update.main(served.model_copy(update={"warm_start": True}))
    assert "version 2 replaces version 1" in capsys.readouterr().out
    assert served.paths.versions() == [1, 2]
    assert served.paths.kept_runs() == [1, 2]
    assert decision(served)["promoted"] is True
    assert artifacts.read_json(served.paths.run, "train")["settings"]["start"].endswith("versions/1/model.keras")
    after = loading.read_examples(served, "test")
    assert set(before[synthetic.UNIQUE]) < set(after[synthetic.UNIQUE])
    assert sum(tables.num_examples(served, split) for split in SPLITS) > 500
    assert (served.added / "0001" / "new.csv").is_file()
    page = (served.paths.update / "report.html").read_text(encoding="utf-8")
    assert "Version 2 replaces version 1" in page
    assert not update.is_unfinished(served)
    update.main(served)
    assert "nothing new" in capsys.readouterr().out


def test_an_unfit_challenger_is_kept_out(
    served: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn_nothing_new(config: Config) -> None:
        shutil.copytree(served.paths.training, config.paths.training)
        run = artifacts.read_json(config.paths.run, "train")
        artifacts.write_json(config.paths.run, run | identity(config))
        run_history.keep(config)

    monkeypatch.setattr(train, "main", learn_nothing_new)
    kept = artifacts.content_hash(served.paths.model)
    drop(served, synthetic.make_table(40, seed=5))
    update.main(served.model_copy(update={"criteria": problem.UNREACHABLE}))
    assert "version 1 stays in service: the challenger does not meet the success criteria" in capsys.readouterr().out
    assert served.paths.versions() == [1]
    assert served.paths.kept_runs() == [1, 2]
    assert decision(served)["promoted"] is False
    assert artifacts.content_hash(served.paths.model) == kept
    history = artifacts.read_json(served.paths.test_evaluations, "accept")
    assert [len(models) for models in history.values()] == [1, 1]  # on the test split of before, and the grown one


def test_data_that_depart_from_the_schema_are_refused_and_stay_where_they_are(served: Config) -> None:
    table, column = synthetic.departing(synthetic.make_table(100, seed=5))
    drop(served, table)
    with pytest.raises(RefusedError, match=column):
        update.main(served)
    assert (served.incoming / "new.csv").is_file()
    assert served.paths.versions() == [1]


def test_an_interrupted_update_loses_nothing_and_goes_on(served: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(config: Config) -> None:
        raise KeyboardInterrupt

    kept = artifacts.content_hash(served.paths.model)
    drop(served, synthetic.make_table(40, seed=5))
    monkeypatch.setattr(train, "main", interrupt)
    with pytest.raises(KeyboardInterrupt):
        update.main(served)
    assert served.paths.versions() == [1]
    assert artifacts.content_hash(served.paths.model) == kept
    assert (served.added / "0001" / "new.csv").is_file()
    assert update.is_unfinished(served)
    update.add_data(served, update.candidate_config(served, 1))
    before, after = (
        sum(tables.num_examples(config, split) for split in SPLITS)
        for config in (served, update.candidate_config(served, 1))
    )
    assert after > before


def test_two_updates_at_once_are_refused(served: Config) -> None:
    with artifacts.locked(served.artifacts), pytest.raises(InputError, match=f"process {os.getpid()}"):
        update.main(served)


def test_without_a_version_the_target_to_run_is_named(served: Config) -> None:
    artifacts.remove(served.paths.export)
    with pytest.raises(InputError, match="make all"):
        update.main(served)


def log(config: Config, lines: list[dict[str, Any]]) -> None:
    config.paths.requests.mkdir(parents=True, exist_ok=True)
    with (config.paths.requests / "log.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
        file.write("{broken\n")


def keeping_all(config: Config) -> Config:
    """Where the log can leave files out, it keeps them."""
    return config.model_copy(update={"log_whole_files": True})


def test_requests_whose_label_is_known_become_examples_once(served: Config, capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime.now(UTC)
    inputs = describe(served, 1)["inputs"]
    rows = [
        {name: loggable(keeping_all(served), inputs[name], value) for name, value in row.items()}
        for row in synthetic.sent(synthetic.make_table(20, seed=5))
    ]
    common = {"version": 1, "status": 200, "latency_ms": 1.0, "outputs": {}, "time": start.isoformat()}
    log(served, [{**common, "id": "a", "row": number, "inputs": row} for number, row in enumerate(rows)])
    new_data.write_table(served, 1)
    assert not served.incoming.exists()
    known = tables.read_rows(served, "train")[served.target].tolist()[0]
    labels = {3: known, 4: {"no": "value"}, 5: known}
    later = {row: (start + timedelta(seconds=row)).isoformat() for row in labels}
    log(served, [{"id": "a", "row": row, "time": later[row], "label": label} for row, label in labels.items()])
    capsys.readouterr()
    new_data.write_table(served, 1)
    if served.time:  # clients do not send the time by which examples are split
        assert not served.incoming.exists()
        return
    (file,) = served.incoming.glob("feedback-*.jsonl")
    examples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    first = synthetic.COLUMNS[0]
    assert [example[first] for example in examples] == [from_log(rows[row][first]) for row in (3, 5)]
    assert {example[served.target] for example in examples} == {known}
    told = capsys.readouterr().out
    assert told.startswith("1 labelled requests are not used: the label {'no': 'value'} is no")
    assert "(row 4 of a)" in told
    assert examples[0].keys() == artifacts.read_json(served.paths.provenance, "collect")["columns"].keys()
    new_data.write_table(served, 1)
    assert list(served.incoming.iterdir()) == [file]
