"""The code that you edit, with your settings, on a few of your own examples: features, network, metrics."""

from pathlib import Path
from typing import Any, NamedTuple

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from project import metrics, model, preprocessing, task
from project.config import Config
from project.core import staleness
from project.core.errors import InputError
from project.data import loading, requests, tables
from project.evaluation import inference
from project.exporting import saved_model
from project.settings.base import SPLITS
from project.stages import collect, train

import problem

NUM_EXAMPLES = 64  # of which a series has all, since its examples overlap
NUM_PREDICTED = 16


class Yours(NamedTuple):
    """Your model, trained for an epoch on a few examples."""

    config: Config
    examples: pd.DataFrame
    complete: keras.Model
    predictions: dict[str, np.ndarray]
    network: keras.Model
    initial: list[np.ndarray]
    """The weights of the network before training."""


@pytest.fixture(scope="module", autouse=True)
def fixed_code() -> None:
    """Leaves the project's own code in place."""


def few_examples(config: Config) -> Config:
    """Settings of a project whose splits are the same few training examples.

    They come from `artifacts/examples` if `make collect` is up to date, else from the source.
    """
    own = Config().model_copy(update={"cell_formats": Path(Config().cell_formats).resolve()})
    if staleness.reason(own, "collect"):
        own = config
        try:
            collect.main(own)
        except (InputError, OSError) as error:
            if Path(own.source).exists():
                raise
            pytest.skip(f"the source cannot be reached: {error}")
    rows = {split: tables.read_rows(own, split) for split in SPLITS}
    for split in SPLITS:
        few = rows["train"].iloc[:: max(1, len(rows["train"]) // NUM_EXAMPLES)]
        config.paths.examples(split).parent.mkdir(parents=True, exist_ok=True)
        (rows[split] if requests.FOLLOW_EACH_OTHER else few).to_parquet(config.paths.examples(split))
    return config


def train_yours(folder: Path) -> Yours:
    """Your model, trained as by `make train`, saved and loaded."""
    config = few_examples(Config().model_copy(update={"artifacts": folder, "epochs": 1}))
    built: list[tuple[keras.Model, list[np.ndarray]]] = []

    def build(*arguments: Any, **options: Any) -> keras.Model:
        network = model.build_model(*arguments, **options)
        built.append((network, [weight.numpy() for weight in network.trainable_weights]))
        return network

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "build_model", build)
        train.main(config)
    examples = loading.read_examples(config, "validation").head(NUM_PREDICTED)
    complete = inference.load_model(config)
    return Yours(config, examples, complete, inference.predict(complete, examples), *built[-1])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Yours | Exception:
    """Your model, or why there is none."""
    try:
        return train_yours(tmp_path_factory.mktemp("yours"))
    except Exception as error:  # the first test raises it
        return error


@pytest.fixture
def yours(result: Yours | Exception) -> Yours:
    """Your model."""
    if isinstance(result, Exception):
        pytest.skip("there is no model: see test_the_model_trains_and_is_saved")
    return result


def test_the_model_trains_and_is_saved(result: Yours | Exception) -> None:
    if isinstance(result, Exception):
        raise result


def test_features_are_finite_and_there_is_a_row_for_each_example(yours: Yours) -> None:
    preprocessor = yours.complete.get_layer("preprocessor")
    encoded = preprocessor.predict_on_batch(preprocessing.raw_arrays(preprocessor.input, yours.examples))
    for name, values in encoded.items():
        assert len(values) == len(yours.examples), f"{name} is {values.shape}: return a row per example in features.py"
        assert np.isfinite(values).all(), f"{name} is not finite: see what features.py divides or takes logarithms of"


def test_every_weight_learns(yours: Yours) -> None:
    still = [
        weight.path
        for weight, before in zip(yours.network.trainable_weights, yours.initial, strict=True)
        if np.array_equal(weight.numpy(), before)
    ]
    assert not still, f"training leaves {still} as they were: connect them to the output in model.py, or remove them"
    assert all(np.isfinite(weight).all() for weight in yours.network.get_weights()), (
        "training ends in weights that are not finite: lower the learning rate, or look at the loss in task.py"
    )


def test_the_export_predicts_the_same_and_each_example_by_itself(yours: Yours, tmp_path: Path) -> None:
    saved_model.write(yours.complete, tmp_path)
    signature = tf.saved_model.load(tmp_path).signatures["serving_default"]
    for rows in (slice(None), slice(1)):
        arrays = preprocessing.raw_arrays(yours.complete.input, yours.examples.iloc[rows])
        named = saved_model.named(yours.complete, arrays)
        predicted = signature(**{name: tf.constant(array) for name, array in named.items()})
        for name, values in predicted.items():
            assert equal(values.numpy(), yours.predictions[name][rows]), (
                f"the export has another {name}: look in features.py and model.py for what depends on other examples "
                "of a batch, is random, or is not a Keras operation"
            )


def equal(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether values are the same, but for rounding."""
    if some.dtype == object:
        return bool((some == others).all())
    return np.allclose(some, others, rtol=1e-3, atol=1e-4, equal_nan=True)


def test_every_metric_is_best_for_perfect_predictions(yours: Yours) -> None:
    context = inference.context_of(yours.config, yours.complete)
    targets = task.actual(inference.target_of(yours.complete), yours.examples[yours.config.target])
    scores = metrics.score(targets, yours.predictions, context)
    for name, best in metrics.score(targets, problem.perfect(targets, yours.predictions), context).items():
        sign = 1 if metrics.METRICS[name].greater_is_better else -1
        assert not sign * best < sign * scores[name] - 1e-6, (
            f"{name} is {best} for perfect predictions and {scores[name]} for others: see its function, and "
            "`greater_is_better`, in metrics.py"
        )


def test_the_search_space_can_be_sampled_and_built(yours: Yours) -> None:
    preprocessor, target = yours.complete.get_layer("preprocessor"), inference.target_of(yours.complete)
    hyperparameters = keras_tuner.HyperParameters()
    model.build_model(hyperparameters, yours.config, preprocessor, target, 1)
    assert hyperparameters.space, "`make tune` has nothing to search: ask `hp` for values in build_model of model.py"
    for each in hyperparameters.space:
        hyperparameters.values[each.name] = each.random_sample(yours.config.seed)
    model.build_model(hyperparameters, yours.config, preprocessor, target, 1)
