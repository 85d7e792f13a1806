"""The processes of a search by several workers: their roles, those of this machine, and heartbeats.

They talk by KerasTuner's own protocol over gRPC: a chief assigns trials, workers train them and report the scores.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import keras_tuner

from ..core import command
from ..core.errors import InputError, RefusedError
from ..settings.base import PACKAGE
from . import processes

NAME, ADDRESS, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
PARENT = "TUNE_PARENT"  # the process that started this one
LARGEST_PORT = 65_535
LOOPBACK = "127.0.0.1"
FIRST_CONTACT = 600  # seconds in which a chief and its workers, started in any order, have to find each other
BEAT = 5  # seconds between a worker's heartbeats
LOST = 60  # seconds without a heartbeat, after which the other side is treated as lost
MOST_CHARACTERS = 1_000  # of an error that are sent: its end is what counts


class Place(NamedTuple):
    """What this process is in a search by several workers, and where the chief listens."""

    name: str
    host: str
    port: int

    @property
    def is_chief(self) -> bool:
        """By KerasTuner's own rule."""
        return "chief" in self.name

    def variables(self) -> dict[str, str]:
        """The place as environment variables."""
        return {NAME: self.name, ADDRESS: self.host, PORT: str(self.port)}


def read_place(environment: Mapping[str, str]) -> Place | None:
    """The place that the environment gives this process, if it gives one.

    Raises:
        InputError: only some of the variables are set, or the port is none.
    """
    given = {name: environment[name] for name in (NAME, ADDRESS, PORT) if environment.get(name)}
    if not given:
        return None
    missing = [name for name in (NAME, ADDRESS, PORT) if name not in given]
    if missing:
        message = f"{', '.join(given)} is set, but {', '.join(missing)} is not: a search on several machines needs all"
        raise InputError(message)
    if not given[PORT].isdecimal() or not 0 < int(given[PORT]) <= LARGEST_PORT:
        raise InputError(f"{PORT} is {given[PORT]!r}; a port is a number from 1 to {LARGEST_PORT}")
    return Place(given[NAME], given[ADDRESS], int(given[PORT]))


def variables(place: Place, num_workers: int, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker on this machine: its place, and its share of the cores unless threads are given."""
    own = {PARENT: str(os.getpid()), "no_grpc_proxy": place.host}
    return {"GRPC_VERBOSITY": "NONE", **processes.share(num_workers), **given, **place.variables(), **own}


class LocalWorkers:
    """Worker processes of this machine."""

    def __init__(self, num_workers: int, logs: Path) -> None:
        """Takes their number, and the folder of the files to which they print."""
        self.num_workers, self.logs = num_workers, logs
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, port: int) -> None:
        """Starts them, as workers of a chief that listens at this port."""
        self.logs.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", PACKAGE, "tune", command.ONLY, *command.settings_given(sys.argv[2:])]
        for number in range(1, self.num_workers + 1):
            place = Place(f"worker-{number}", LOOPBACK, port)
            with self.log(place.name).open("wb") as log:
                self.processes[place.name] = subprocess.Popen(
                    words,
                    env=variables(place, self.num_workers, os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the chief, which ends them
                )

    def end(self) -> None:
        """Ends them, whatever they are doing."""
        processes.end(self.processes.values())

    def log(self, name: str) -> Path:
        """What a worker printed."""
        return self.logs / f"{name}.log"

    def ended(self) -> dict[str, str]:
        """The workers that have ended, and how."""
        codes = {name: process.poll() for name, process in self.processes.items()}
        return {name: self.ending(name, code) for name, code in codes.items() if code is not None}

    def ending(self, name: str, code: int) -> str:
        """How a worker ended, for reading: the signal, or the last line that it printed."""
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
        return f"ended with status {code}: {last} (all of it: {self.log(name)})"


def end_with_parent(environment: Mapping[str, str]) -> None:
    """Ends this worker when the process that started it is gone, even if it was killed."""
    if PARENT in environment:
        parent = int(environment[PARENT])
        threading.Thread(target=exit_without, args=(parent,), daemon=True).start()


def exit_without(parent: int) -> None:
    """Waits until the parent of this process is another one, which happens when it has ended, and exits."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


class SeededTuner(keras_tuner.Tuner):
    """A worker's tuner: its random numbers depend on the number of the trial, not on the worker."""

    seed = 0

    def on_trial_begin(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Seeds the trial."""
        super().on_trial_begin(trial)
        keras.utils.set_random_seed(self.seed + int(trial.trial_id))

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Sends the reason of a failure, which the protocol leaves out, and ends the trial."""
        if trial.message:
            from keras_tuner.src import protos  # here, since a search by one process needs no gRPC

            why = (("trial", trial.trial_id), ("message-bin", trial.message[-MOST_CHARACTERS:].encode()))
            self.oracle.stub.GetSpace(protos.get_service().GetSpaceRequest(), metadata=why, timeout=LOST)
        super().on_trial_end(trial)


@contextlib.contextmanager
def in_touch(tuner: keras_tuner.Tuner, place: Place) -> Generator[None, None, None]:
    """Sends heartbeats to the chief, and ends the worker when the chief is gone.

    Raises:
        RefusedError: no chief answers, or it leads another search.
    """
    import grpc  # here, since a search by one process needs no gRPC
    from keras_tuner.src import protos

    sign = (("worker", place.name), ("search", tuner.project_name))
    beat = partial(tuner.oracle.stub.GetSpace, protos.get_service().GetSpaceRequest(), metadata=sign)
    try:
        beat(wait_for_ready=True, timeout=FIRST_CONTACT)
    except grpc.RpcError as error:
        chief = f"the chief at {place.host}:{place.port}"
        raise RefusedError(f"{chief} does not take {place.name}: {error.details()}") from error
    over = threading.Event()
    thread = threading.Thread(target=keep_beating, args=(beat, over, grpc.RpcError), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(BEAT)


def keep_beating(beat: Any, over: threading.Event, failure: type[Exception]) -> None:
    """Beats until it is over; a worker whose chief is gone could not report its score, so it ends here and now."""
    answered = time.monotonic()
    while not over.wait(BEAT):
        try:
            beat(timeout=BEAT)
            answered = time.monotonic()
        except failure:
            if time.monotonic() - answered > LOST:
                print("error: the chief of the search is gone", file=sys.stderr, flush=True)
                os._exit(1)
