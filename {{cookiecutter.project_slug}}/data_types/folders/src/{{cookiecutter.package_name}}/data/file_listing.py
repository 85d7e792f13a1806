"""Lists files: those below a folder or that a glob matches, and those in zip archives."""

import io
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from ..config import Config
from ..core.errors import InputError
from ..settings.base import without_password
from . import sources
from .provenance import Provenance
from .splitting import GIVEN, SPLIT_NAMES


class File(NamedTuple):
    """A file of the source: its name there, how to read it, and its path if it lies on this machine."""

    name: str
    read: Callable[[], bytes]
    path: Path | None = None


def listed(source: str) -> dict[str, File]:
    """The files of a folder, glob or zip archive by their names; none where the source is something else."""
    if sources.is_database(source):
        return {}
    filesystem, path = sources.connect(source)
    if sources.is_web(filesystem):
        return {}
    if is_zip(filesystem, path):
        return members(source, filesystem.open(path, "rb"))
    is_several = filesystem.isdir(path) or any(sign in path for sign in "*?[")
    return below(filesystem, source, path) if is_several else {}


def is_zip(filesystem: Any, path: str) -> bool:
    """Whether a path is that of a zip archive."""
    return path.lower().endswith(".zip") and bool(filesystem.isfile(path))


def below(filesystem: Any, source: str, path: str) -> dict[str, File]:
    """The files below a folder, or those that a glob matches, by their names there."""
    is_folder = filesystem.isdir(path)
    root = (path if is_folder else re.split(r"[*?\[]", path)[0].rpartition("/")[0]).rstrip("/") + "/"
    try:
        matches = sources.files_below(filesystem, path) if is_folder else filesystem.glob(path)
        found = [name for name in matches if is_folder or filesystem.isfile(name)]
        found = [name for name in found if sources.is_regular(filesystem, name)]
    except Exception as error:  # every remote driver has errors of its own
        message = f"source {without_password(source)} cannot be reached: {error}"
        raise InputError(f"{message}; check the address and your access") from error
    if not found:
        raise InputError(f"source {without_password(source)} does not exist or is empty; check the path")
    files = {file.name: file for file in (located(filesystem, name, root) for name in sorted(found))}
    archives = [file for name, file in files.items() if name.lower().endswith(".zip") and sources.is_visible(name)]
    for archive in archives:
        files |= members(archive.name, io.BytesIO(archive.read()))
    return files


def located(filesystem: Any, path: str, root: str = "") -> File:
    """A file by its path on a file system."""
    name = path.removeprefix(root)
    if "file" in filesystem.protocol:
        local = Path(path)
        local = local.relative_to(Path.cwd()) if local.is_relative_to(Path.cwd()) else local
        return File(name, local.read_bytes, local)
    return File(name, lambda: filesystem.cat_file(path))


def members(source: str, stream: IO[bytes]) -> dict[str, File]:
    """The files in a zip archive, unpacked when they are read, by their names without a folder around them all."""
    try:
        archive = zipfile.ZipFile(stream)
        encrypted = [info.filename for info in archive.infolist() if info.flag_bits & 1]
    except (zipfile.BadZipFile, OSError) as error:
        message = f"{without_password(source)} cannot be unpacked: {error}"
        raise InputError(f"{message}; fetch or write it again") from error
    if encrypted:
        raise InputError(f"{without_password(source)} is encrypted; give one without a password")
    names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    names = [name for name in names if not name.startswith("__MACOSX/")]  # what macOS adds to an archive
    files = {}
    for name, parts in zip(names, without_common([PurePosixPath(name).parts for name in names]), strict=True):
        files["/".join(parts)] = File("/".join(parts), partial(archive.read, name))
    return files


def without_common(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Paths without the folders that are around them all, but for the last folder, which may be a class."""
    while len({parts[:1] for parts in paths}) == 1 and all(len(parts) > 2 for parts in paths):
        paths = [parts[1:] for parts in paths]
    return paths


def folder_labels(config: Config, names: list[str], provenance: Provenance) -> dict[str, list[str | None]]:
    """The columns that folders give files: the class, which is the folder a file lies in, and the split, if they tell.

    Names of splits such as train are no classes.
    """
    folders = [parts[:-1] for parts in without_common([PurePosixPath(name).parts for name in names])]
    if not all(parts and parts[0].lower() in SPLIT_NAMES for parts in folders):
        return {config.target: [parts[0] if parts else None for parts in folders]}
    shown = ", ".join(sorted({parts[0] for parts in folders}))
    columns = {config.target: [parts[1] if len(parts) > 1 else None for parts in folders]}
    splits = [SPLIT_NAMES[parts[0].lower()] for parts in folders]
    if config.named_splits and {"train"} < set(splits):
        provenance.note(f"the folders {shown} are taken as the splits; set named_splits to false to join them")
        return {**columns, GIVEN: [*splits]}
    provenance.note(f"what lies in the folders {shown} is joined: the project makes splits of its own")
    return columns
