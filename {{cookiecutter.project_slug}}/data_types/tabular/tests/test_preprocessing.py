"""From raw examples to tensors: gaps, unseen categories, dates, odd names and huge values."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from project import features, layers, preprocessing, task
from project.core import command
from project.core.errors import InputError
from project.data import batching, loading
from project.exporting import saved_model
from project.layers import QuantileTransform
from project.stages import collect
from project.training import fit

import problem
from declared import Config
from synthetic import make_table


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(target=problem.TARGET, ignore=(problem.OTHER_TARGET,))


@pytest.fixture(scope="module")
def preprocessor(config: Config) -> keras.Model:
    return preprocessing.build_preprocessor(config, make_table())


def encode(preprocessor: keras.Model, table: pd.DataFrame) -> dict[str, np.ndarray]:
    return batching.run_in_batches(preprocessor, preprocessing.raw_arrays(preprocessor.input, table), 1_000)


def test_shapes_and_types(preprocessor: keras.Model) -> None:
    encoded = encode(preprocessor, make_table())
    assert {name: (array.shape[0], array.dtype.name) for name, array in encoded.items()} == {
        "numbers": (400, "float32"),
        "missing": (400, "float32"),
        "categories": (400, "int32"),
        "texts": (400, "float32"),
    }
    assert all(np.isfinite(array).all() for array in encoded.values())
    assert abs(encoded["numbers"].mean()) < 0.2
    assert 0.7 < encoded["numbers"].std() < 1.1


def test_missing_and_unseen_values_have_their_own_code(preprocessor: keras.Model) -> None:
    table = make_table(4).assign(colour=[None, "purple", "red", "blue"], size=[np.nan, 1.0, 2.0, 3.0])
    encoded = encode(preprocessor, table)
    assert encoded["categories"][:, 0].tolist()[:2] == [0, 1]
    assert len(set(encoded["categories"][:, 0])) == 4
    assert encoded["missing"][:, 0].tolist() == [1, 0, 0, 0]
    assert preprocessing.vocabulary_sizes(preprocessor) == [5]


def test_features_may_be_of_any_type_and_made_by_any_preprocessing_layer(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ["red", "green", "blue"]

    def engineer(clean: features.Clean) -> features.Clean:
        colour, size = clean.categories["colour"], clean.numbers["size"]
        numbers = {"colour": keras.layers.StringLookup(vocabulary=kinds)(colour), "size": size > 10}
        categories: dict[str, keras.KerasTensor] = {
            "cross": layers.Cross()([colour, keras.ops.cast(size > 10, "int32")]),
            "hashed": keras.layers.HashedCrossing(50)((colour, keras.ops.cast(clean.numbers["weight"], "int32"))),
            "bins": keras.layers.Discretization([5.0, 10.0, 15.0])(size),
            "hash": keras.layers.Hashing(8)(colour),
            "floor": keras.ops.floor(keras.ops.reshape(clean.numbers["weight"], (-1, 1))),
        }
        return features.Clean(numbers, categories, texts=clean.texts)

    monkeypatch.setattr(features, "engineer", engineer)
    table = make_table()
    built = preprocessing.build_preprocessor(config, table)
    encoded = encode(built, table)
    sizes = preprocessing.vocabulary_sizes(built)
    assert encoded["numbers"].shape == (400, 2)
    assert encoded["categories"].shape == (400, len(sizes)) == (400, 5)
    assert (encoded["categories"].max(axis=0) < sizes).all()
    known = table["colour"].notna()
    combinations = table["colour"].fillna("") + np.where(table["size"] > 10, "1", "0")
    for place, expected in enumerate(
        [combinations.where(known), None, np.digitize(table["size"].fillna(99), [5, 10, 15])]
    ):
        if expected is not None:  # one code for each value
            pairs = pd.DataFrame({"code": encoded["categories"][:, place], "value": expected}).fillna("")
            assert pairs.groupby("value")["code"].nunique().max() == pairs.groupby("code")["value"].nunique().max() == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            lambda clean: {"numbers": {"x": clean.categories["colour"]}},
            "'x' among the numbers, but it is string; put it",
        ),
        (lambda clean: {"texts": {"x": clean.numbers["size"]}}, "'x' among the texts, but it is float32; put it among"),
        (
            lambda clean: {"numbers": {"x": keras.ops.ones((3, 2))}},
            r"gives 'x' the shape \(3, 2\); a column is \(batch,\)",
        ),
    ],
)
def test_a_feature_in_the_wrong_place_is_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch, changed: Callable[..., Any], message: str
) -> None:
    monkeypatch.setattr(features, "engineer", lambda clean: features.Clean(**changed(clean)))
    with pytest.raises(InputError, match=message):
        preprocessing.build_preprocessor(config, make_table())


def test_rare_categories_are_treated_as_unseen(config: Config) -> None:
    table = make_table().assign(colour=["red"] * 398 + ["odd"] * 2)
    assert preprocessing.vocabulary_sizes(preprocessing.build_preprocessor(config, table.drop(index=0))) == [3]


def test_a_constant_column_with_unicode_and_clashing_names() -> None:
    names = ["a b", "a/b", "class", "1st", "Größe €", "💰", "A b", ""]
    spelled = preprocessing.signature_names(names)
    assert len({name.lower() for name in spelled.values()}) == len(names)
    assert all(name.isidentifier() and name.isascii() for name in spelled.values())
    assert spelled["class"] == "class_"


def test_names_that_no_argument_may_have_are_served_and_exported(config: Config, tmp_path: Path) -> None:
    names = ["class", "from", "in", "is", "pass", "return", "global", "as", "with", "None", "self", "Self", "class_"]
    names += ["args", "kwargs", "cls", "name", "training", "inputs", "examples", "for", "a/b €", "💰"]
    numbers = np.random.default_rng(0).normal(size=(50, len(names)))
    table = pd.DataFrame(numbers, columns=names).assign(kind=["a", "b"] * 25)
    inputs = preprocessing.raw_inputs(config.model_copy(update={"target": "kind", "ignore": ()}), table)
    complete = keras.Model(inputs, {"prediction": keras.layers.add(list(inputs.values()))})
    saved_model.write(complete, tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    arrays = preprocessing.raw_arrays(complete.input, table)
    for signature, sent in (
        (saved_model.NAMED, saved_model.named(complete, arrays)),
        (saved_model.SERIALIZED, saved_model.serialized(arrays)),
    ):
        outputs = served[signature](**{name: tf.constant(array) for name, array in sent.items()})
        np.testing.assert_allclose(outputs["prediction"].numpy(), numbers.sum(axis=1), atol=1e-4)


def test_odd_column_names_reach_the_network_without_a_warning(config: Config) -> None:
    table = make_table().rename(columns={"size": "for", "weight": "a/b € blood-pressure", "colour": "💰"})
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        command.set_up_process()
        encoded = encode(preprocessing.build_preprocessor(config, table), table)
    assert not [each for each in found if "inputs" in str(each.message)]
    assert encoded["categories"].shape == (400, 1)


def test_dates_are_counted_in_days() -> None:
    texts = ["1970-01-01", "2000-02-29", "2026-11-22T12:00:00", "2026-11-22 06:00", "1969-12-31T00:00:00Z", "", "soon"]
    days = layers.DaysSinceEpoch()(np.array(texts)).numpy()
    expected = [(pd.Timestamp(text[:19]) - pd.Timestamp(0)) / pd.Timedelta("1D") for text in texts[:5]]
    np.testing.assert_allclose(days[:5], expected, atol=2e-3)
    assert np.isnan(days[5:]).all()


def test_quantiles_of_ties_gaps_and_outliers() -> None:
    column = np.concatenate([np.zeros(50), np.arange(1, 50), [1e30, np.nan]])[:, None].astype("float32")
    layer = QuantileTransform()
    layer.adapt(column)
    values = np.asarray(layer(np.array([[0], [25], [1e30], [-5], [np.nan], [np.inf]], "float32")))[:, 0]
    assert values[3] <= values[0] < values[1] < values[2] <= values[5] < 4
    assert values[4] == 0


def test_every_epoch_holds_every_example_once_in_a_new_order() -> None:
    inputs, targets = {"x": np.arange(10, dtype="float32")[:, None]}, np.arange(10)[:, None]
    epoch = fit.epoch_counter()
    dataset = batching.shuffled(inputs, targets, 4, 0, epoch)

    def order(number: int) -> list[int]:
        epoch.assign(number)
        return np.concatenate([batch.numpy() for _, batch in dataset])[:, 0].tolist()

    assert sorted(order(0)) == sorted(order(1)) == list(range(10))
    assert order(0) != order(1)
    assert order(1) == order(1)
    assert dataset.cardinality() == 3
    for _, numbers, weights in batching.shuffled(inputs, targets, 4, 0, epoch, np.arange(10)):
        np.testing.assert_allclose(weights, numbers.numpy()[:, 0] / 4.5, rtol=1e-6)


def test_datasets_match_the_tables(make_config: Callable[..., Config]) -> None:
    config = make_config()
    collect.main(config)
    train = loading.read_examples(config, "train")
    target = task.describe_target(config, train[config.target])
    preprocessor = preprocessing.build_preprocessor(config, train)
    validation = preprocessing.make_dataset(config, "validation", preprocessor, target)
    targets = np.concatenate([batch.numpy() for _, batch in validation])
    expected = task.encode(target, loading.read_examples(config, "validation")[config.target])
    np.testing.assert_array_equal(targets[:, 0], expected)
