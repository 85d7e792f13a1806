"""Labels that clients send for earlier requests: whether the request exists, and the files in which they are kept."""

import errno
import re
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import RequestError

PREFIX = "labels-"  # of the names of files with ground truth, which are kept when the request log starts others
PREDICTED_ROW = re.compile(rb'^\{"id": "([^"\\]+)", "row": (\d+), "time": "[^"]*", "version"', re.MULTILINE)
NO_ROWS = np.array([], np.int64)


@dataclass(frozen=True)
class ReceivedLabels:
    """Labels of a request of feedback; `answer` gets None when they are written, else the error."""

    lines: list[dict[str, Any]]
    answer: "Future[RequestError | None]" = field(default_factory=Future)


class LoggedRows:
    """The rows in the request log of all servers that share a folder, as hashes; it reads only what is new."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet."""
        self.folder = folder
        self.files: dict[Path, tuple[int, np.ndarray]] = {}  # bytes that were read, and sorted hashes (num_rows,)

    def check(self, lines: list[dict[str, Any]]) -> None:
        """Raises RequestError, 404 or 422, if a label is of a request or a row that is not logged."""
        self.read()
        for line in lines:
            if self.has(line["id"], line["row"]):
                continue
            if self.has(line["id"], 0):
                message = f"request {line['id']} has no row {line['row']}; rows are counted from 0"
                raise RequestError(message, 422, "row", line["row"])
            message = f"there is no request {line['id']} in the log; send the X-Request-Id of the response"
            raise RequestError(message, 404, "id")

    def has(self, identifier: str, row: int) -> bool:
        """Whether a row is logged."""
        wanted = hash((identifier.encode("utf-8", "replace"), row))
        for _, rows in self.files.values():
            place = np.searchsorted(rows, wanted)
            if place < len(rows) and rows[place] == wanted:
                return True
        return False

    def read(self) -> None:
        """Reads what was written since the last time, and forgets files that were removed."""
        known, self.files = self.files, {}
        for path in request_files(self.folder):
            start, rows = known.get(path, (0, NO_ROWS))
            with path.open("rb") as file:
                file.seek(start)
                text = file.read()
            text = text[: text.rfind(b"\n") + 1]
            new = [hash((match[1], int(match[2]))) for match in PREDICTED_ROW.finditer(text)]
            rows = np.sort(np.append(rows, np.array(new, np.int64))) if new else rows
            self.files[path] = (start + len(text), rows)


def request_files(folder: Path) -> list[Path]:
    """The files of the request log, oldest first, without those of ground truth."""
    return sorted(path for path in folder.glob("*.jsonl") if not path.name.startswith(PREFIX))


def check_size(folder: Path, more: int, limit: int) -> None:
    """Raises OSError if the files of ground truth would together be larger than a limit, in bytes."""
    if sum(path.stat().st_size for path in folder.glob(f"{PREFIX}*.jsonl")) + more > limit:
        raise OSError(errno.EDQUOT, f"there would be more than {limit:,} bytes; see the setting label_bytes")
