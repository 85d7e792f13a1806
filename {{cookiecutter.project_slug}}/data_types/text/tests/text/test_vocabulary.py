"""Texts become codes of words and n-grams in the graph: exactly, for any Unicode, and nothing but numbers is kept."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from project.features import CharacterCount
from project.text import tokenizing
from project.text.vocabulary import BagOfNgrams, WordSequence


def standardized(*texts: str | bytes) -> list[str]:
    cut = tokenizing.Cut(1_000)(tf.constant(list(texts)))
    return [text.decode() for text in tokenizing.Standardize()(cut).numpy()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", "hello , world !"),
        ("  a\t\nb\u3000c\u00a0d ", "a b c d"),
        ("don't L\u2019eau 'quoted' ''", "don't l\u2019eau quoted"),
        ("ÀÉ ŽŁ", "àé žł"),
        ("東京タワー ไทย", "東 京 タ ワ ー ไ ท ย"),
        ("🙂🙂 a_b 3.14", "🙂 🙂 a_b 3 . 14"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("nul\0nul", "nul nul"),
        (b"bro\xffken \xed\xa0\x80", "bro \ufffd ken \ufffd \ufffd \ufffd"),
        ("שלום, عالم", "שלום , عالم"),
        ("", ""),
    ],
)
def test_words_and_signs_stand_between_spaces(text: str | bytes, expected: str) -> None:
    assert standardized(text) == [expected]


def test_a_text_is_cut_by_characters_not_bytes() -> None:
    cut = tokenizing.Cut(3)(tf.constant(["🙂🙂🙂🙂", "ab", "x" * 1_000_000]))
    assert [text.decode() for text in cut.numpy()] == ["🙂🙂🙂", "ab", "xxx"]


def test_character_ngrams_know_the_borders_of_words() -> None:
    found = {gram.decode() for gram in tokenizing.character_ngrams(tf.constant(["ab c"]))[0].numpy()}
    assert {"a", " a", "ab", " ab ", "b c ", "c "} <= found
    assert {len(gram) for gram in found} == set(tokenizing.CHARACTER_NGRAMS)


def adapted(layer: WordSequence | BagOfNgrams, **options: int) -> WordSequence | BagOfNgrams:
    texts = np.array([b"a b c", b"a b", b"a d", b"a a"], object)
    layer.adapt(texts, **{"min_count": 2, "max_size": 10, "max_length": 10, **options})
    return layer


def test_words_keep_their_order_and_rare_ones_are_unseen() -> None:
    layer = adapted(WordSequence("words"))
    codes = keras.ops.convert_to_numpy(layer(tf.constant(["a b c", "b a", "", "zz"])))
    assert codes.shape == (4, 3)
    assert layer.size == 2
    first, second = codes[0, 0], codes[0, 1]
    assert {first, second} == {2, 3}
    np.testing.assert_array_equal(codes, [[first, second, 1], [second, first, 0], [0, 0, 0], [1, 0, 0]])


def test_a_bag_holds_each_known_ngram_once() -> None:
    layer = adapted(BagOfNgrams("word_ngrams"))
    codes = keras.ops.convert_to_numpy(layer(tf.constant(["a b a b", "b", "zz", ""])))
    assert layer.size == 3  # a, b and "a b"
    assert sorted(codes[0]) == [1, 2, 3]
    assert np.count_nonzero(codes, axis=1).tolist() == [3, 1, 0, 0]
    weights = layer.inverse_document_frequencies()
    assert weights[0] == 0
    assert weights.shape == (4,)
    np.testing.assert_allclose(sorted(weights[1:]), [1, 1 + np.log(2), 1 + np.log(2)], rtol=1e-6)


def test_the_most_frequent_pieces_are_kept_and_long_texts_cut() -> None:
    layer = adapted(BagOfNgrams("word_ngrams"), max_size=1, max_length=1)
    assert np.count_nonzero(layer(tf.constant(["a", "b"])), axis=1).tolist() == [1, 0]
    assert adapted(WordSequence("words"), max_length=2)(tf.constant(["a b a b"])).shape == (1, 2)


def test_texts_that_have_nothing_in_common_leave_an_empty_vocabulary() -> None:
    layer = BagOfNgrams("word_ngrams")
    layer.adapt(np.array([b"a", b"b", b""], object), 2, 10, 10)
    assert not keras.ops.convert_to_numpy(layer(tf.constant(["a", "c", ""]))).any()


@pytest.mark.parametrize("layer", [WordSequence("words"), BagOfNgrams("character_ngrams")])
def test_a_saved_vocabulary_gives_the_same_codes(layer: WordSequence | BagOfNgrams, tmp_path: Path) -> None:
    inputs = keras.Input((), dtype="string")
    model = keras.Model(inputs, adapted(layer)(inputs))
    model.save(tmp_path / "model.keras")
    texts = np.array(["a b c", "d a", "🙂"], object)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.predict_on_batch(texts), again.predict_on_batch(texts))


def test_characters_are_counted_by_a_pattern() -> None:
    counts = CharacterCount(r"\p{Lu}")(tf.constant(["ÀBc", "", "🙂A"]))
    np.testing.assert_array_equal(counts, [2, 0, 1])
