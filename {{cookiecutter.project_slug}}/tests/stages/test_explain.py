"""make explain: one example is shown at every step of its way, and what cannot be shown is refused."""

import keras
import pytest

from project.core import artifacts
from project.core.errors import InputError
from project.data import loading
from project.evaluation.explain import MEANING, attributions, steps
from project.stages import explain

import synthetic
from declared import Config


def test_every_step_is_shown(finished: Config, capsys: pytest.CaptureFixture[str]) -> None:
    explain.main(finished.model_copy(update={"row": "3"}))
    printed = capsys.readouterr().out
    assert printed.startswith("example 3 of the validation split")
    places = [printed.index(f"\n{step}") for step in ("raw", "encoded", "prediction")]
    assert places == sorted(places)
    truth = loading.read_examples(finished, "validation")[finished.target].iloc[2]
    assert f"true {finished.target}  " in printed
    assert explain.written(truth) in printed
    assert ("attribution (" in printed) == bool(MEANING)


def test_steps_and_contributions_are_about_the_example(finished: Config, complete: keras.Model) -> None:
    _, _, example = explain.find(finished)
    assert all(steps(finished, complete, example).values())
    contributions = attributions(finished, complete, example)
    assert bool(contributions) == bool(MEANING)
    assert any(contributions.values()) == bool(contributions)


def test_an_example_can_be_named_by_its_key(finished: Config) -> None:
    wanted = loading.read_examples(finished, "train")[synthetic.UNIQUE].iloc[4]
    config = finished.model_copy(update={"key": synthetic.UNIQUE, "row": str(wanted)})
    split, place, example = explain.find(config)
    assert (split, place) == ("train", 4)
    assert example[synthetic.UNIQUE].iloc[0] == wanted


@pytest.mark.parametrize("row", ["0", "1000000", "-1", "x", ""])
def test_an_example_that_is_not_there_is_refused(finished: Config, row: str) -> None:
    with pytest.raises(InputError, match="a number from 1 to"):
        explain.main(finished.model_copy(update={"row": row}))


def test_a_model_of_other_data_is_refused(trained: Config) -> None:
    artifacts.write_json(trained.paths.run, artifacts.read_json(trained.paths.run, "train") | {"data": "other"})
    with pytest.raises(InputError, match="make train"):
        explain.main(trained)


def test_hostile_text_stays_on_its_line() -> None:
    assert explain.written("a\nb\x1b[31m\u202e") == "a b<U+001B>[31m<U+202E>"
    assert explain.written(float("nan")) == "missing"
    assert "1,000 characters" in explain.written("x" * 1_000)
