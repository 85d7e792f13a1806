"""Atomic reading and writing of artifacts: a killed stage leaves the last good result intact."""

import contextlib
import glob
import hashlib
import json
import math
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

from .errors import InputError


@contextlib.contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """Yields a temporary path beside `path` to write to, which replaces `path` on success.

    A folder cannot be renamed onto another one: the old one is renamed first, and restored by the next call if the
    process was killed in between.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".old.{path.name}")
    if aside.exists() and not path.exists():
        aside.rename(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")  # keeps the suffix, which Keras and others read
    for leftover in [aside, *path.parent.glob(f".[0-9]*.{glob.escape(path.name)}")]:
        remove(leftover)
    try:
        yield temporary
        if path.is_dir():
            path.rename(aside)
        temporary.replace(path)
        remove(aside)
    finally:
        remove(temporary)


def remove(path: Path) -> None:
    """Removes a file or a folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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


def read_json(path: Path, made_by: str) -> Any:
    """Reads a JSON artifact; `made_by` is the make target that writes it."""
    return json.loads(require(path, made_by).read_text(encoding="utf-8"))


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
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_hash(content: Any) -> str:
    """A short hash of any JSON-serializable content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


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
