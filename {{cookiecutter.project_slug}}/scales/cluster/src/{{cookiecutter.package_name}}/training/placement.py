"""Where a model is trained: on one device, on all GPUs of this machine, or by several workers (TF_CONFIG)."""

from typing import Any

import keras
import tensorflow as tf

from ..data.batching import TraceOnce
from ..distributed import distribution
from ..distributed.distribution import is_chief, strategy

__all__ = ["is_chief", "prepare", "strategy", "validation_apart"]


def prepare(model: keras.Model, dataset: tf.data.Dataset) -> tuple[Any, list[keras.callbacks.Callback]]:
    """The batches of (inputs, targets) as `fit` takes them, and what has to be done before the first step."""
    if model.distribute_strategy.num_replicas_in_sync == 1:
        return dataset, [TraceOnce(dataset)]
    distribution.synchronize(model, dataset)
    return distribution.share_out(dataset, model.distribute_strategy), [distribution.ClipTogether()]


def validation_apart(eval_model: keras.Model, dataset: tf.data.Dataset) -> keras.callbacks.Callback:
    """Scores each epoch on the validation split by `eval_model`, a compiled copy on one device and in float32."""
    return distribution.SharedValidation(eval_model, dataset)
