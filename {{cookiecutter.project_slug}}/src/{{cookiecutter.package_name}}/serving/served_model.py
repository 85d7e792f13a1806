"""The exported version in service: loaded, tried and swapped for another one without a pause."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from ..config import Config
from ..data.layout import DESCRIPTION, NAMED
from . import protocol
from .request_batches import Arrays, Batches
from .service_metrics import ServiceMetrics

WARM_UP_ROWS = (1, 32)  # the first calls of a size are slower, and it shall not be a client who waits
GRAPH = "saved_model.pb"

Fingerprint = tuple[int, ...]


@dataclass(frozen=True)
class ServedModel:
    """A version that answers."""

    version: int
    fingerprint: Fingerprint
    description: dict[str, Any]
    signatures: dict[str, Any]
    batches: Batches


class Models:
    """Which version is in service; follows the highest number in the folder of exports."""

    def __init__(self, config: Config, metrics: ServiceMetrics) -> None:
        """Nothing is loaded yet."""
        self.config, self.metrics = config, metrics
        self.current: ServedModel | None = None
        self.retired: list[int] = []
        self.refused: dict[int, tuple[Fingerprint, str]] = {}

    async def watch(self) -> None:
        """Looks for another version every now and then, for ever."""
        while True:
            await asyncio.sleep(self.config.poll_seconds)
            await asyncio.get_running_loop().run_in_executor(None, self.refresh)

    def refresh(self) -> None:
        """Puts the highest version that can be loaded in service; requests in flight finish on the one they are on."""
        for number in reversed(self.config.paths.versions()):
            try:
                fingerprint = identify(self.config, number)
                if self.current and (self.current.version, self.current.fingerprint) == (number, fingerprint):
                    return
                if self.refused.get(number, ((),))[0] == fingerprint:
                    continue
                model = load(self.config, number, fingerprint, self.metrics.batch_rows.observe)
            except Exception as error:
                self.refuse(number, error)
            else:
                self.swap(model)
                return

    def swap(self, model: ServedModel) -> None:
        """One assignment: a request sees either the old version or the new one."""
        if self.current:
            self.retired = [*self.retired, self.current.version][-10:]
            print(f"version {model.version} is in service instead of {self.current.version}", flush=True)
            self.metrics.swaps.inc()
        self.current = model
        self.metrics.version.set(model.version)

    def refuse(self, number: int, error: Exception) -> None:
        """Says once that a version cannot be served; one that was moved away meanwhile is not broken."""
        try:
            fingerprint = identify(self.config, number)
        except OSError:
            if not self.config.paths.version(number).exists():
                return
            fingerprint = ()
        if self.refused.get(number, (None,))[0] == fingerprint:
            return
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        self.refused[number] = (fingerprint, reason)
        self.metrics.refused_versions.inc()
        print(f"version {number} cannot be served and is left out: {reason}", file=sys.stderr, flush=True)

    def states(self) -> dict[int, tuple[str, str]]:
        """What became of each version that was tried: its state and, where something is wrong, the reason."""
        states = dict.fromkeys(self.retired, ("END", ""))
        states |= {number: ("END", reason) for number, (_, reason) in self.refused.items()}
        return states | ({self.current.version: ("AVAILABLE", "")} if self.current else {})


def identify(config: Config, number: int) -> Fingerprint:
    """Which files a version consists of: moving a folder does not change it, writing another one does."""
    folder = config.paths.version(number)
    stats = [(folder / name).stat() for name in (GRAPH, DESCRIPTION)]
    return tuple(value for status in stats for value in (status.st_ino, status.st_mtime_ns, status.st_size))


def load(config: Config, number: int, fingerprint: Fingerprint, observe: Callable[[int], object]) -> ServedModel:
    """Loads a version and has it answer its own example.

    Raises:
        Exception: the version is not whole, its parts do not fit together or it does not answer.
    """
    folder = config.paths.version(number)
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    signature = tf.saved_model.load(str(folder)).signatures[NAMED]
    taken = signature.structured_input_signature[1]
    if taken.keys() != description["inputs"].keys():
        message = f"{DESCRIPTION} describes {sorted(description['inputs'])}, but the graph takes {sorted(taken)}"
        raise ValueError(message)
    for name, entry in description["inputs"].items():
        entry["dtype"] = taken[name].dtype.name

    def predict(arrays: Arrays) -> Arrays:
        outputs = signature(**{name: tf.constant(array) for name, array in arrays.items()})
        return {name: outputs[name].numpy() for name in sorted(outputs)}

    for num_rows in WARM_UP_ROWS:
        body = json.dumps({"instances": [description["example"]] * num_rows}).encode()
        predict(protocol.read_question(body, description["inputs"], num_rows, strict=False).arrays)
    batches = Batches(predict, config.batch_rows, config.batch_wait / 1_000, observe)
    return ServedModel(number, fingerprint, description, read_signatures(folder / GRAPH), batches)


def read_signatures(path: Path) -> dict[str, Any]:
    """The signatures of a graph as TensorFlow Serving's metadata show them."""
    graph = saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs[0]
    return {
        name: {
            "inputs": {key: tensor_info(info) for key, info in signature.inputs.items()},
            "outputs": {key: tensor_info(info) for key, info in signature.outputs.items()},
            "method_name": signature.method_name,
        }
        for name, signature in graph.signature_def.items()
    }


def tensor_info(info: Any) -> dict[str, Any]:
    """A tensor as Protocol Buffers write it as JSON."""
    shape = info.tensor_shape
    dimensions = [{"size": str(dimension.size), "name": dimension.name} for dimension in shape.dim]
    return {
        "dtype": types_pb2.DataType.Name(info.dtype),
        "tensor_shape": {"dim": dimensions, "unknown_rank": shape.unknown_rank},
        "name": info.name,
    }
