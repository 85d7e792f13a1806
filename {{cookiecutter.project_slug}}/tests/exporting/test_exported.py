"""The Python interface: the exported model predicts and scores tables."""

import json

import pandas as pd
import pytest

from project import load
from project.core import artifacts
from project.core.errors import InputError
from project.data import tables
from project.exporting.saved_model import Exported
from project.settings.base import ENVIRONMENT_PREFIX

import synthetic
from declared import Config


@pytest.fixture
def exported(finished: Config, monkeypatch: pytest.MonkeyPatch) -> Exported:
    for name, value in finished.model_dump(mode="json", exclude_defaults=True).items():
        monkeypatch.setenv(
            f"{ENVIRONMENT_PREFIX}{name.upper()}", value if isinstance(value, str) else json.dumps(value)
        )
    return load()


def test_rows_are_predicted_with_their_index_and_texts(exported: Exported) -> None:
    table = (
        synthetic.make_table(40)
        .drop(columns=exported.config.ignore[0], errors="ignore")
        .set_index(pd.RangeIndex(100, 140))
    )
    predicted = exported.predict(table)
    assert predicted.index.equals(table.index)
    assert not {type(value) for value in predicted.iloc[-1]} & {bytes}
    assert predicted.notna().all(axis=None)


def test_scores_are_those_of_the_test_evaluation(exported: Exported, finished: Config) -> None:
    rows = tables.read_rows(finished, "test")
    history = getattr(finished, "context", 0)  # of series, which a window reaches back
    if history:
        rows = pd.concat([tables.read_rows(finished, "validation").tail(history), rows])
    verdict = artifacts.read_json(finished.paths.verdict, "accept")["metrics"]
    found = exported.evaluate(rows)
    assert found == pytest.approx({name: score["value"] for name, score in verdict.items()}, rel=1e-4, nan_ok=True)


def test_what_cannot_be_done_is_told_in_a_sentence(exported: Exported, finished: Config) -> None:
    table = synthetic.make_table(40)
    needed = next(iter(exported.description["inputs"].values()))["column"]
    for call in (exported.predict, exported.evaluate):
        with pytest.raises(InputError, match=f"the table lacks the columns '{needed}', which the model needs"):
            call(table.drop(columns=needed))
    with pytest.raises(InputError, match="is the target; add it"):
        exported.evaluate(table.drop(columns=finished.target))
    with pytest.raises(InputError, match="there is no version 7; there are: 1"):
        load(7)


def test_without_an_export_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}ARTIFACTS", "nowhere")
    with pytest.raises(InputError, match="holds no version: run `make export` first"):
        load()
