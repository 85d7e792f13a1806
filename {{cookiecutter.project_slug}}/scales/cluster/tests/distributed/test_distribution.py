"""Sharing out batches among devices and machines: the parts make up the whole."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from project import task
from project.core.errors import InputError
from project.distributed import distribution

CLUSTER = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 1}}'


@pytest.mark.parametrize(("size", "num_parts"), [(7, 2), (8, 4), (1, 3), (5, 1)])
def test_parts_make_up_the_batch(size: int, num_parts: int) -> None:
    inputs, targets = {"number": tf.range(size)}, tf.ones([size, 3], "int32")
    parts = [distribution.part_of((inputs, targets), tf.constant(part), num_parts) for part in range(num_parts)]
    weighing = [rows["number"].numpy() for rows, _, weights in parts if weights.numpy().all()]
    assert sorted(np.concatenate(weighing)) == list(range(size))
    assert all(len(own) for _, own, _ in parts)  # Keras makes NaN of a part without examples
    # A replica's loss is a mean over its terms, and the replicas' losses are averaged
    means = [weights.numpy()[0] / num_parts / task.num_terms(own) for _, own, weights in parts]
    assert np.isclose([mean for mean in means if mean], 1 / task.num_terms(targets)).all()


def test_weights_of_examples_go_with_their_parts() -> None:
    batch = ({"number": tf.range(5)}, tf.ones([5, 3], "int32"), tf.constant([0.0, 1, 2, 3, 4]))
    parts = [distribution.part_of(batch, tf.constant(part), 2) for part in range(2)]
    plain = [distribution.part_of(batch[:2], tf.constant(part), 2) for part in range(2)]
    for (inputs, _, weights), (_, _, shares) in zip(parts, plain, strict=True):
        np.testing.assert_allclose(weights, inputs["number"].numpy() * shares.numpy())


def test_gradients_are_clipped_together() -> None:
    optimizer = keras.optimizers.SGD(global_clipnorm=1.0)
    clip = distribution.clip_together(optimizer._clip_gradients, num_replicas=2)  # noqa: SLF001 (as Keras does)
    (clipped,) = clip([tf.constant([30.0, 40.0])])
    assert np.allclose(clipped, [0.3, 0.4])  # half of what both add up to


def test_a_worker_knows_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (distribution.num_workers(), distribution.is_chief()) == (1, True)
    monkeypatch.setenv("TF_CONFIG", CLUSTER)
    assert (distribution.num_workers(), distribution.is_chief()) == (2, False)


class Counting(keras.Model):
    """A model that says that it needs the whole validation split, and notes how many examples it was scored on."""

    needs_whole_split = True
    num_scored = 0

    def call(self, numbers: tf.Tensor) -> tf.Tensor:
        """The numbers themselves."""
        return numbers

    def evaluate(self, x: tf.data.Dataset, **options: Any) -> Any:
        """The mean as the loss."""
        assert options["return_dict"]
        numbers = [number for batch in x for number in batch[0].numpy()]
        self.num_scored = len(numbers)
        return {"loss": float(np.mean(numbers))}


def test_a_model_that_needs_the_whole_validation_split_is_scored_on_it_by_every_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = tf.data.Dataset.from_tensor_slices((tf.range(8.0), tf.range(8.0))).batch(2)
    monkeypatch.setenv("TF_CONFIG", CLUSTER)
    trained, scored, logs = Counting(), Counting(), dict[str, float]()
    trained.compile(keras.optimizers.SGD())
    callback = distribution.SharedValidation(scored, batches)
    callback.set_model(trained)
    callback.on_epoch_end(0, logs)
    assert (scored.num_scored, logs) == (8, {"val_loss": 3.5})
    monkeypatch.setattr(Counting, "needs_whole_split", False)
    part = distribution.SharedValidation(scored, batches).part
    assert [number for batch in part for number in batch[0].numpy()] == [2, 3, 6, 7]


@pytest.mark.parametrize(
    "wrong",
    [
        *("here", "{", "[]", '{"cluster": {}}', '{"cluster": {}, "task": {"index": 0}}'),
        *('{"cluster": {"worker": ["a:1", "b:1"]}}', CLUSTER.replace("1}", "2}"), CLUSTER.replace('r"', '"')),
    ],
)
def test_a_wrong_cluster_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", wrong)
    with pytest.raises(InputError, match="TF_CONFIG is"):
        distribution.strategy()
