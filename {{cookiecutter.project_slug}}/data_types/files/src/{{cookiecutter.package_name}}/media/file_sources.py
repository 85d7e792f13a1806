"""Finds the files of a source: those below a folder, in a zip archive or at a remote address, or named by a table."""

import base64
import fnmatch
import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from ..config import Config
from ..core.errors import InputError
from ..data import cleaning, formats, sources, targets
from ..data.file_listing import File, below, folder_labels, is_zip, located, members
from ..data.provenance import Provenance
from ..settings.base import without_password
from .media import COLUMN, KINDS, NOUN, SUFFIXES

DATA_URI = "data:"
NAME = "file"  # the column of the files' names
MAX_NAME = 1_000  # characters of a path; a longer cell holds the file itself
MIN_NAMES_SHARE = 0.5  # of the cells of a column that name files


class Listed(NamedTuple):
    """The files of a source, and a row of labels for each."""

    files: list[File]
    labels: pd.DataFrame


def find(config: Config, provenance: Provenance) -> Listed:
    """The files of the source with their labels: from a table, or from the folders they lie in.

    Raises:
        InputError: the source is missing, cannot be read or holds no such file; the message says what to do.
    """
    if sources.is_database(config.source):
        return of_table(config, sources.read_table(config, provenance), {}, "", provenance)
    filesystem, path = sources.connect(config.source)
    if is_zip(filesystem, path):
        files = members(config.source, filesystem.open(path, "rb"))
    elif filesystem.isdir(path) or any(sign in path for sign in "*?["):
        files = below(filesystem, config.source, path)
    else:
        return of_table(config, sources.read_table(config, provenance), {}, parent(config.source), provenance)
    tables = [file for name, file in files.items() if sources.is_table(name) and not name.lower().endswith(".zip")]
    media = {name: file for name, file in files.items() if is_medium(name)}
    for file in tables:
        table = read_table(config, file, provenance)
        if table is not None and not {*target_columns(config, table)}.isdisjoint(table.column_names):
            folder = str(PurePosixPath(file.name).parent)
            return of_table(config, table, media, "" if folder == "." else f"{folder}/", provenance)
    folders = {name.rpartition("/")[0] for name in files if is_hidden(name)}
    marked = sorted(folder for folder in folders if folder.startswith("_"))
    if marked:
        provenance.note(f"not read, as hidden by a name that begins with _: the folders {', '.join(marked)}")
    others = [name for name in files if not (is_medium(name) or sources.is_table(name)) and is_data(name)]
    if others:
        provenance.note(f"not read, by suffix: {by_suffix(others)}; {NOUN} files are {KINDS}")
    if not media:
        raise InputError(
            f"{without_password(config.source)} holds no {NOUN} file ({KINDS}), and no table of such with a column "
            f"{config.target!r}; give a folder or zip with a folder per class, or a table of paths"
        )
    return of_folders(config, list(media.values()), others, provenance)


def is_medium(name: str) -> bool:
    """Whether a file is of the kind that the model learns from, by its name."""
    return name.lower().endswith(SUFFIXES) and sources.is_visible(name)


def is_hidden(name: str) -> bool:
    """Whether a file of that kind is left out for the name of itself or of its folder, such as _other."""
    return name.lower().endswith(SUFFIXES) and not sources.is_visible(name)


def is_data(name: str) -> bool:
    """Whether a file is neither hidden nor a note beside the data, such as a licence."""
    last = PurePosixPath(name).name.lower()
    return sources.is_visible(name) and not any(fnmatch.fnmatch(last, pattern) for pattern in sources.NOT_DATA)


def by_suffix(names: Iterable[str]) -> str:
    """How many files have each suffix, the most frequent first."""
    counts = Counter(PurePosixPath(name).suffix.lower() or "without a suffix" for name in names)
    return ", ".join(f"{count:,} {suffix}" for suffix, count in counts.most_common())


