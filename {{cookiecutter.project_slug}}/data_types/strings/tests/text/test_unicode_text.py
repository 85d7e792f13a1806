"""Any text has an identity, whatever its script, and is empty only if there is nothing to read."""

import pytest

from project.text.unicode_text import identity, is_empty, repair

from text_examples import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_has_an_identity(text: str) -> None:
    assert len(identity(text)) == 32
    assert not is_empty(text)


@pytest.mark.parametrize("text", ["", " \t\n", "\0\0", "\u200b\u2060", "\ufeff"])
def test_a_text_without_anything_to_read_is_empty(text: str) -> None:
    assert is_empty(text)


@pytest.mark.parametrize("text", ["!", "0", "🙂", "\u0301", "\ufffd"])
def test_a_single_sign_is_a_text(text: str) -> None:
    assert not is_empty(text)


def test_lone_surrogates_and_a_byte_order_mark_are_repaired() -> None:
    assert repair("\ufeffa\ud800b\udfff") == "a\ufffdb\ufffd"
    assert repair("\U0001f642 stays") == "\U0001f642 stays"


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
