"""Texts become the same codes in training and in service, and baselines get TF-IDF weights."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from project import layers, preprocessing, task
from project.data import batching, loading, tables
from project.data.estimators import encode as encode_simple
from project.evaluation import inference
from project.training.fit import epoch_counter

from declared import Config
from network import targets_of


def encode(complete: keras.Model, *texts: str) -> dict[str, np.ndarray]:
    arrays = {"text": np.array(texts, object)}
    return batching.run_in_batches(complete.get_layer("preprocessor"), arrays, preprocessing.ENCODING_BATCH)


def test_codes_do_not_depend_on_the_company_of_a_text(complete: keras.Model) -> None:
    texts = ["a gold lamp", "x" * 50_000, "\ud7ff🙂\0", "", "rusty " * 3_000]
    together = encode(complete, *texts)
    for row, text in enumerate(texts):
        for name, values in encode(complete, text).items():
            np.testing.assert_array_equal(values[0], together[name][row])


def test_what_is_beyond_the_limit_changes_nothing(finished: Config, complete: keras.Model) -> None:
    start = "gold lamp " * (finished.max_characters // 10)
    one, other = (encode(complete, text) for text in (start, start + "rusty clock" * 100))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


def test_features_are_bounded(complete: keras.Model) -> None:
    features = encode(complete, "🙂" * 9_000, "!", "A" * 100)["features"]
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= preprocessing.MAX_DEVIATION


def test_every_epoch_has_an_order_of_its_own_and_every_example_once(finished: Config, complete: keras.Model) -> None:
    counter, target = epoch_counter(), inference.target_of(complete)
    dataset = preprocessing.make_dataset(finished, "train", complete.get_layer("preprocessor"), target, counter)
    first = np.concatenate([inputs["word_ngrams"].numpy() for inputs, _ in dataset])
    counter.assign(1)
    second = np.concatenate([inputs["word_ngrams"].numpy() for inputs, _ in dataset])
    assert len(first) == tables.num_examples(finished, "train")
    assert (first != second).any()
    assert sorted(row.tobytes() for row in first) == sorted(row.tobytes() for row in second)


def test_rows_without_a_text_are_bad() -> None:
    table = pd.DataFrame({"review": ["a", "", None, " ", 7]})
    inputs = {"text": {"column": "review"}}
    arrays, reasons = preprocessing.parse_arrays(Config(), inputs, table)
    assert arrays["text"].tolist() == ["a", "", "", " ", "7"]
    assert (reasons != "").tolist() == [False, True, True, True, False]


def test_baselines_learn_from_sparse_weights(finished: Config) -> None:
    train, test = (loading.read_examples(finished, split) for split in ("train", "test"))
    features, others = preprocessing.simple_features(finished, train, test)
    assert features.shape == (len(train), others.shape[1])
    assert encode_simple(features, others) is others
    longer = train.assign(characters=5_000)
    assert preprocessing.simple_features(finished, longer, test)[0].shape[1] < features.shape[1]


def test_long_texts_are_not_spelled(finished: Config, complete: keras.Model) -> None:
    examples = loading.read_examples(finished, "train")
    preprocessor = preprocessing.build_preprocessor(finished, examples.assign(characters=5_000))
    assert "character_ngrams" in complete.get_layer("preprocessor").output
    assert "character_ngrams" not in preprocessor.output
    single, pairs = (preprocessor.get_layer(name) for name in ("single_words", "word_ngrams"))
    assert 1 < single.size < pairs.size
    for bag in (single, pairs):  # by what a single text has, it would be memorised
        assert float(bag.document_shares.numpy().min()) >= 1.99 / len(examples)


def test_a_weighted_bag_sums_embeddings_by_their_weights() -> None:
    bag = layers.WeightedBag(4, 2, dropout=0.5)
    codes = np.array([[1, 3, 0], [0, 0, 0]], "int32")
    bag(codes)
    bag.weigh(np.array([0, 3, 1, 4], "float32"))
    embeddings = keras.ops.convert_to_numpy(bag.embeddings)
    expected = [0.6 * embeddings[1] + 0.8 * embeddings[3], [0, 0]]
    np.testing.assert_allclose(bag(codes), expected, rtol=1e-5, atol=1e-7)
    again = layers.WeightedBag.from_config(bag.get_config())
    assert again.get_config() == bag.get_config()


def test_an_ngram_is_telling_if_the_targets_of_its_texts_differ_from_the_others() -> None:
    has = sparse.csr_matrix([[1, 0, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0]] * 50, dtype=bool)
    targets = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]] * 50)  # nothing has the third class
    telling = layers.telling(has, targets)
    few = 100 / (100 + layers.FEW)
    np.testing.assert_allclose(telling, [few, few, 0, 50 / (50 + layers.FEW)])
    alone = layers.telling(has, targets, np.array([1.0, 1.0, 0.0, 0.0] * 50))
    np.testing.assert_allclose(alone, np.zeros(4))  # all that count have one class
    numbers = layers.telling(has, 5 + 10 * targets[:, :1])
    np.testing.assert_allclose(numbers, telling)


def test_a_linear_model_has_the_share_that_is_best_on_the_validation_split(
    finished: Config, complete: keras.Model
) -> None:
    target, train = inference.target_of(complete), loading.read_examples(finished, "train")
    codes = np.array([[1, 3], [2, 0], [2, 3], [1, 0]] * 20, "int32")
    encoded = task.encode(target, train[finished.target_columns])
    targets = targets_of(codes, encoded)
    known = keras.Input((2,), dtype="int32", name=layers.NGRAMS)
    outputs = task.output_head(keras.layers.Embedding(4, 2)(known), target)  # of two members, who see a code each
    model = layers.WithLinear(
        {layers.NGRAMS: known}, layers.BesideLinear(4, outputs.shape[-1], name=layers.LINEAR)([outputs, known])
    )
    metrics = task.metrics(target)
    model.compile(keras.optimizers.SGD(0.0), task.loss(target), weighted_metrics=metrics)  # the network learns nothing
    layer, batches = model.get_layer(layers.LINEAR), batching.in_order({layers.NGRAMS: codes}, targets, size=32)
    layer.bag.weigh(np.array([0, 1, 2, 1], "float32"))
    model.fit(batches, verbose=0)
    found = model.evaluate(batches, return_dict=True)
    assert found == pytest.approx(keras.Model.evaluate(model, batches, verbose=0, return_dict=True))
    losses = []
    for shares in ((1, 0), (0, 1)):
        layer.shares.assign(shares)
        losses.append(float(model.loss(targets, model({layers.NGRAMS: codes}))))
    assert found["loss"] <= min(losses) + 1e-6
    assert losses[1] < 0.5 * losses[0]
    linear = keras.ops.convert_to_numpy(layer.linear(codes))
    if encoded.dtype.kind == "i":
        assert (linear.argmax(axis=1) == targets[:, 0]).all()
        assert (linear[:, 2:] == layers.UNSEEN).all()
    elif encoded.ndim == 2:
        assert ((linear > 0) == targets[:, 0]).all()
    else:
        np.testing.assert_allclose(linear, targets, atol=0.3)
    again = layers.BesideLinear.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    if encoded.dtype.kind == "i":
        layer.fit(codes, np.ones(len(codes), "int32"))
        linear = keras.ops.convert_to_numpy(layer.linear(codes))
        assert (linear[:, 1] == 0).all(), "all that it has seen is of this class"
        assert (np.delete(linear, 1, axis=1) == layers.UNSEEN).all()