def parent(source: str) -> str:
    """The folder of a table, from which the paths in it start."""
    return source.rpartition("/")[0] + "/" if "/" in source else ""


def read_table(config: Config, file: File, provenance: Provenance) -> pa.Table | None:
    """The table in a file that lies among others; None where it is none, as many a text file beside data is."""
    try:
        ((name, payload),) = sources.unpack(config, file.name, file.read())
        return formats.parse(config, name, payload, provenance)
    except (InputError, ValueError):
        return None


def of_folders(config: Config, files: list[File], others: list[str], provenance: Provenance) -> Listed:
    """Files that are labelled by the folders they lie in.

    Raises:
        InputError: all that lies in the folder of a class is of other kinds.
    """
    names = [file.name for file in files]
    deep = [name for name in others if name.count("/") >= min(name.count("/") for name in names)]
    columns = folder_labels(config, [*names, *deep], provenance)
    read, unread = columns[config.target][: len(names)], columns[config.target][len(names) :]
    lost = sorted({folder for folder in unread if folder} - set(read))
    if lost:
        inside = [name for folder, name in zip(unread, deep, strict=True) if folder == lost[0]]
        raise InputError(
            f"the folder {lost[0]!r} holds no {NOUN} file that can be read, but {by_suffix(inside)}; convert them "
            f"to one of {KINDS}; or move the folder elsewhere if it is no class"
        )
    table = pa.table({name: pa.array(values[: len(names)], pa.string()) for name, values in columns.items()})
    return label(config, files, table, provenance)


def of_table(config: Config, table: pa.Table, media: dict[str, File], folder: str, provenance: Provenance) -> Listed:
    """Files that a table names; its other columns are their labels. Paths start from the table's folder."""
    known = by_short_names(media)
    column = path_column(config, table, known)
    cells = enumerate(table.column(column).to_pylist(), 1)
    files = [resolve(cell, number, known | media, folder) for number, cell in cells]
    others = [name for name in table.column_names if name not in (column, NAME)]
    return label(config, files, table.select(others), provenance)


def by_short_names(media: dict[str, File]) -> dict[str, File]:
    """Files by their last names, with and without a suffix, as many a table has them; only those that are unique."""
    paths = {name: PurePosixPath(name) for name in media}
    shorts = {name: {path.name, path.stem} for name, path in paths.items()}
    counts = Counter(short for several in shorts.values() for short in several)
    return {short: media[name] for name, several in shorts.items() for short in several if counts[short] == 1}


def path_column(config: Config, table: pa.Table, shorts: Collection[str] = ()) -> str:
    """The column whose cells name files: the one of the setting, or the first in which most do.

    Names without a suffix are among `shorts`, each in one row; for labels can be called like files.

    Raises:
        InputError: there is none.
    """
    known = ", ".join(table.column_names[:20])
    if config.file_column:
        if config.file_column in table.column_names:
            return config.file_column
        raise InputError(f"file_column is {config.file_column!r}, which is no column of the source; it has: {known}")
    for name in table.column_names:
        if pa.types.is_string(table.column(name).type):
            cells = [cell.lower() for cell in table.column(name).to_pylist() if cell]
            num_files = sum(cell.startswith(DATA_URI) or cell.endswith(SUFFIXES) for cell in cells)
            if num_files > MIN_NAMES_SHARE * len(cells):
                return str(name)
    for name in table.column_names:
        cells = [cell for cell in table.column(name).to_pylist() if cell]
        is_distinct = name not in target_columns(config, table) and len({*cells}) == len(cells) > 0
        if is_distinct and sum(cell in shorts for cell in cells) > MIN_NAMES_SHARE * len(cells):
            return str(name)
    raise InputError(f"no column of the source names {NOUN} files ({KINDS}); it has: {known}; set file_column to one")


