"""Lets requests that wait at the same time share one run of the model.

While the model runs, further requests arrive; when it is free again, all that wait are answered by one run. Sums of
floating-point numbers can come out differently by the number of rows, so that a prediction may move by about 1e-6 with
the company that its row has in a batch; nothing else of it depends on that company.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

Arrays: TypeAlias = dict[str, np.ndarray]

SLOW = 0.01  # seconds; shorter runs are done where they stand, since changing threads costs each request 0.2 ms


class Job(NamedTuple):
    """What a request waits for."""

    arrays: Arrays
    num_rows: int
    outputs: "asyncio.Future[Arrays]"


class Batches:
    """Collects jobs and runs them together; all but `compute` happens in the event loop's thread."""

    def __init__(
        self, predict: Callable[[Arrays], Arrays], max_rows: int, wait: float, observe: Callable[[int], object]
    ) -> None:
        """`max_rows` bounds a run of several jobs; 1 turns batching off. `wait`: seconds to wait for company."""
        self.predict, self.max_rows, self.wait, self.observe = predict, max_rows, wait, observe
        self.waiting: deque[Job] = deque()
        self.is_busy = False
        self.duration = 0.0  # seconds of the last run

    def submit(self, arrays: Arrays, num_rows: int) -> "asyncio.Future[Arrays]":
        """The outputs for these arrays, each (num_rows, ...), as soon as they are there."""
        loop = asyncio.get_running_loop()
        job = Job(arrays, num_rows, loop.create_future())
        self.waiting.append(job)
        if not self.is_busy:
            self.is_busy = True
            # Soon, not now: requests that came in together join before the run begins.
            if self.wait and self.max_rows > 1:
                loop.call_later(self.wait, self.run)
            else:
                loop.call_soon(self.run)
        return job.outputs

    def run(self) -> None:
        """Runs what waits, as far as it fits together."""
        jobs, loop = self.take(), asyncio.get_running_loop()
        if self.duration < SLOW:
            self.finish(jobs, self.compute(jobs))
            return
        running = loop.run_in_executor(None, self.compute, jobs)
        running.add_done_callback(lambda done: self.finish(jobs, done.result()))

    def take(self) -> list[Job]:
        """The jobs of the next run: the first, and those after it that fit."""
        jobs = [self.waiting.popleft()]
        num_rows = jobs[0].num_rows
        while self.waiting and num_rows + self.waiting[0].num_rows <= self.max_rows:
            jobs.append(self.waiting.popleft())
            num_rows += jobs[-1].num_rows
        self.observe(num_rows)
        return jobs

    def compute(self, jobs: list[Job]) -> list[Arrays | Exception]:
        """The outputs of each job; where the run of all fails, each runs by itself, so that none fails for another."""
        started = time.perf_counter()
        results: list[Arrays | Exception]
        try:
            results = list(self.together(jobs))
        except Exception as error:
            results = [error] if len(jobs) == 1 else [self.compute([job])[0] for job in jobs]
        self.duration = time.perf_counter() - started
        return results

    def together(self, jobs: list[Job]) -> list[Arrays]:
        """The outputs of each job by one run of the model."""
        if len(jobs) == 1:
            return [self.predict(jobs[0].arrays)]
        names = jobs[0].arrays
        outputs = self.predict({name: np.concatenate([job.arrays[name] for job in jobs]) for name in names})
        ends = np.cumsum([job.num_rows for job in jobs]).tolist()
        spans = zip([0, *ends], ends, strict=False)
        return [{name: values[start:end] for name, values in outputs.items()} for start, end in spans]

    def finish(self, jobs: list[Job], results: list[Arrays | Exception]) -> None:
        """Hands the outputs out and goes on with what came in meanwhile."""
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
