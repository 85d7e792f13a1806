"""The windows that were judged so far: one bad window may be chance, several of the latest are an alarm."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..config import Config
from ..core.errors import InputError

MAX_ENTRIES = 200

Entry: TypeAlias = dict[str, Any]  # version, latest, examples, requests, fired, state and key figures
State: TypeAlias = Literal["good", "bad", "unknown"]  # of one window
Status: TypeAlias = Literal["healthy", "alarm", "unknown"]


def load(path: Path, version: int) -> list[Entry]:
    """The windows of a version, oldest first; those of others are forgotten, since they say nothing about it.

    Raises:
        InputError: the file was damaged.
    """
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [entry for entry in entries if entry["version"] == version]
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} cannot be read ({type(error).__name__}), a list of windows was expected"
        raise InputError(f"{message}: delete it to begin a new history") from error


def extended(entries: list[Entry], entry: Entry) -> list[Entry]:
    """The history with another window.

    Without new traffic it is the same window seen again: it takes the place of the latest one, so that looking twice at
    one bad window is no alarm; but not if there is nothing left to judge, since the window has moved on.
    """
    if entries and not is_new(entry, entries[-1]):
        return entries if entry["state"] == "unknown" else [*entries[:-1], entry]
    return [*entries, entry][-MAX_ENTRIES:]


def is_new(entry: Entry, previous: Entry) -> bool:
    """Whether requests have come since the previous window."""
    if entry["latest"] is None or previous["latest"] is None:
        return entry["latest"] is not None and previous["latest"] is None
    count, before = (each["examples"] + each["refused"] for each in (entry, previous))
    return bool(entry["latest"] > previous["latest"] or (entry["latest"] == previous["latest"] and count > before))


def judge(config: Config, entries: Sequence[Entry], state: State) -> Status:
    """An alarm if the present window and enough of the latest ones are bad."""
    if state == "bad" and num_bad(config, entries) >= config.alarm_windows:
        return "alarm"
    return "unknown" if state == "unknown" else "healthy"


def num_bad(config: Config, entries: Sequence[Mapping[str, Any]]) -> int:
    """How many of the latest windows are bad."""
    return sum(entry["state"] == "bad" for entry in entries[-config.history_windows :])
