"""Requests that wait at the same time share a run of the model, and only that."""

import asyncio
import time
from collections.abc import Callable

import numpy as np
import pytest

from project.serving.served_model import Arrays, Batches


def double(arrays: Arrays) -> Arrays:
    """A model that refuses negative numbers."""
    if (arrays["x"] < 0).any():
        raise ValueError("negative")
    return {"y": 2 * arrays["x"]}


async def ask(batches: Batches, questions: list[list[float]]) -> list[Arrays | BaseException]:
    """Asks everything at once."""
    futures = [batches.submit({"x": np.array(values)}, len(values)) for values in questions]
    return await asyncio.gather(*futures, return_exceptions=True)


def answers(results: list[Arrays | BaseException]) -> list[list[float] | str]:
    return [str(result) if isinstance(result, BaseException) else result["y"].tolist() for result in results]


@pytest.mark.parametrize(("max_rows", "runs"), [(100, [6]), (4, [3, 3]), (1, [1, 2, 3])])
def test_what_waits_runs_together_as_far_as_it_fits(max_rows: int, runs: list[int]) -> None:
    observed: list[int] = []
    batches = Batches(double, max_rows, 0, observed.append)
    results = asyncio.run(ask(batches, [[1], [2, 3], [4, 5, 6]]))
    assert answers(results) == [[2], [4, 6], [8, 10, 12]]
    assert observed == runs


def test_one_that_the_model_refuses_fails_alone() -> None:
    batches = Batches(double, 100, 0, lambda _: None)
    assert answers(asyncio.run(ask(batches, [[1], [-1], [2]]))) == [[2], "negative", [4]]


@pytest.mark.parametrize(("wait", "runs"), [(0.0, [1, 1]), (0.2, [2])])
def test_a_request_waits_for_company_no_longer_than_it_shall(wait: float, runs: list[int]) -> None:
    observed: list[int] = []
    batches = Batches(double, 100, wait, observed.append)

    async def one_after_the_other() -> None:
        first = batches.submit({"x": np.array([1.0])}, 1)
        await asyncio.sleep(0.01)
        await asyncio.gather(first, batches.submit({"x": np.array([2.0])}, 1))

    asyncio.run(one_after_the_other())
    assert observed == runs


def slow(arrays: Arrays) -> Arrays:
    """A model for which the event loop must not wait."""
    time.sleep(0.1)
    return double(arrays)


@pytest.mark.parametrize("predict", [double, slow])
def test_a_slow_model_leaves_the_loop_free(predict: Callable[[Arrays], Arrays]) -> None:
    batches = Batches(predict, 1, 0, lambda _: None)

    async def count_turns() -> tuple[list[Arrays | BaseException], int]:
        await ask(batches, [[0.0]])  # by which the duration is known
        waiting = asyncio.ensure_future(ask(batches, [[1.0], [2.0]]))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            turns += 1
        return waiting.result(), turns

    results, turns = asyncio.run(count_turns())
    assert answers(results) == [[2], [4]]
    assert turns > 8 or predict is double


def test_a_client_that_has_gone_is_no_obstacle() -> None:
    batches = Batches(double, 100, 0, lambda _: None)

    async def one_leaves() -> Arrays:
        gone = batches.submit({"x": np.array([1.0])}, 1)
        stays = batches.submit({"x": np.array([2.0])}, 1)
        gone.cancel()
        return await stays

    assert asyncio.run(one_leaves())["y"].tolist() == [4]
