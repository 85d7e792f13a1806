"""Compares the predictions of an export with expected ones; run by path, it imports nothing of the project.

Reads from standard input a line of JSON: `model`, the folder of a SavedModel, and `cases`, a pickle of
`{signature: (arguments, expected outputs)}`. Prints as JSON the largest relative `difference` of all outputs, the
`milliseconds` that the first signature takes for one example, and the `memory_megabytes` of this process at its peak.
"""

import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # only errors on the screen

import numpy as np
import tensorflow as tf

MAX_CALLS = 30


def start() -> "subprocess.Popen[str]":
    """A process that will compare predictions; it is started early, since it imports TensorFlow."""
    words = [sys.executable, "-I", "-W", "ignore", str(Path(__file__).resolve())]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def main() -> None:
    """Loads, predicts, compares."""
    line = sys.stdin.readline()
    if not line:  # the parent gave up
        sys.exit(1)
    request = json.loads(line)
    signatures = tf.saved_model.load(request["model"]).signatures
    cases = pickle.loads(Path(request["cases"]).read_bytes())  # noqa: S301 (the parent process wrote it)
    differences = []
    for name, (arguments, expected) in cases.items():
        outputs = signatures[name](**{key: tf.constant(array) for key, array in arguments.items()})
        differences += [difference(outputs[key].numpy(), array) for key, array in expected.items()]
        differences += [float("inf")] * (outputs.keys() != expected.keys())
    name, (arguments, _) = next(iter(cases.items()))
    found = {"difference": max(differences), "milliseconds": latency(signatures[name], arguments)}
    print(json.dumps({**found, "memory_megabytes": peak_memory()}))


def latency(signature: Callable[..., object], arguments: Mapping[str, np.ndarray]) -> float:
    """The median time of a call for one example, of at most 30 within a second, after one that is not counted."""
    one = {key: tf.constant(array[:1]) for key, array in arguments.items()}
    signature(**one)
    times: list[float] = []
    while len(times) < MAX_CALLS and sum(times) < 1:
        started = time.perf_counter()
        signature(**one)
        times.append(time.perf_counter() - started)
    return 1_000 * statistics.median(times)


def peak_memory() -> float:
    """The largest resident memory of this process so far, in megabytes.

    Where there is /proc, `getrusage` is of no use: it counts the process that started this one, too.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return kilobytes[0] * 1024 / 1e6 if kilobytes else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest absolute difference of real numbers, as a share of the largest one.

    Infinite where shapes, types, whole numbers or texts differ, or a number is NaN or infinite.
    """
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return float("inf")
    if expected.dtype.kind != "f":
        return 0.0 if (actual == expected).all() else float("inf")
    with np.errstate(invalid="ignore"):
        distances = np.abs(actual.astype("float64") - expected.astype("float64"))
    if not np.isfinite(distances).all():  # NaN equals nothing, and max() may pass over it
        return float("inf")
    return float(distances.max(initial=0) / max(np.abs(expected).max(initial=0), np.finfo("float32").tiny))


if __name__ == "__main__":
    main()
