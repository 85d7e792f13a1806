"""The exported version in service: loaded, warmed up and replaced by a newer one without a pause."""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from ..config import Config
from ..settings.base import DESCRIPTION, NAMED
from . import protocol
from .protocol import RequestFormat

Arrays: TypeAlias = dict[str, np.ndarray]

SLOW = 0.01  # seconds; shorter calls run in the event loop, since changing threads costs each request 0.2 ms

WARM_UP_ROWS = (1, 32)  # the first calls of a size are slower
GRAPH = "saved_model.pb"
Fingerprint = tuple[int, ...]

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)


@dataclass(frozen=True)
class ServiceMetrics:
    """Counters, gauges and histograms; `registry` holds them all."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    batch_rows: Histogram
    version: Gauge
    swaps: Counter
    refused_versions: Counter
    feedback: Counter
    log_dropped: Counter
    log_failed: Counter


def create_metrics() -> ServiceMetrics:
    """All metrics, in a registry of their own, so that a process can hold several servers."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return ServiceMetrics(
        registry=registry,
        requests=Counter("predict_requests", "Requests for predictions, by HTTP status", ["status"], registry=registry),
        seconds=Histogram("predict_seconds", "Time to answer", buckets=SECONDS, registry=registry),
        batch_rows=Histogram("batch_rows", "Rows per call of the model", buckets=ROWS, registry=registry),
        version=Gauge("model_version", "Version in service", registry=registry),
        swaps=Counter("model_swaps", "Changes of the version in service", registry=registry),
        refused_versions=Counter("model_versions_refused", "Versions that could not be loaded", registry=registry),
        feedback=Counter("feedback_labels", "Labels received as feedback", registry=registry),
        log_dropped=Counter("request_log_dropped", "Requests not logged because the queue was full", registry=registry),
        log_failed=Counter(
            "request_log_failed_lines", "Requests and rejections that could not be written", registry=registry
        ),
    )


class Job(NamedTuple):
    """A request that waits for its outputs."""

    arrays: Arrays
    num_rows: int
    outputs: "asyncio.Future[Arrays]"


class Batches:
    """Runs waiting jobs in batches; everything but `compute` happens in the event loop's thread."""

    def __init__(
        self, predict: Callable[[Arrays], Arrays], max_rows: int, wait: float, observe: Callable[[int], object]
    ) -> None:
        """`max_rows`: limit of a batch of several jobs, 1 turns batching off; `wait`: seconds to wait for others."""
        self.predict, self.max_rows, self.wait, self.observe = predict, max_rows, wait, observe
        self.waiting: deque[Job] = deque()
        self.is_busy = False
        self.duration = 0.0  # seconds of the last batch

    def submit(self, arrays: Arrays, num_rows: int) -> "asyncio.Future[Arrays]":
        """The future outputs for these arrays, each (num_rows, ...)."""
        loop = asyncio.get_running_loop()
        job = Job(arrays, num_rows, loop.create_future())
        self.waiting.append(job)
        if not self.is_busy:
            self.is_busy = True
            # Soon, not now: requests that arrive together join the batch.
            if self.wait and self.max_rows > 1:
                loop.call_later(self.wait, self.run)
            else:
                loop.call_soon(self.run)
        return job.outputs

    def run(self) -> None:
        """Runs the next batch."""
        jobs, loop = self.take(), asyncio.get_running_loop()
        if self.duration < SLOW:
            self.finish(jobs, self.compute(jobs))
            return
        running = loop.run_in_executor(None, self.compute, jobs)
        running.add_done_callback(lambda done: self.finish(jobs, done.result()))

    def take(self) -> list[Job]:
        """The jobs of the next batch: the first, and those after it that fit."""
        jobs = [self.waiting.popleft()]
        num_rows = jobs[0].num_rows
        while self.waiting and num_rows + self.waiting[0].num_rows <= self.max_rows:
            jobs.append(self.waiting.popleft())
            num_rows += jobs[-1].num_rows
        self.observe(num_rows)
        return jobs

    def compute(self, jobs: list[Job]) -> list[Arrays | Exception]:
        """The outputs of each job; if the batch fails, each job runs by itself, so that none fails for another."""
        started = time.perf_counter()
        results: list[Arrays | Exception]
        try:
            results = list(self.run_batch(jobs))
        except Exception as error:
            results = [error] if len(jobs) == 1 else [self.compute([job])[0] for job in jobs]
        self.duration = time.perf_counter() - started
        return results

    def run_batch(self, jobs: list[Job]) -> list[Arrays]:
        """The outputs of each job from one call of the model."""
        if len(jobs) == 1:
            return [self.predict(jobs[0].arrays)]
        names = jobs[0].arrays
        outputs = self.predict({name: np.concatenate([job.arrays[name] for job in jobs]) for name in names})
        ends = np.cumsum([job.num_rows for job in jobs]).tolist()
        spans = zip([0, *ends], ends, strict=False)
        return [{name: values[start:end] for name, values in outputs.items()} for start, end in spans]

    def finish(self, jobs: list[Job], results: list[Arrays | Exception]) -> None:
        """Sets the outputs and continues with the jobs that came in meanwhile."""
        for job, result in zip(jobs, results, strict=True):
            if job.outputs.done():  # the client has gone
                continue
            if isinstance(result, Exception):
                job.outputs.set_exception(result)
            else:
                job.outputs.set_result(result)
        self.is_busy = bool(self.waiting)
        if self.waiting:
            asyncio.get_running_loop().call_soon(self.run)


