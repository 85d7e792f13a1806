"""Damage done to files, and limits of time and memory for what reads them."""

import contextlib
import resource
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

hypothesis = pytest.importorskip("hypothesis")
given, strategies = hypothesis.given, hypothesis.strategies

SECONDS = 5  # for one file
MORE_MEMORY = 1 << 31  # bytes beyond what the process has taken before
Edit = tuple[float, str, bytes]  # where, what, and with which bytes
EDITS = strategies.lists(
    strategies.tuples(
        strategies.floats(0, 1),
        strategies.sampled_from(("overwrite", "insert", "cut", "end", "repeat")),
        strategies.binary(min_size=1, max_size=8)
        | strategies.sampled_from([b'"', b"\n", b"\0", b"[" * 5_000, b"9" * 5_000]),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """What a file becomes by damage here and there."""
    for share, what, more in edits:
        place = round(share * len(content))
        before, after = content[:place], content[place:]
        content = {
            "overwrite": before + more + after[len(more) :],
            "insert": before + more + after,
            "cut": before + after[len(more) :],
            "end": before,
            "repeat": before + before[-100:] * 20 + after,
        }[what]
    return content


@pytest.fixture(scope="module", autouse=True)
def little_memory() -> Iterator[None]:
    """Limits the memory of this process, so that what would fill it fails here."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError, ValueError):  # not on every system
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def gently(num_examples: int) -> Any:
    """The same files in every run, and a limit of time for each."""
    return hypothesis.settings(
        max_examples=num_examples, deadline=timedelta(seconds=SECONDS), derandomize=True, database=None
    )
