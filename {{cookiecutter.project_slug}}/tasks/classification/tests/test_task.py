"""Classification: classes, loss, calibration and decoding."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from project import metrics, task
from project.core.errors import InputError
from project.data import batching
from project.data.resampling import Context

import fixed
from declared import Config

TARGET = task.Target(("no", "yes"), (1.0, 1.0))
ORDER = ("low", "fair", "good", "high")  # not that of the alphabet


@pytest.mark.parametrize(
    ("values", "classes"),
    [(["b", "a", "c", "b"], ("a", "b", "c")), ([3, 1, 1], (1, 3)), ([True, False], ("False", "True"))],
)
def test_classes_are_sorted_and_encoded(values: list, classes: tuple) -> None:
    target = task.describe_target(Config(), pd.Series(values))
    assert target.classes == classes
    codes = task.encode(target, pd.Series(values))
    assert codes.dtype == np.int32
    assert [classes[code] for code in codes] == [str(value) if isinstance(value, bool) else value for value in values]


def test_the_rarer_or_chosen_one_of_two_classes_is_the_last() -> None:
    values = pd.Series(["sick", "well", "well"])
    assert task.describe_target(Config(), values).classes == ("well", "sick")
    assert task.describe_target(Config(positive="well"), values).classes == ("sick", "well")
    assert task.describe_target(Config(positive="1"), pd.Series([0, 1, 1])).classes == (0, 1)


def test_an_unseen_class_is_refused() -> None:
    with pytest.raises(InputError, match="maybe"):
        task.encode(TARGET, pd.Series(["yes", "maybe"], name="answer"))


def test_balanced_weights_give_every_class_the_same_say() -> None:
    values = pd.Series(["a"] * 9 + ["b"])
    target = task.describe_target(Config(class_weight="balanced"), values)
    assert target.weights[0] * 9 == pytest.approx(target.weights[1] * 1)


def test_a_single_network_is_an_ensemble_of_one_member() -> None:
    features = keras.Input((4,))
    single, ensemble = (task.output_head(each, TARGET) for each in (features, keras.Input((3, 4))))
    assert (single.shape, ensemble.shape) == ((None, 1, 2), (None, 3, 2))
    with pytest.raises(InputError, match=r"got features of shape \(None, 8, 8, 4\); it takes \(batch, width\), or"):
        task.output_head(keras.Input((8, 8, 4)), TARGET)
    with pytest.raises(InputError, match=r"outputs are \(5, 2\), but the loss needs \(batch, members, classes\): let"):
        task.loss(TARGET)(np.zeros((5, 1), int), np.zeros((5, 2), "float32"))


def test_the_loss_is_the_mean_cross_entropy_of_the_members() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")  # (batch, members, classes)
    targets = np.array([[0], [1], [1], [0], [1]])
    members = [
        keras.losses.sparse_categorical_crossentropy(targets[:, 0], logits[:, member], from_logits=True)
        for member in range(3)
    ]
    assert float(task.MembersCrossentropy(TARGET.weights)(targets, logits)) == pytest.approx(np.mean(members), rel=1e-5)


def test_metrics_judge_the_average_of_the_members() -> None:
    logits = np.log(np.array([[[0.9, 0.1], [0.3, 0.7]]], "float32"))  # mean 0.6, 0.4
    log_loss, accuracy = task.metrics(TARGET)
    assert float(log_loss(np.array([[0]]), logits)[0]) == pytest.approx(-np.log(0.6), rel=1e-5)
    assert float(accuracy(np.array([[0]]), logits)[0]) == 1


def test_decoding_gives_labels_and_probabilities() -> None:
    logits = np.array([[[0.0, 2.0]], [[3.0, 0.0]]], "float32")
    decoded = task.Decode({"classes": ("no", "yes"), "weights": (1, 1)})(logits)
    assert decoded["label"].numpy().tolist() == [b"yes", b"no"]
    np.testing.assert_allclose(np.sum(decoded["probabilities"], axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(decoded["probability"], np.max(decoded["probabilities"], axis=1))


def test_whole_number_classes_stay_numbers() -> None:
    decoded = task.Decode({"classes": (3, 7), "weights": (1, 1)})(np.array([[[0.0, 2.0]]], "float32"))
    assert decoded["label"].numpy().tolist() == [7]


def test_calibration_finds_the_temperature_of_overconfident_logits() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 1, 2)).astype("float32") * 2
    probabilities = np.exp(logits[:, 0]) / np.exp(logits[:, 0]).sum(axis=1, keepdims=True)
    targets = (random.random(20_000) < probabilities[:, 1]).astype(int)
    decoder = task.Decode({"classes": ("no", "yes"), "weights": (1, 1)})
    decoder.build(logits.shape)
    task.set_temperature(decoder, logits * 3, targets)
    assert float(decoder.temperature) == pytest.approx(3, rel=0.1)


def test_a_few_perfect_predictions_do_not_make_it_overconfident() -> None:
    decoder = task.Decode({"classes": ("no", "yes"), "weights": (1, 1)})
    decoder.build((None, 1, 2))
    task.set_temperature(decoder, np.array([[[5.0, 0.0]]] * 20, "float32"), np.zeros(20, int))
    assert 0.7 < float(decoder.temperature) <= 1.0


@pytest.mark.parametrize(("num_examples", "low", "high"), [(20, 1.3, 1.75), (20_000, 0.95, 1.05)])
def test_few_examples_leave_the_temperature_near_what_the_network_expects(
    num_examples: int, low: float, high: float
) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(num_examples, 1, 2)).astype("float32") * 2
    chances = np.exp(logits[:, 0]) / np.exp(logits[:, 0]).sum(axis=1, keepdims=True)
    targets = (random.random(num_examples) < chances[:, 1]).astype("int32")
    network = keras.Sequential([keras.Input((1, 2)), keras.layers.Identity()])
    network.expected_temperature = 1.75
    decoder = task.Decode({"classes": ("no", "yes"), "weights": (1, 1)})
    decoder.build(logits.shape)
    validation = tf.data.Dataset.from_tensor_slices((logits, targets[:, None])).batch(1_000)
    task.calibrate(Config(), decoder, network, validation)
    assert low < float(decoder.temperature) < high


def test_twice_the_weight_is_the_example_twice() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(6, 3, 2)).astype("float32"), np.array([[0], [1], [1], [0], [1], [0]])
    counts = np.array([2, 0, 1, 1, 3, 1])
    repeated = np.repeat(np.arange(6), counts)
    weighted = fixed.evaluated(TARGET, logits, targets, batching.scaled(counts))
    assert weighted == pytest.approx(fixed.evaluated(TARGET, logits[repeated], targets[repeated]), rel=1e-5)
    assert weighted.keys() == {"loss", "log_loss", "accuracy"}


def test_calibration_counts_by_weight() -> None:
    logits = np.array([[[2.0, 0.0]], [[0.0, 2.0]]], "float32").repeat(5_000, axis=0)
    targets, decoders = np.zeros(10_000, int), []
    for weights in (np.repeat([1.5, 0.5], 5_000), None):  # right in 3 of 4 examples by weight, else in half of them
        decoders.append(task.Decode({"classes": ("no", "yes"), "weights": (1, 1)}))
        decoders[-1].build(logits.shape)
        task.set_temperature(decoders[-1], logits, targets, weights)
    assert float(decoders[0].temperature) == pytest.approx(2 / np.log(3), rel=0.02)
    assert float(decoders[1].temperature) > 5


def ordered(num_examples: int, seed: int) -> tuple[np.ndarray, pd.Series]:
    """Features, and names of classes that are ranges of a noisy number, most of which lies along the first feature."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(num_examples, 8)).astype("float32")
    hidden = 2 * features[:, 0] + features[:, 1] + random.logistic(size=num_examples)
    return features, pd.Series(np.array(ORDER)[np.searchsorted([-2, 0.5, 2], hidden)])