@dataclass(frozen=True)
class ServedModel:
    """A version that was loaded."""

    version: int
    fingerprint: Fingerprint
    description: dict[str, Any]
    signatures: dict[str, Any]
    request_format: RequestFormat
    batches: Batches


class Models:
    """The version in service: the highest number in the folder of exports that can be loaded."""

    def __init__(self, config: Config, metrics: ServiceMetrics) -> None:
        """Nothing is loaded yet."""
        self.config, self.metrics = config, metrics
        self.current: ServedModel | None = None
        self.retired: list[int] = []
        self.problem = ""  # why the last look for another version failed
        self.refused: dict[int, tuple[Fingerprint, str]] = {}

    async def watch(self) -> None:
        """Checks for another version every `poll_seconds`, whatever goes wrong."""
        while True:
            await asyncio.sleep(self.config.poll_seconds)
            try:
                await asyncio.get_running_loop().run_in_executor(None, self.refresh)
                self.problem = ""
            except Exception as error:
                reason = f"cannot look for other versions: {type(error).__name__}: {error}"[:300]
                if reason != self.problem:
                    print(f"error: {reason}", file=sys.stderr, flush=True)
                self.problem = reason

    def refresh(self) -> None:
        """Puts the highest version that can be loaded in service; requests in flight finish on the old one."""
        for number in reversed(self.config.paths.versions()):
            try:
                fingerprint = identify(self.config, number)
                if self.current and (self.current.version, self.current.fingerprint) == (number, fingerprint):
                    return
                if self.refused.get(number, ((),))[0] == fingerprint:
                    continue
                model = load(self.config, number, fingerprint, self.metrics.batch_rows.observe)
            except Exception as error:
                if "Too many open files" in str(error):  # in TensorFlow's errors, too: not the version's fault
                    raise
                self.refuse(number, error)
            else:
                self.swap(model)
                return

    def swap(self, model: ServedModel) -> None:
        """Replaces the version by one assignment, so that a request sees either the old or the new one."""
        if self.current:
            self.retired = [*self.retired, self.current.version][-10:]
            print(f"version {model.version} is in service instead of {self.current.version}", flush=True)
            self.metrics.swaps.inc()
        self.current = model
        self.metrics.version.set(model.version)

    def refuse(self, number: int, error: Exception) -> None:
        """Reports once that a version cannot be loaded, unless it was moved away meanwhile."""
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
        print(f"version {number} cannot be loaded and is skipped: {reason}", file=sys.stderr, flush=True)

    def states(self) -> dict[int, tuple[str, str]]:
        """The state of each version that was tried, and the error if it could not be loaded."""
        states = dict.fromkeys(self.retired, ("END", ""))
        states |= {number: ("END", reason) for number, (_, reason) in self.refused.items()}
        return states | ({self.current.version: ("AVAILABLE", "")} if self.current else {})


def identify(config: Config, number: int) -> Fingerprint:
    """A fingerprint of the files of a version, which changes when they are written, not when they are moved."""
    folder = config.paths.version(number)
    stats = [(folder / name).stat() for name in (GRAPH, DESCRIPTION)]
    return tuple(value for status in stats for value in (status.st_ino, status.st_mtime_ns, status.st_size))


def load(config: Config, number: int, fingerprint: Fingerprint, observe: Callable[[int], object]) -> ServedModel:
    """Loads a version and warms it up with its example.

    Raises:
        Exception: the version is incomplete, its parts do not match, or it fails on its example.
    """
    folder = config.paths.version(number)
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    signature = tf.saved_model.load(str(folder)).signatures[NAMED]
    taken = signature.structured_input_signature[1]
    if taken.keys() != description["inputs"].keys():
        message = f"{DESCRIPTION} describes {sorted(description['inputs'])}, but the graph takes {sorted(taken)}"
        raise ValueError(message)

    def predict(arrays: Arrays) -> Arrays:
        outputs = signature(**{name: tf.constant(array) for name, array in arrays.items()})
        return {name: outputs[name].numpy() for name in sorted(outputs)}

    for num_rows in WARM_UP_ROWS:
        body = json.dumps({"instances": [description["example"]] * num_rows}).encode()
        predict(protocol.parse_request(body, RequestFormat(description["inputs"], num_rows, strict=False)).arrays)
    batches = Batches(predict, config.batch_rows, config.batch_wait / 1_000, observe)
    accepted = RequestFormat(
        description["inputs"], config.request_rows, config.strict_requests, description.get("unused", ())
    )
    return ServedModel(number, fingerprint, description, read_signatures(folder / GRAPH), accepted, batches)


def read_signatures(path: Path) -> dict[str, Any]:
    """The signatures of a graph as in TensorFlow Serving's metadata."""
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
    """A tensor in the JSON format of Protocol Buffers."""
    shape = info.tensor_shape
    dimensions = [{"size": str(dimension.size), "name": dimension.name} for dimension in shape.dim]
    return {
        "dtype": types_pb2.DataType.Name(info.dtype),
        "tensor_shape": {"dim": dimensions, "unknown_rank": shape.unknown_rank},
        "name": info.name,
    }
