"""The chief of a search by several workers: assigns the trials, and handles workers that are lost."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent import futures
from typing import Any

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief

from ..config import Config
from ..core import errors
from ..core.errors import InputError, RefusedError
from ..data.batching import TimeLimit
from ..training import search
from ..training.search import Trial, TrialStatus
from . import processes
from .tune_workers import FIRST_CONTACT, LOOPBACK, LOST, LocalWorkers, Place

MOST_LOSSES = 3  # workers that a trial may lose; then the trial itself is the cause, for example because of its memory
PAUSE = 0.5  # seconds after which a worker without a trial asks again
LOOK = 0.2  # seconds between looks at the workers
MOST_CALLS = 64  # answered at once: each waiting worker needs one


class Servicer(oracle_chief.OracleServicer):
    """KerasTuner's answers to workers, which also keep track of the workers.

    Its own lock guards the oracle: the oracle's own lock is never released when a call fails.
    """

    def __init__(self, oracle: keras_tuner.Oracle, name: str, limit: TimeLimit) -> None:
        """Takes the oracle, the name of the search, which workers have to share, and its time limit."""
        super().__init__(oracle)
        self.name = name
        self.lock = threading.RLock()
        self.seen: dict[str, float] = {}  # worker -> time of its last heartbeat
        self.dismissed: set[str] = set()  # workers that know that nothing is left to do
        self.lost: dict[str, str] = {}  # worker -> how it was lost
        self.losses: Counter[str] = Counter()  # trial -> how many workers it has lost
        self.messages: dict[str, str] = {}  # trial -> why it has failed
        self.outcomes = search.Outcomes(oracle, limit)
        self.failure = ""  # why the search cannot go on

    @contextlib.contextmanager
    def turn(self) -> Generator[None, None, None]:
        """Lets one call at a time change the oracle; one that fails ends the search."""
        with self.lock:
            try:
                yield
            except Exception as error:
                self.failure = str(error).strip().splitlines()[-1]
                raise

    def GetSpace(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the protocol's name)
        """Answers a worker's heartbeat or failure; one with other data, settings or code is rejected."""
        sent = dict(context.invocation_metadata())
        if sent.get("search", self.name) != self.name:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "its data, settings or search space differ")
        with self.turn():
            if "worker" in sent:
                self.seen[sent["worker"]] = time.monotonic()
            if "trial" in sent:
                self.messages[sent["trial"]] = sent["message-bin"].decode(errors="replace")
            return super().GetSpace(request, context)

    def CreateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Assigns a trial; a worker waits while others are running, since it may have to take over one of theirs."""
        del context
        with self.turn():
            self.seen[request.tuner_id] = time.monotonic()
            self.lost.pop(request.tuner_id, None)
            trial = self.next_trial(request.tuner_id)
        if trial.status == TrialStatus.IDLE:
            time.sleep(PAUSE)
        return protos.get_service().CreateTrialResponse(trial=trial.to_proto())

    def next_trial(self, worker: str) -> Trial:
        """A trial to run, or one whose status tells to wait or to stop."""
        if self.failure:
            trial = Trial(keras_tuner.HyperParameters(), "", TrialStatus.STOPPED)
        else:
            trial = self.oracle.create_trial(worker)
        if trial.status == TrialStatus.STOPPED:
            if self.oracle.ongoing_trials and not self.failure:
                trial.status = TrialStatus.IDLE
            else:
                self.dismissed.add(worker)
        return trial

    def UpdateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Records the scores of a trial."""
        if self.failure or not self.runner(request.trial_id):
            context.abort(grpc.StatusCode.CANCELLED, "the trial is no longer asked for")
        with self.turn():
            return super().UpdateTrial(request, context)

    def EndTrial(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Ends a trial, unless its worker was treated as lost and another one has ended it."""
        del context
        trial = Trial.from_proto(request.trial)
        trial.message = self.messages.get(trial.trial_id)
        worker = self.runner(trial.trial_id)
        if worker and not self.failure:
            with self.turn():
                self.oracle.end_trial(trial)
                self.failure = self.outcomes.add(self.oracle.trials[trial.trial_id], f" ({worker})")
        return protos.get_service().EndTrialResponse()

    def runner(self, trial_id: str) -> str:
        """The worker that runs a trial, or nothing."""
        with self.lock:
            return next((name for name, trial in self.oracle.ongoing_trials.items() if trial.trial_id == trial_id), "")

    def give_up(self, worker: str, how: str) -> None:
        """Treats a worker as lost, and queues its trial for another one."""
        with self.turn():
            self.lost[worker] = how
            self.seen.pop(worker, None)
            trial = self.oracle.ongoing_trials.pop(worker, None)
            print(f"{worker} is lost: {how}", flush=True)
            if trial is None:
                return
            self.losses[trial.trial_id] += 1
            if self.losses[trial.trial_id] < MOST_LOSSES:
                self.oracle._retry_queue.append(trial.trial_id)  # noqa: SLF001 (the oracle retries only what has failed)
                print(f"trial {trial.trial_id}: another worker will try it again", flush=True)
            else:
                trial.status, trial.message = TrialStatus.FAILED, f"it was lost with {MOST_LOSSES} workers"
                self.oracle.end_trial(trial)
                self.failure = self.outcomes.add(trial) or self.failure

    def silent(self) -> list[str]:
        """The workers whose last heartbeat is too long ago."""
        with self.lock:
            return [name for name, heard in self.seen.items() if time.monotonic() - heard > LOST]

    def waiting(self) -> set[str]:
        """The workers that are there and have not been dismissed."""
        with self.lock:
            return set(self.seen) - self.dismissed

    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        with self.lock:
            return bool(self.failure) or bool(self.dismissed and not self.oracle.ongoing_trials)


class Chief:
    """A server that is bound to its port, and the workers of this machine, if it has started them."""

    def __init__(self, server: grpc.Server, address: str, workers: LocalWorkers | None) -> None:
        """Takes what `started` makes."""
        self.server, self.address, self.workers = server, address, workers

    def search(self, tuner: keras_tuner.Tuner) -> None:
        """Has the workers run the trials that are left.

        Raises:
            RefusedError: all workers were lost, or several trials in a row have failed.
        """
        tuner.oracle.verbose = 0
        tuner.save()  # so that a search that is stopped can go on
        servicer = Servicer(tuner.oracle, tuner.project_name, tuner.hypermodel.limit)
        protos.get_service_grpc().add_OracleServicer_to_server(servicer, self.server)
        self.server.start()
        if self.workers is None:
            print(f"assigning trials at {self.address}", flush=True)
        self.supervise(servicer)
        self.dismiss(servicer)
        if servicer.failure:
            raise RefusedError(servicer.failure)

    def supervise(self, servicer: Servicer) -> None:
        """Gives up on lost workers until nothing is left to do."""
        attended = time.monotonic()
        while not servicer.is_over():
            errors.end_on_signal()
            self.give_up_the_lost(servicer)
            if servicer.waiting():
                attended = time.monotonic()
            given_up = self.workers is not None and len(servicer.lost) == len(self.workers.processes)
            if given_up or time.monotonic() - attended > FIRST_CONTACT:
                how = "".join(f"\n{name}: {reason}" for name, reason in servicer.lost.items())
                raise RefusedError(f"there is no worker left, but trials are; `make tune` goes on with them{how}")
            time.sleep(LOOK)

    def give_up_the_lost(self, servicer: Servicer) -> None:
        """Gives up on workers that have ended or fallen silent."""
        ended = self.workers.ended() if self.workers is not None else {}
        for name, how in ended.items():
            if name not in servicer.lost and name not in servicer.dismissed:
                servicer.give_up(name, how)
        for name in servicer.silent():
            servicer.give_up(name, f"no heartbeat for {LOST} seconds")

    def dismiss(self, servicer: Servicer) -> None:
        """Waits a little until every worker knows that there is nothing left to do."""
        until = time.monotonic() + processes.GRACE
        while servicer.waiting() and not servicer.failure and time.monotonic() < until:
            self.give_up_the_lost(servicer)
            time.sleep(LOOK)
        self.server.stop(grace=1).wait()


@contextlib.contextmanager
def started(config: Config, place: Place | None) -> Generator[Chief, None, None]:
    """Binds the server and, unless the environment gives a place, starts workers on this machine."""
    server = grpc.server(futures.ThreadPoolExecutor(MOST_CALLS), options=[("grpc.so_reuseport", 0)])
    host, wanted = (place.host, place.port) if place else (LOOPBACK, 0)  # port 0: a free one
    try:
        port = server.add_insecure_port(f"{host}:{wanted}")
    except RuntimeError:
        port = 0
    if not port:
        raise InputError(f"cannot listen at {host}:{wanted}: the address is another machine's, or the port is taken")
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop, 0)
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:
                stack.callback(signal.signal, number, signal.signal(number, errors.defer_signal))
        workers = None
        if place is None:
            workers = LocalWorkers(config.workers, config.paths.tuning / "workers")
            stack.callback(workers.end)
            workers.start(port)
            num_cores = processes.num_cores()
            cores = max(1, num_cores // config.workers)
            print(f"{config.workers} workers on this machine, on {cores} of its {num_cores} cores each", flush=True)
        yield Chief(server, f"{host}:{port}", workers)
