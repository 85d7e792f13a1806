"""Hyperparameters that belong to some networks only, so that a search does not vary what has no effect."""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from ..config import Config
from ..settings.training import COMPARED

# What `make train` compares: a head on the network as it is, no such network, the network with its weights changed,
# and one from scratch that also sees what the network gives
FROZEN, SCRATCH, FINE_TUNED, COMBINED = "frozen", "scratch", "fine-tuned", "combined"


@contextlib.contextmanager
def of_networks(hp: Any, *names: str) -> Iterator[None]:
    """Hyperparameters that are asked for in this block are searched for these networks only.

    If `hp` has none of them choose, there is but one network, and they are searched for that.
    """
    is_chosen = COMPARED in {each.name for each in hp.space}
    with hp.conditional_scope(COMPARED, [*names]) if is_chosen else contextlib.nullcontext():
        yield


def trained(hp: Any, config: Config, name: str, low: float, high: float, default: float, **options: Any) -> float:
    """As `hp.Float`, but not searched where nothing is trained with it: a frozen network gets its default.

    The linear head of such a network is fitted to features that are computed once, by L-BFGS. If you give the head
    further layers, which the optimizer trains, ask `hp.Float` instead.
    """
    networks = [SCRATCH, FINE_TUNED, COMBINED, *([] if is_fitted_once(config) else [FROZEN])]
    with of_networks(hp, *networks):
        value = hp.Float(name, low, high, default=default, **options)
    return default if value is None else float(value)


def is_fitted_once(config: Config) -> bool:
    """Whether examples are the same in each epoch of a frozen network, on one device."""
    return not getattr(config, "mixup", 0) and tf.distribute.get_strategy().num_replicas_in_sync == 1
