"""Decoding: the cache changes nothing, one beam is greedy, and no translation depends on those beside it."""

from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from project.pairs.search import BeamSearch
from project.pairs.tokenizing import END, PADDING, START
from project.pairs.transformer import Transformer, mask_of

CODES, MAX_PIECES = 12, 12
SOURCES = np.array([[3, 4, 5, 6, END], [7, END, 0, 0, 0], [8, 9, 10, END, 0], [11, 3, END, 0, 0]], "int32")


@lru_cache
def transformer() -> Transformer:
    """With random weights that make it decided: large ones."""
    keras.utils.set_random_seed(1)
    layer = Transformer((CODES, CODES), width=16, heads=2, blocks=1, dropout=0.3)
    layer({"source": SOURCES, "target": SOURCES})
    for weight in layer.weights:
        weight.assign(weight + 0.3 * np.random.default_rng(0).normal(size=weight.shape))
    return layer


@lru_cache
def compiled(beams: int) -> Any:
    """A search of at most MAX_PIECES steps."""
    return tf.function(
        BeamSearch(transformer(), beams, 1.0, MAX_PIECES).call, input_signature=[tf.TensorSpec((None, None), "int32")]
    )


def search(beams: int, sources: np.ndarray = SOURCES) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in compiled(beams)(tf.constant(sources)).items()}


@lru_cache
def whole() -> Any:
    """The network without a cache."""
    codes = tf.TensorSpec((None, None), "int32")
    return tf.function(transformer().call, input_signature=[{"source": codes, "target": codes}])


def log_probabilities(source: np.ndarray, target: list[int]) -> np.ndarray:
    """Of each next code (CODES,), computed anew for all that was decoded so far."""
    logits = whole()({"source": source[None], "target": np.array([[START, *target]], "int32")})
    logits = logits.numpy()[0, -1].astype("float64")
    logits[[PADDING, START]] = -np.inf
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def greedy(source: np.ndarray) -> tuple[list[int], float]:
    """The likeliest code again and again, and the sum of its log-probabilities."""
    limit, found, total = MAX_PIECES, list[int](), 0.0
    while len(found) < limit and (not found or found[-1] != END):
        likely = log_probabilities(source, found)
        found.append(int(likely.argmax()))
        total += likely.max()
    return found, total


def test_one_beam_with_a_cache_finds_what_a_greedy_search_without_one_does() -> None:
    found = search(1)
    for row, source in enumerate(SOURCES):
        codes, total = greedy(source)
        assert found["codes"][row][: len(codes)].tolist() == codes
        assert set(found["codes"][row][len(codes) :]) <= {END}
        assert found["pieces"][row] == len(codes)
        assert found["confidence"][row] == pytest.approx(np.exp(total / len(codes)), rel=1e-4)


def test_a_step_with_a_cache_gives_the_logits_of_the_whole() -> None:
    target = np.array([[START, 5, 7, 9, 4]] * len(SOURCES), "int32")
    expected = whole()({"source": SOURCES, "target": target}).numpy()
    mask = mask_of(SOURCES)
    memory = transformer().memory(transformer().encode(SOURCES, mask))
    cache = transformer().empty_cache(len(SOURCES), 1)
    for number in range(target.shape[1]):
        logits, cache = transformer().step(tf.constant(target[:, number : number + 1]), number, memory, mask, cache)
        np.testing.assert_allclose(logits[:, 0], expected[:, number], atol=1e-4)


def best_of_all(source: np.ndarray, length: int, penalty: float) -> list[int]:
    """The best translation of at most so many pieces, of all that there are."""
    best: tuple[float, list[int]] = (-np.inf, [])
    waiting: list[tuple[float, list[int]]] = [(0.0, [])]
    while waiting:
        total, codes = waiting.pop()
        likely = log_probabilities(source, codes)
        for code in range(END, CODES):
            longer, value = [*codes, code], total + likely[code]
            if code == END or len(longer) == length:
                best = max(best, (value / ((5 + len(longer)) / 6) ** penalty, longer))
            else:
                waiting.append((value, longer))
    return best[1]


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_enough_beams_find_the_best_translation_of_all(penalty: float) -> None:
    layer = BeamSearch(transformer(), 120, penalty, max_pieces=2)
    found = {name: np.asarray(values) for name, values in layer(tf.constant(SOURCES)).items()}
    for row, source in enumerate(SOURCES):
        assert found["codes"][row][: found["pieces"][row]].tolist() == best_of_all(source, 2, penalty)


@pytest.mark.parametrize("beams", [1, 4])
def test_a_translation_does_not_depend_on_those_beside_it_nor_on_padding(beams: int) -> None:
    together = search(beams, np.pad(SOURCES, [[0, 0], [0, 7]]))
    for row, source in enumerate(SOURCES):
        alone = search(beams, source[source != PADDING][None])
        length = alone["pieces"][0]
        assert together["pieces"][row] == length
        np.testing.assert_array_equal(together["codes"][row][:length], alone["codes"][0][:length])
        np.testing.assert_allclose(together["confidence"][row], alone["confidence"][0], rtol=1e-4)


def test_searching_again_finds_the_same() -> None:
    first, second = search(3), search(3)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_nothing_is_found_for_nothing() -> None:
    assert search(2, SOURCES[:0])["codes"].shape[0] == 0


def test_nothing_but_pieces_is_in_a_translation() -> None:
    found = search(4)
    for row, pieces in zip(found["codes"], found["pieces"], strict=True):
        assert not {PADDING, START} & set(row[:pieces].tolist())


def test_the_layer_comes_back_with_its_transformer(tmp_path: object) -> None:
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, BeamSearch(transformer(), 2, 1.0, 20)(inputs))
    model.save(f"{tmp_path}/model.keras")
    again = keras.models.load_model(f"{tmp_path}/model.keras")
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model(SOURCES)["codes"], again(SOURCES)["codes"])