def head(target: task.Target) -> keras.Model:
    """An untrained linear model of two members that ends in class logits."""
    inputs = keras.Input((8,))
    model = keras.Model(inputs, task.output_head(keras.layers.RepeatVector(2)(inputs), target))
    model.compile(keras.optimizers.Adam(0.1), task.loss(target))
    return model


def test_ordered_classes_are_learned_better_from_one_score(tmp_path: Path) -> None:
    (features, values), (others, truths) = ordered(80, 0), ordered(2_000, 1)
    context, errors, logits = Context(Config(order=ORDER), {}), [], []
    for order in ((), ORDER):
        keras.utils.set_random_seed(0)
        target = task.describe_target(Config(order=order), values)
        model = head(target)
        model.fit(features, task.encode(target, values)[:, None], batch_size=80, epochs=40, verbose=0)
        decoder = task.Decode(task.asdict(target))
        whole = keras.Model(model.input, decoder(model.output))
        outputs = {name: tensor.numpy() for name, tensor in whole(others).items()}
        predictions = task.aligned(outputs, target, target)
        encoded = task.encode(target, truths)
        if not order:
            assert target.classes == tuple(sorted(ORDER))
            places = [target.classes.index(name) for name in ORDER]  # by rank, so that both errors mean the same
            predictions = {"probabilities": predictions["probabilities"][:, places]}
            encoded = np.array([ORDER.index(name) for name in truths])
        errors.append(metrics.score(encoded, predictions, context)["rank_error"])
        logits.append(model.predict(others, verbose=0))
    assert target.classes == ORDER
    assert errors[1] < errors[0]
    np.testing.assert_allclose(np.exp(logits[1]).sum(axis=-1), 1, rtol=1e-5)  # (examples, members, classes)
    scores = model.get_layer("logits")(keras.layers.RepeatVector(2)(others))
    above = 1 - np.cumsum(np.exp(logits[1]), axis=-1)[:, 0, :-1]  # of each class and those below it
    assert (np.diff(above[np.argsort(scores[:, 0, 0])], axis=0) >= -1e-6).all()
    labels = np.array([name.decode() for name in outputs["label"]])
    codes = (np.cumsum(outputs["probabilities"], axis=1) < 0.5).sum(axis=1)
    np.testing.assert_array_equal(labels, np.array(ORDER)[codes])
    assert (codes != outputs["probabilities"].argmax(axis=1)).any()  # else this shows nothing
    np.testing.assert_array_equal(metrics.predicted_classes(predictions), codes)
    np.testing.assert_array_equal(outputs["probability"], outputs["probabilities"][np.arange(2_000), codes])

    whole.export(tmp_path / "exported", verbose=False)
    whole.save(tmp_path / "whole.keras")
    exported = tf.saved_model.load(tmp_path / "exported")  # has to live as long as its functions
    served = exported.serve(tf.constant(others))
    loaded = keras.models.load_model(tmp_path / "whole.keras")
    assert loaded.layers[-1].target == target
    for found in (served, loaded(others)):
        np.testing.assert_array_equal(found["label"], outputs["label"])
        np.testing.assert_allclose(found["probabilities"], outputs["probabilities"], rtol=1e-5)


@pytest.mark.parametrize("num_classes", [2, 3, 9])
def test_ordered_classes_begin_equally_probable_and_stay_finite(num_classes: int) -> None:
    layer = task.CumulativeLogits(num_classes)
    probabilities = np.exp(layer(np.array([[[0.0]], [[80.0]], [[-80.0]]], "float32")))[:, 0]
    np.testing.assert_allclose(probabilities[0], 1 / num_classes, rtol=1e-5)
    np.testing.assert_allclose(probabilities[1:, [-1, 0]], np.eye(2), atol=1e-6)
    assert np.isfinite(layer(np.full((1, 1, 1), 1e4, "float32"))).all()


def test_training_goes_on_only_from_the_same_order() -> None:
    names = pd.Series(ORDER)
    low, high = (task.describe_target(Config(order=order), names) for order in (ORDER, ORDER[::-1]))
    assert task.continued(low, low) == low
    assert task.continued(high, low) is None
    assert task.continued(task.Target(ORDER, (1.0,) * 4), low) is None
