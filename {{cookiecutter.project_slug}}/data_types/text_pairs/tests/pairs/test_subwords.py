"""Pieces are learned from what repeats, and any text is split and put together again without a loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from project.pairs import subwords, tokenizing

SENTENCES = ["The old clock is old.", "An older clock ticks.", "clocks tick, clocks tock", "été, étés: 12 étés"] * 3
PIECES = subwords.learn(SENTENCES, 400)
HOSTILE = [
    "",
    " ",
    "  two  spaces and one behind ",
    "a\0b\0",
    "\n\ttabs\r\n",
    "\ufefffile",
    "👩‍👩‍👧‍👦 🏴‍☠️ emoji",
    "שלום \u202eolleh\u202c عالم",
    "e\u0301 is not é",
    "\ufffd�",
    "漢字かな交じり文、ไทย",
    "\U0010ffff\x7f\x01",
    "clock" * 30,
]


def encode(texts: list[str], max_pieces: int = 300, pieces: tuple[str, ...] = PIECES) -> np.ndarray:
    return np.asarray(tokenizing.Encode(pieces, max_pieces)(tf.constant(texts)))


def decode(codes: np.ndarray, pieces: tuple[str, ...] = PIECES) -> list[str]:
    return [text.decode() for text in tokenizing.join_pieces(pieces, tf.constant(codes)).numpy()]


def spelled(codes: np.ndarray) -> list[str]:
    """The pieces behind codes, without those that stand for none."""
    names = [PIECES[code - tokenizing.NUM_SPECIAL] for code in codes if code >= tokenizing.NUM_SPECIAL]
    return [name.encode("latin-1").decode(errors="replace") for name in names]


def test_bytes_come_first_then_what_repeats_most() -> None:
    assert PIECES[:256] == subwords.BYTES
    assert subwords.in_bytes("é") == PIECES[256]
    assert " clock" in PIECES
    assert len(set(PIECES)) == len(PIECES) <= 400
    assert max(map(len, PIECES)) <= subwords.LONGEST_PIECE


def test_learning_is_deterministic_and_bounded() -> None:
    assert subwords.learn(reversed(SENTENCES), 400) == PIECES
    assert subwords.learn(SENTENCES, 260) == PIECES[:260]
    assert subwords.learn([], 300) == subwords.BYTES


def test_languages_of_one_script_are_told_from_others() -> None:
    french = ["La vieille horloge est vieille.", "Une horloge fait tic tac."]
    assert subwords.share_script(SENTENCES, french)
    assert not subwords.share_script(SENTENCES, ["Старые часы стоят, 12.", "Новые часы идут."])
    assert not subwords.share_script(SENTENCES, ["古い時計は古いです。"])


def test_merging_joins_every_occurrence_and_counts_what_is_left() -> None:
    found = list(subwords.merges([list("aaab"), list("ab")], [4, 4]))
    assert found[0] == "aa"  # as often as ab, and before it in the alphabet
    assert subwords.join(list("aaaa"), ("a", "a")) == ["aa", "aa"]


def test_no_piece_crosses_the_end_of_a_word_and_digits_stay_alone() -> None:
    for piece in PIECES[256:]:
        text = piece.encode("latin-1").decode()
        assert " " not in text[1:]
        assert len(text) == 1 or not any(character.isdigit() for character in text)


def test_any_text_comes_out_as_it_went_in() -> None:
    assert decode(encode(HOSTILE)) == HOSTILE
    assert [decode(encode([text]))[0] for text in HOSTILE] == HOSTILE


def test_bytes_that_are_no_text_come_out_as_text() -> None:
    broken = tf.constant([b"\xff\xfe", b"ok \xe9"])
    codes = np.asarray(tokenizing.Encode(PIECES, 50)(broken))
    assert decode(codes) == ["\ufffd\ufffd", "ok \ufffd"]


def test_each_time_the_longest_piece_is_taken() -> None:
    (codes,) = encode(["clock clocks"])
    assert spelled(codes) == [" clock", " clocks"]
    assert "clocks" not in "".join(PIECES).replace(" clocks", "")  # without the space, it is put together
    assert "".join(spelled(encode(["(clocks"])[0])) == " (clocks"
    assert [code for code in codes if code < tokenizing.NUM_SPECIAL] == [tokenizing.END]


def test_a_text_does_not_depend_on_those_beside_it() -> None:
    together = encode(HOSTILE)
    for row, text in enumerate(HOSTILE):
        (alone,) = encode([text])
        np.testing.assert_array_equal(together[row, : len(alone)], alone)
        assert not together[row, len(alone) :].any()


def test_long_texts_are_cut() -> None:
    (codes,) = encode(["clock " * 10_000], max_pieces=7)
    assert len(codes) == 8
    assert codes[-1] == tokenizing.END


def test_an_empty_batch_is_none() -> None:
    assert tokenizing.Encode(PIECES, 10)(tf.constant([], "string")).shape[0] == 0


def test_the_layer_comes_back_from_its_settings() -> None:
    layer = tokenizing.Encode(PIECES, 20)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    np.testing.assert_array_equal(layer(tf.constant(HOSTILE)), again(tf.constant(HOSTILE)))


@pytest.mark.parametrize("text", ["", "\x00", " \t\n"])
def test_codes_that_stand_for_nothing_are_nothing(text: str) -> None:
    codes = np.concatenate([[[tokenizing.START]], encode([text]), [[tokenizing.PADDING]]], axis=1)
    assert decode(codes) == [text]
