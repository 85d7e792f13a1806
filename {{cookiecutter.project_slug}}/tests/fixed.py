"""The code of a small model that the tests of all else run on, whatever `model.py` and `features.py` have become."""

import contextlib
import io
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from project import features, model, task
from project.config import Config
from project.evaluation import learning_curve
from project.exporting import verify_export
from project.stages import train
from project.training import fit, search

import network


def build_model(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target, num_steps: int) -> Any:
    """The compiled network of `network.py`, with a search space of three hyperparameters."""
    built = network.build(hp, config, preprocessor, target)
    make: Any = model.optimizer  # whatever a test has put there
    options = {"weighted_metrics": task.metrics(target), "jit_compile": False}
    built.compile(make(config, hp, num_steps), task.loss(target), **options)
    return built


def optimizer(config: Config, hp: Any, *_: Any) -> keras.optimizers.Optimizer:
    """Adam at a constant rate."""
    return keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 0.1, sampling="log", default=config.learning_rate))


def verify_here(request: str) -> tuple[str, str]:
    """Compares the predictions of an export in this process: a new one, as test_export.py has it, takes seconds."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.setattr("sys.stdin", io.StringIO(request))
        verify_export.main()
    return printed.getvalue(), ""


def put_in_place(patch: pytest.MonkeyPatch) -> None:
    """Puts this code where the project has its own."""
    for module in (model, train, search, learning_curve):
        patch.setattr(module, "build_model", build_model)
    patch.setattr(model, "optimizer", optimizer)
    patch.setattr(fit, "own_callbacks", lambda _: [])
    patch.setattr(search, "callbacks", lambda _: [])
    patch.setattr(verify_export, "start", lambda: contextlib.nullcontext(SimpleNamespace(communicate=verify_here)))
    for name, function in network.FEATURES.items():
        patch.setattr(features, name, function)


def evaluated(
    target: task.Target, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """The loss and the metrics of a network's outputs, as Keras computes them of batches."""
    model = keras.Sequential([keras.Input(outputs.shape[1:]), keras.layers.Identity()])
    model.compile(loss=task.loss(target), weighted_metrics=task.metrics(target))
    found: dict[str, float] = model.evaluate(outputs, targets, sample_weight=weights, verbose=0, return_dict=True)
    return found
