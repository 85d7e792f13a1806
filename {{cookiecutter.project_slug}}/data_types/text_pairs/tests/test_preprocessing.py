"""Batches: each pair once, alike in length, the same after a restart; vocabularies of training texts only."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from project import features, preprocessing, task
from project.data import loading
from project.pairs import length_buckets
from project.pairs.tokenizing import END, START
from project.stages import collect

from declared import Config

GREEK = {ord(latin): greek for latin, greek in zip("abcdefghijklmnoprstuwyz", "αβγδεζηθικλμνξοπρστυφχψ", strict=True)}


def ragged(num_pairs: int, seed: int) -> tf.RaggedTensor:
    random = np.random.default_rng(seed)
    return tf.ragged.constant(
        [[*random.integers(3, 50, random.integers(1, 30)).tolist(), END] for _ in range(num_pairs)], dtype="int32"
    )


def batches(size: int, epoch: int, seed: int = 0) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    number = tf.Variable(epoch, dtype="int32")
    dataset = length_buckets.shuffled(ragged(103, 0), ragged(103, 1), size, seed, number)
    return list(dataset.as_numpy_iterator())


def test_each_pair_comes_once_in_batches_of_as_many_pieces() -> None:
    found = batches(16, 0)
    assert len(found) == 7
    longest = np.maximum(ragged(103, 0).row_lengths(), ragged(103, 1).row_lengths())
    pieces = {tuple(row): number for row, number in zip(ragged(103, 1).to_list(), longest, strict=True)}
    sizes = [sum(pieces[tuple(row[row > 0])] for row in following) for _, following in found]
    assert max(sizes) - min(sizes) <= 2 * longest.max()
    assert len({len(following) for _, following in found}) > 1
    assert all(len(following) for _, following in batches(1, 0))
    rows = sorted(tuple(row[row > 0]) for _, following in found for row in following)
    assert rows == sorted(tuple(row) for row in ragged(103, 1).to_list())


def test_the_network_is_given_what_comes_before_each_piece() -> None:
    for inputs, following in batches(16, 0):
        assert (inputs["target"][:, 0] == START).all()
        np.testing.assert_array_equal(inputs["target"][:, 1:], following[:, :-1])
        assert inputs["source"].dtype == following.dtype == np.int32


def test_little_of_a_batch_is_padding() -> None:
    shares = [np.mean(following == 0) for _, following in batches(16, 0)]
    source, target = ragged(103, 0).to_tensor().numpy(), ragged(103, 1).to_tensor().numpy()
    assert np.mean(shares) < np.mean([np.mean(source == 0), np.mean(target == 0)])


def test_batches_depend_on_seed_and_epoch_only() -> None:
    def first(epoch: int, seed: int) -> list[int]:
        return batches(16, epoch, seed)[0][1].ravel().tolist()

    assert first(3, 0) == first(3, 0)
    assert first(3, 0) != first(4, 0)
    assert first(3, 0) != first(3, 1)


@pytest.fixture
def collected(make_config: Callable[..., Config]) -> Config:
    config = make_config()
    collect.main(config)
    return config


def test_pieces_are_of_training_texts_only(collected: Config) -> None:
    train = loading.read_examples(collected, "train")
    before = preprocessing.build_preprocessor(collected, train).get_layer("pieces").pieces
    other = collected.paths.examples("test")
    loading.read_examples(collected, "test").assign(source="zebra zebra zebra").to_parquet(other)
    assert preprocessing.build_preprocessor(collected, train).get_layer("pieces").pieces == before
    assert not any("zebra" in piece for piece in before)


def test_a_dataset_holds_the_codes_of_both_sides(collected: Config) -> None:
    examples = loading.read_examples(collected, "train")
    preprocessor = preprocessing.build_preprocessor(collected, examples)
    target = task.describe_target(collected, examples["target"])
    dataset = preprocessing.make_dataset(collected, "train", preprocessor, target, tf.Variable(0, dtype="int32"))
    encoded = {tuple(codes) for codes in task.encode(target, examples["target"]).to_list()}
    found = [tuple(row[row > 0]) for _, following in dataset for row in following.numpy()]
    assert len(found) == len(examples)
    assert set(found) == encoded
    assert sum(len(following) for _, following in preprocessing.make_dataset(collected, "test", preprocessor, target))


def test_pieces_of_the_target_come_first_where_the_script_is_the_same(collected: Config) -> None:
    examples = loading.read_examples(collected, "train")
    expected = list(task.describe_target(collected, examples["target"]).pieces)
    pieces = preprocessing.build_preprocessor(collected, examples).get_layer("pieces").pieces
    assert pieces[: len(expected)] == expected
    assert len(set(pieces)) == len(pieces) > len(expected)
    other = examples.assign(target=[text.translate(GREEK) for text in examples["target"]])
    pieces = preprocessing.build_preprocessor(collected, other).get_layer("pieces").pieces
    assert len(pieces) < len(expected)


def test_white_space_makes_no_difference_to_a_source() -> None:
    texts = tf.constant(["  one\u00a0two\tthree\n", "one two three", b"\xff one"])
    assert [text.decode() for text in features.Engineer()(texts).numpy()] == ["one two three"] * 2 + ["\ufffd one"]


def test_rows_without_a_text_are_bad() -> None:
    table = pd.DataFrame({"source": ["one", None, "", " \t", "NA", 7]})
    arrays, reasons = preprocessing.parse_arrays(Config(), {"source": {"column": "source"}}, table)
    assert (reasons != "").tolist() == [False, True, True, True, False, False]
    assert arrays["source"].tolist()[4:] == ["NA", "7"]


def test_weights_stay_with_their_pairs() -> None:
    source, target = ragged(103, 0), ragged(103, 1)
    lengths = target.row_lengths().numpy()
    shuffled = length_buckets.shuffled(source, target, 16, 0, tf.Variable(0, dtype="int32"), lengths)
    total = 0.0
    for _, following, weights in (*shuffled, *length_buckets.in_order(source, target, 16, lengths)):
        pieces = (following.numpy() > 0).sum(axis=1)
        np.testing.assert_allclose(weights / weights[0], pieces / pieces[0], rtol=1e-5)
        total += float((weights.numpy() * pieces).sum())
    assert total == pytest.approx(2 * lengths.sum(), rel=1e-5)
