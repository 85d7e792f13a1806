"""What is measured of a text, whatever its script."""

import pytest

from project.text import texts
from project.text.texts import measure

from text_examples import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_has_measures_within_their_bounds(text: str) -> None:
    measures = measure(text, 10_000)
    assert tuple(measures) == texts.NUMBERS
    assert measures["characters"] == len(text)
    assert all(isinstance(measures[name], int) for name in texts.WHOLE)
    assert all(0 <= measures[name] <= 1 for name in texts.NUMBERS if name not in texts.WHOLE)


def test_measures_are_counted() -> None:
    measures = measure("Ab 12, é!", 100)
    assert measures == {
        "characters": 9,
        "words": 3,
        "letters": pytest.approx(3 / 9, abs=1e-4),
        "upper_case": pytest.approx(1 / 3, abs=1e-4),
        "digits": pytest.approx(2 / 9, abs=1e-4),
        "spaces": pytest.approx(2 / 9, abs=1e-4),
        "punctuation": pytest.approx(2 / 9, abs=1e-4),
        "non_ascii": pytest.approx(1 / 9, abs=1e-4),
    }


def test_what_is_not_read_is_not_measured_but_for_the_length() -> None:
    assert measure("ab" + "1" * 8, 2) == measure("ab", 2) | {"characters": 10}


@pytest.mark.parametrize("text", ["", " \t\n", "\0\0", "\u200b\u2060", "\ufeff"])
def test_a_text_without_anything_to_read_has_measures_too(text: str) -> None:
    assert measure(text, 10)["letters"] == 0
