"""What is measured of a text, whatever its script, and which texts count as the same."""

import pytest

from project import texts
from project.texts import identity, is_empty, measure, mended

HOSTILE = [
    "\0nul\0",
    "👩‍👩‍👧 family 🏳️‍🌈",
    "שלום عليكم",
    "e\u0301 combining",
    "\u202eoverride",
    "中文字符 ไทย",
    "\ufffd\ufffe\uffff",
    "a" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_has_measures_within_their_bounds(text: str) -> None:
    measures = measure(text, 10_000)
    assert tuple(measures) == texts.NUMBERS
    assert measures["characters"] == len(text)
    assert all(isinstance(measures[name], int) for name in texts.WHOLE)
    assert all(0 <= measures[name] <= 1 for name in texts.NUMBERS if name not in texts.WHOLE)
    assert len(identity(text)) == 32
    assert not is_empty(text)


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
def test_a_text_without_anything_to_read_is_empty(text: str) -> None:
    assert is_empty(text)
    assert measure(text, 10)["letters"] == 0


@pytest.mark.parametrize("text", ["!", "0", "🙂", "\u0301", "\ufffd"])
def test_a_single_sign_is_a_text(text: str) -> None:
    assert not is_empty(text)


def test_lone_surrogates_and_a_byte_order_mark_are_mended() -> None:
    assert mended("\ufeffa\ud800b\udfff") == "a\ufffdb\ufffd"
    assert mended("\U0001f642 stays") == "\U0001f642 stays"


@pytest.mark.parametrize(
    "other", ["the  CAT, sat", "The cat sat!", "The cat\nsat", "\uff34he cat sat", " “The cat” sat…"]
)
def test_near_duplicates_share_a_hash(other: str) -> None:
    assert identity(other) == identity("The cat sat")


def test_composed_and_decomposed_characters_are_the_same() -> None:
    assert identity("caf\u00e9") == identity("cafe\u0301")


@pytest.mark.parametrize("other", ["The cats sat", "cat the sat", "?!", "🙂"])
def test_other_texts_have_another_hash(other: str) -> None:
    assert identity(other) != identity("The cat sat")
    assert identity("?!") != identity("🙂")
