"""Atomic reading and writing of artifacts: a killed stage leaves the last good result intact."""

import contextlib
import fcntl
import glob
import hashlib
import json
import math
import os
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from .errors import InputError, told


@contextlib.contextmanager
def replacing(path: Path, mark: str = "") -> Generator[Path, None, None]:
    """Yields a temporary path beside `path` to write to, which replaces `path` on success.

    A folder cannot be renamed onto another one: the old one is renamed first, and restored by the next call if the
    process was killed in between.

    Raises:
        InputError: `path` is a folder that holds other files than ours: one of ours holds the file `mark`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".old.{path.name}")
    if aside.exists() and not path.exists():
        aside.rename(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")  # keeps the suffix, which Keras and others read
    check_replaceable(path, mark)
    for leftover in [aside, *path.parent.glob(f".[0-9]*.{glob.escape(path.name)}")]:
        if not is_running(leftover.name.split(".")[1]):
            remove(leftover)
    try:
        yield temporary
        if path.is_dir():
            if not temporary.is_dir():
                raise InputError(
                    f"{path} is a folder; a file is to be written there: move it away or give another name"
                )
            check_replaceable(path, mark)
            path.rename(aside)
        temporary.replace(path)
        remove(aside)
    finally:
        remove(temporary)


def check_replaceable(path: Path, mark: str) -> None:
    """Refuses to replace a folder that somebody else wrote."""
    if path.is_dir() and not (mark and (path / mark).exists()) and any(path.iterdir()):
        message = f"{path} is a folder that this project did not write, and would be replaced"
        raise InputError(f"{message}: move it away, or give another place")


def is_running(process: str) -> bool:
    """Whether another process with this id runs on this machine."""
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # of another user
    return True


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Holds the lock of a folder of artifacts, which the operating system frees when the process ends in any way.

    Raises:
        InputError: another process holds it; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = f"process {lock.read(20).strip() or 'of unknown id'}"
            message = f"another command works in {folder} ({holder})"
            raise InputError(f"{message}: wait until it is finished, or stop it") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
        lock.truncate(0)


def remove(path: Path) -> None:
    """Removes a file or a folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy(source: Path, destination: Path) -> None:
    """Copies a file atomically."""
    with replacing(destination) as temporary:
        shutil.copyfile(source, temporary)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Writes JSON atomically; NaN and infinity become null."""
    write_text(path, json.dumps(finite(content), indent=2, ensure_ascii=False, default=str) + "\n")


def finite(content: Any) -> Any:
    """The same content with None for NaN and infinity, which JSON lacks."""
    if isinstance(content, dict):
        return {str(key): finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if hasattr(content, "item"):  # a NumPy scalar
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


class Artifact(dict[str, Any]):
    """The content of a JSON artifact; asking for what it lacks is an error that names the file."""

    source = ""

    def __missing__(self, key: str) -> Any:
        """Raises InputError."""
        raise InputError(f"{self.source} lacks {key!r}")


def read_json(path: Path, made_by: str) -> Any:
    """Reads a JSON artifact, which is an object; `made_by` is the make target that writes it.

    Raises:
        InputError: it is missing or damaged.
    """
    with reading(path, made_by):
        content = json.loads(path.read_text(encoding="utf-8"))
        is_object = isinstance(content, dict)
        if not is_object:
            raise ValueError(f"a {type(content).__name__} instead of an object")
    found = Artifact(content)
    found.source = f"{path} is damaged: remove it and run `make {made_by}` again; it"
    return found


def read_json_or_empty(path: Path) -> dict[str, Any]:
    """Reads a JSON artifact that can be done without; empty if it is missing or damaged."""
    try:
        return dict(read_json(path, ""))
    except InputError:
        return {}


@contextlib.contextmanager
def reading(path: Path, made_by: str) -> Generator[None, None, None]:
    """Has an artifact read: it must exist, and what a library raises becomes one sentence.

    Raises:
        InputError: the artifact is missing or damaged; the message names it and the make target that writes it.
    """
    require(path, made_by)
    with told(f"{path} is damaged", f"remove it and run `make {made_by}` again"):
        yield


def require(path: Path, made_by: str) -> Path:
    """The path of an artifact that must exist.

    Raises:
        InputError: it does not; the message names the make target that writes it.
    """
    if not path.exists():
        raise InputError(f"{path} is missing: run `make {made_by}` first")
    return path


def content_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    if path.is_dir():
        raise InputError(f"{path} is a folder in the place of a file: remove it, and make the file again")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_hash(content: Any) -> str:
    """A short hash of any JSON-serializable content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def from_truth_value(texts: Sequence[str], value: Any) -> Any:
    """A truth value, or one of the texts [false, true] that stand for one, as 0 or 1; any other value as it is."""
    if isinstance(value, bool):
        return int(value)
    return texts.index(value.lower()) if isinstance(value, str) and value.lower() in texts else value


def to_number(value: Any) -> float:
    """A logged value as a number; NaN if it is not one."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def to_text(value: Any) -> str | None:
    """A logged value as valid UTF-8 text; None if it is missing or empty."""
    if (
        value is None
        or value == ""
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ == "NAType"
    ):
        return None
    return str(value).encode("utf-8", "replace").decode()


def files_below(folder: Path) -> list[Path]:
    """The files below a folder, also those behind links to other folders, if these do not lead back to it."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place).resolve()
        folders[:] = [name for name in folders if not here.is_relative_to(Path(place, name).resolve())]
        found += [path for name in names if (path := Path(place, name)).is_file()]
    return sorted(found)
