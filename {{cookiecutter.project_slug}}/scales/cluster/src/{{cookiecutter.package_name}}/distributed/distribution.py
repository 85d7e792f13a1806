"""Training on several devices and machines by tf.distribute, with the weights that one process would find."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from .. import task
from ..core.errors import InputError
from ..data import batching

CLUSTER = "TF_CONFIG"  # the variable in which every process finds the addresses of all, and its own place
Batch: TypeAlias = tuple[Any, ...]  # inputs by name, targets and, where examples are weighted, weights


def strategy() -> tf.distribute.Strategy:
    """All workers of the cluster that TF_CONFIG names, or all GPUs of this machine, or else its one device.

    It has to be called before TensorFlow computes anything.

    Raises:
        InputError: TF_CONFIG does not describe a cluster of workers and this process's place in it.
    """
    if num_workers() > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def num_workers() -> int:
    """The number of processes that train together."""
    return len(cluster()["cluster"]["worker"])


def worker_index() -> int:
    """The index of this process among them; the first one, the chief, writes the artifacts."""
    return int(cluster()["task"]["index"])


def is_chief() -> bool:
    """Whether this process writes artifacts."""
    return worker_index() == 0


def cluster() -> dict[str, Any]:
    """The content of TF_CONFIG, or a cluster of one."""
    text = os.environ.get(CLUSTER, "")
    if not text:
        return {"cluster": {"worker": ["localhost"]}, "task": {"type": "worker", "index": 0}}
    try:
        content = json.loads(text)
        is_right = content["task"]["type"] == "worker" and content["cluster"]["worker"][int(content["task"]["index"])]
    except (ValueError, LookupError, TypeError):
        is_right = False
    if not is_right:
        example = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
        raise InputError(
            f"{CLUSTER} is {text!r}; it takes all workers' addresses and this one's index, as in {example}"
        )
    return dict(content)


def share_out(dataset: tf.data.Dataset, strategy: tf.distribute.Strategy) -> Any:
    """Cuts every batch into a part for each replica, weighted so that gradients add up.

    A replica's loss is the mean over its own part, and the sum over replicas is divided by their number. With the
    weights, which stand as a third element, (part,), that is the mean over the whole batch, however it is cut. They
    multiply the sample weights, if the batches of (inputs, targets) have such as a third element.
    """
    num_replicas = strategy.num_replicas_in_sync

    def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = num_replicas // context.num_input_pipelines
        numbers = tf.range(context.input_pipeline_id * local, (context.input_pipeline_id + 1) * local)

        def cut(*batch: Any) -> tf.data.Dataset:
            return tf.data.Dataset.from_tensor_slices(numbers).map(lambda number: part_of(batch, number, num_replicas))

        return dataset.flat_map(cut).prefetch(tf.data.AUTOTUNE)

    shared = strategy.distribute_datasets_from_function(parts)
    # Keras takes this for the number of steps, each of which takes a part for every replica
    shared._cardinality = int(dataset.cardinality())  # noqa: SLF001
    shared.whole = dataset  # for a model that learns something of all examples before its first step
    return shared


def part_of(batch: Batch, number: tf.Tensor, num_parts: int) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """A part of a batch: every `num_parts`-th example, or one that weighs nothing if there are too few."""
    inputs, targets, *weights = batch
    size = tf.shape(targets)[0]
    rows = tf.range(tf.minimum(number, size - 1), size, num_parts)
    own = tf.gather(targets, rows)
    share = task.num_terms(own) / tf.maximum(task.num_terms(targets), 1)
    weight = tf.where(number < size, tf.cast(share, "float32") * num_parts, 0.0)
    factors = tf.gather(weights[0], rows) if weights else tf.ones([tf.size(rows)])
    return {name: tf.gather(values, rows) for name, values in inputs.items()}, own, weight * factors


def synchronize(model: keras.Model, dataset: tf.data.Dataset) -> None:
    """Makes `fit` of Keras 3 work on several devices, and batch statistics those of the whole batch.

    Keras 3 fails in three ways: it tries the model on the mean of all devices' values, which may differ in shape, and
    gets zeros here; several steps in one call to TensorFlow lose their inputs; and the mean of logs over workers is
    taken along an axis that scalars lack.
    """
    for layer in model._flatten_layers():  # noqa: SLF001 (there is no public way to all nested layers)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
    zeros = batching.zeros(dataset)

    def build(**_: Any) -> None:
        with model.distribute_strategy.scope():
            model._symbolic_build(data_batch=zeros)  # noqa: SLF001

    model._maybe_symbolic_build = build  # noqa: SLF001
    model.steps_per_execution = 1
    if num_workers() > 1:
        step = model.train_step
        model.train_step = lambda data: {name: tf.reshape(log, (1,)) for name, log in step(data).items()}


class ClipTogether(keras.callbacks.Callback):
    """Has the optimizer clip the gradients of all replicas together."""

    prepares = True  # each phase of a training

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Looks at the optimizer that the model has by now."""
        del logs
        optimizer, num_replicas = self.model.optimizer, self.model.distribute_strategy.num_replicas_in_sync
        if optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue:
            optimizer._clip_gradients = clip_together(optimizer._clip_gradients, num_replicas)  # noqa: SLF001


def clip_together(clip: Callable[[list[Any]], list[Any]], num_replicas: int) -> Callable[[list[Any]], list[Any]]:
    """Clips the sum of all replicas' gradients instead of each one's; Keras adds up what comes out once more."""

    def clipped(gradients: list[Any]) -> list[Any]:
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        whole = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, dense)
        return [gradient / num_replicas for gradient in clip(whole)]

    return clipped


class SharedValidation(keras.callbacks.Callback):
    """Scores each epoch on the validation split: every worker a part of the batches, on a model of its own.

    The states of the metrics are summed over the workers, so that all of them see the scores of one process. A model
    that chooses something by the whole split, and says so by `needs_whole_split`, is scored on it by every worker.
    """

    def __init__(self, eval_model: keras.Model, dataset: tf.data.Dataset) -> None:
        """Takes a compiled model that is not distributed, which gets the weights, and the batches."""
        super().__init__()
        self.eval_model = eval_model
        is_whole = getattr(eval_model, "needs_whole_split", False)
        self.is_shared = int(dataset.cardinality()) >= num_workers() > 1 and not is_whole
        self.part = dataset.shard(num_workers(), worker_index()) if self.is_shared else dataset

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the validation scores to the logs, before other callbacks read them."""
        del epoch
        self.eval_model.set_weights(batching.averaged_weights(self.model))
        scores = self.eval_model.evaluate(self.part, verbose=0, return_dict=True)
        if self.is_shared:
            self.add_up([variable for metric in self.eval_model.metrics for variable in metric.variables])
            scores = self.eval_model.get_metrics_result()
        if logs is not None:
            logs |= {f"val_{name}": float(score) for name, score in scores.items()}

    def add_up(self, counts: list[keras.Variable]) -> None:
        """Replaces the counts of this worker by the sums over all of them."""
        strategy = self.model.distribute_strategy
        replicas = strategy.num_replicas_in_sync // num_workers()  # of this worker, each of which adds the same

        def total() -> list[tf.Tensor]:
            own = [tf.convert_to_tensor(count) for count in counts]
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

        totals = strategy.experimental_local_results(strategy.run(total))[0]
        for count, value in zip(counts, totals, strict=True):
            count.assign(value / replicas)
