"""True outcomes of earlier requests: what a client tells once it knows better."""

import json
import time
from typing import Any

from ..core.errors import RequestError
from . import protocol
from .request_log import timestamp

MAX_IDENTIFIER = 128  # characters


def read(body: bytes, max_rows: int) -> list[dict[str, Any]]:
    """The lines to log for {"id": ..., "row": 0, "outcome": ...}, or for a list of these.

    Raises:
        RequestError: something is missing or not of its type; the message names it.
    """
    entries = protocol.parse(body)
    entries = entries if isinstance(entries, list) else [entries]
    if not entries or len(entries) > max_rows:
        status = 413 if entries else 400
        raise RequestError(f"{len(entries):,} outcomes were sent; 1 to {max_rows:,} are taken at once", status)
    moment = timestamp(time.time())
    return [check(entry, number) | {"time": moment} for number, entry in enumerate(entries)]


def check(entry: Any, number: int) -> dict[str, Any]:
    """One outcome, in order."""
    if not isinstance(entry, dict) or not entry.keys() <= {"id", "row", "outcome"}:
        raise RequestError(f'outcome {number} is not an object like {{"id": "...", "row": 0, "outcome": "..."}}')
    identifier, row, outcome = entry.get("id"), entry.get("row", 0), entry.get("outcome")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= MAX_IDENTIFIER:
        message = f"outcome {number} has no id; it is what the answer's header X-Request-Id said"
        raise RequestError(message, field="id")
    if type(row) is not int or row < 0:
        raise RequestError(f"outcome {number} is about row {row!r}; rows are counted from 0", field="row")
    if outcome is None or isinstance(outcome, dict) or not is_finite(outcome):
        raise RequestError(f"outcome {number} has no outcome; give what was found to be true", field="outcome")
    return {"id": identifier, "row": row, "outcome": outcome}


def is_finite(outcome: Any) -> bool:
    """Whether JSON's standard has a word for it: 1e999 is read as infinity."""
    try:
        json.dumps(outcome, allow_nan=False)
    except ValueError:
        return False
    return True
