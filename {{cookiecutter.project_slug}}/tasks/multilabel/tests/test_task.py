"""Several labels: their encoding, the loss, the thresholds and decoding."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from project import task
from project.core.errors import InputError
from project.data import batching
from project.evaluation import inference

import fixed
from declared import Config

TARGET = task.Target(("drama", "war"), (0.5, 0.2))


def test_labels_are_learned_and_encoded() -> None:
    values = pd.Series(["war|drama", "drama", "", "opera"] * 3)
    target = task.describe_target(Config(min_label_examples=3, threshold=0.3), values[:11])
    assert (target.labels, target.thresholds) == (("drama", "war"), (0.3, 0.3))
    assert task.encode(target, values[:4]).tolist() == [[1, 1], [1, 0], [0, 0], [0, 0]]
    assert task.describe_target(Config(), values).thresholds is None
    assert target.shares == pytest.approx((6.5 / 12, 3.5 / 12))


def test_a_single_network_is_an_ensemble_of_one_member() -> None:
    single, ensemble = (task.output_head(keras.Input(shape), TARGET) for shape in ((4,), (3, 4)))
    assert (single.shape, ensemble.shape) == ((None, 1, 2), (None, 3, 2))
    with pytest.raises(InputError, match=r"outputs are \(5, 2\), but the loss needs \(batch, members, labels\): let"):
        task.loss(TARGET)(np.zeros((5, 1, 2)), np.zeros((5, 2), "float32"))


def test_a_new_network_predicts_how_frequent_labels_are() -> None:
    inputs, target = keras.Input((3, 4)), task.Target(("drama", "war"), shares=(0.9, 0.02))
    logits = keras.Model(inputs, task.output_head(inputs, target))(np.zeros((1, 3, 4)))
    np.testing.assert_allclose(task.average_probabilities(logits), [[0.9, 0.02]], rtol=1e-5)


def test_the_loss_is_the_mean_cross_entropy_of_the_members() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(5, 3, 2)).astype("float32"), random.integers(0, 2, (5, 1, 2))
    members = [
        keras.losses.binary_crossentropy(targets[:, 0], logits[:, member], from_logits=True) for member in range(3)
    ]
    assert float(task.loss(TARGET)(targets, logits)) == pytest.approx(np.mean(members), rel=1e-5)


def test_twice_the_weight_is_the_example_twice() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(6, 3, 2)).astype("float32"), random.integers(0, 2, (6, 1, 2))
    counts = np.array([2, 0, 1, 1, 3, 1])
    repeated = np.repeat(np.arange(6), counts)
    weighted = fixed.evaluated(TARGET, logits, targets, batching.scaled(counts))
    assert weighted == pytest.approx(fixed.evaluated(TARGET, logits[repeated], targets[repeated]), rel=1e-5)
    assert weighted.keys() == {"loss", "log_loss"}


def test_labels_are_answered_from_their_own_thresholds_on() -> None:
    decoder = task.Decode({"labels": ("drama", "war"), "thresholds": None})
    decoder.build((None, 1, 2))
    decoder.decide(np.array([0.6, 0.2]))
    logits = np.log(np.array([[[0.65, 0.3]], [[0.55, 0.25]], [[0.5, 0.1]], [[0.7, 0.1]]], "float32"))
    logits -= np.log(1 - np.exp(logits))
    decoded = decoder(logits)
    assert decoded["labels"].numpy().tolist() == [b"drama|war", b"war", b"", b"drama"]
    np.testing.assert_allclose(decoded["probabilities"][0], [0.65, 0.3], rtol=1e-5)
    again = task.Decode.from_config(decoder.get_config())
    assert again.target == task.Target(("drama", "war"), (0.6, 0.2))


def test_thresholds_have_the_best_f1_of_each_label() -> None:
    random = np.random.default_rng(0)
    truths = random.random((200, 3)) < (0.5, 0.1, 0)
    probabilities = (0.5 * random.random((200, 3)) + 0.3 * truths).round(2)
    weights = random.integers(0, 3, 200).astype(float)
    found = task.best_thresholds(probabilities, truths, weights)
    for label in range(2):
        options = {"sample_weight": weights, "zero_division": 0.0}
        scores = [
            f1_score(truths[:, label], probabilities[:, label] >= each, **options) for each in np.linspace(0, 1, 401)
        ]
        best = f1_score(truths[:, label], probabilities[:, label] >= found[label], **options)
        assert best == pytest.approx(max(scores))
    assert found[2] == 0.5


def test_thresholds_of_the_other_folds_judge_the_validation_examples() -> None:
    truths = np.array([[True], [False], [True], [False]])
    predictions = {"probabilities": np.array([[0.8], [0.6], [0.4], [0.2]]), "thresholds": np.full((4, 1), 0.3)}
    fitted = task.cross_fitted(Config(), TARGET, truths, predictions, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(fitted["thresholds"], [[0.3], [0.3], [0.7], [0.7]])
    given = task.cross_fitted(Config(threshold=0.3), TARGET, truths, predictions, np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(given["thresholds"], predictions["thresholds"])


def test_predictions_of_a_model_that_knows_other_labels_are_aligned() -> None:
    known = task.Target(("opera", "war"), (0.3, 0.4))
    predictions = {"probabilities": np.array([[0.1, 0.9]]), "labels": np.array([b"war"])}
    found = task.aligned(predictions, known, TARGET)
    np.testing.assert_allclose(found["probabilities"], [[0, 0.9]], rtol=1e-6)
    np.testing.assert_allclose(found["thresholds"], [[0.5, 0.4]], rtol=1e-6)
    assert (task.aligned({"probabilities": np.ones((1, 2))}, TARGET, TARGET)["thresholds"] == 0.5).all()  # a baseline


def test_calibration_finds_the_temperature_of_overconfident_logits() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(10_000, 1, 2)).astype("float32") * 2
    truths = random.random((10_000, 2)) < 1 / (1 + np.exp(-logits[:, 0]))
    decoder = task.Decode({"labels": ("drama", "war"), "thresholds": None})
    decoder.build(logits.shape)
    task.set_temperature(decoder, logits * 3, truths)
    assert float(decoder.temperature) == pytest.approx(3, rel=0.1)
    task.set_temperature(decoder, logits[:5], truths[:5], expected=1.75)
    few = float(decoder.temperature)
    task.set_temperature(decoder, logits[:5], truths[:5])
    assert float(decoder.temperature) < 1.2 < few < 1.75


@pytest.mark.parametrize(("threshold", "explained"), [(0.4, ["war", "drama"]), (0.9, ["war"])])
def test_each_answered_label_is_explained_or_the_most_probable(threshold: float, explained: list[str]) -> None:
    probabilities = np.array([[0.5, 0.2, 0.75], [0.5, 0.1, 0.5]])  # of an example, and of a variant of it
    outputs = {"probabilities": probabilities, "thresholds": np.full((2, 3), threshold)}
    found = inference.explained_outputs(outputs, ("drama", "opera", "war"))
    assert [name for name, _ in found] == explained
    np.testing.assert_allclose(found[0][1], [np.log(3), 0])