def resolve(cell: str | None, number: int, media: dict[str, File], folder: str) -> File:
    """The file that a cell names: one of the source, a data URI, or a path or address from the table's folder.

    A path may be written as on Windows.
    """
    if not cell:
        return File(f"row {number}", missing)
    if cell.startswith(DATA_URI):
        return File(f"row {number}", lambda: decode_uri(cell))
    written = cell.replace("\\", "/")
    for name in (f"{folder}{cell}", cell, posixpath.normpath(f"{folder}{written}"), posixpath.normpath(written)):
        if name in media:
            return media[name]
    wholes = [path if "://" in path or path.startswith("/") else f"{folder}{path}" for path in (cell, written)]
    filesystem, path = sources.connect(wholes[0])
    if cell != written and not filesystem.exists(path):
        filesystem, path = sources.connect(wholes[1])
    return located(filesystem, path)._replace(name=cell)


def missing() -> bytes:
    """Stands for the file of a cell that names none."""
    raise FileNotFoundError


def decode_uri(uri: str) -> bytes:
    """The bytes of a data URI in Base64 (RFC 2397).

    Raises:
        ValueError: it is none.
    """
    header, _, data = uri.partition(",")
    if not header.endswith(";base64"):
        raise ValueError("no data URI in Base64")
    return base64.b64decode(data, validate=True)


def label(config: Config, files: list[File], table: pa.Table, provenance: Provenance) -> Listed:
    """Files with the columns of a table, a row for each, and with what `name_pattern` finds in their names.

    Raises:
        InputError: the target is not among the columns.
    """
    for name, values in from_names(config, files).items():
        table = table.drop([name]) if name in table.column_names else table
        table = table.append_column(name, pa.array(values, pa.string()))
    wanted = target_columns(config, table)
    lacking = [name for name in wanted if name not in table.column_names]
    if lacking:
        known = ", ".join(table.column_names[:20])
        raise InputError(f"target is {lacking[0]!r}, which is no column of the source ({known}); set it to one")
    if all(table.column(name).null_count == len(files) for name in wanted):
        raise InputError(
            f"the {NOUN} files of {without_password(config.source)} lie in no folders that could name their classes; "
            "sort them into a folder per class, or give a table of paths or a name_pattern that finds the target"
        )
    # A folder called 01 is a name, and one called yes is no truth value.
    as_text = (config.target,) if targets.IS_NAME else ()
    labels = cleaning.clean(config, table, provenance, as_text)
    labels.insert(0, NAME, [file.name for file in files])
    return Listed(files, labels)


def target_columns(config: Config, table: pa.Table) -> list[str]:
    """The columns that hold the targets: those of the setting, which may name one for each label."""
    if targets.IS_SET and config.target not in table.column_names:
        return [name.strip() for name in config.target.split(",")]
    return [*config.targets]


def from_names(config: Config, files: list[File]) -> dict[str, list[str]]:
    """What the named groups of `name_pattern` find in each name.

    Raises:
        InputError: the pattern is none, has no named group or does not fit every name.
    """
    if not config.name_pattern:
        return {}
    try:
        pattern = re.compile(config.name_pattern)
    except re.error as error:
        raise InputError(f"name_pattern {config.name_pattern!r} is no regular expression: {error}") from error
    if not pattern.groupindex:
        raise InputError(f"name_pattern {config.name_pattern!r} has no named group such as (?P<speaker>[a-z]+)")
    matches = {file.name: pattern.search(file.name) for file in files}
    unmatched = [name for name, match in matches.items() if match is None]
    if unmatched:
        raise InputError(
            f"name_pattern {config.name_pattern!r} finds nothing in {len(unmatched)} of {len(files)} names, such as "
            f"{unmatched[0]!r}; fix it, since every file needs what it finds"
        )
    found = [match.groupdict(default="") for match in (matches[file.name] for file in files) if match]
    return {name: [groups[name] for groups in found] for name in pattern.groupindex}


def names(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns by which a reader knows an example: the name of its file, if it has one."""
    cells = rows.get(NAME, rows[COLUMN])
    return pd.DataFrame({NAME: [cell if isinstance(cell, str) and len(cell) < MAX_NAME else "" for cell in cells]})
