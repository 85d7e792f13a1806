"""Finds the texts of a source: a column of a table, or text files in a folder or zip with a folder per class."""

import hashlib
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from . import sources, texts
from .config import Config
from .delimited import BYTE_ORDER_MARKS
from .errors import InputError
from .file_listing import File, below, classes, is_zip, members
from .provenance import Provenance, without_password

NAME = "file"  # the column of the files' names
LETTER = r"\pL"


def find(config: Config, provenance: Provenance) -> pa.Table:
    """The texts of the source, as strings in the column `texts.COLUMN`, beside the other columns of a table.

    Raises:
        InputError: the source is missing, cannot be read or holds no texts; the message says what to do.
    """
    files = [] if sources.is_database(config.source) else text_files(config.source)
    if files:
        return of_files(config, files, provenance)
    tables = sources.read_tables(config, provenance)
    return sources.concatenate({name: of_table(config, name, table, provenance) for name, table in tables.items()})


def text_files(source: str) -> list[File]:
    """The text files below a folder, matched by a glob or in a zip archive; none where tables lie among them."""
    filesystem, path = sources.connect(source)
    if sources.is_web(filesystem):
        return []
    if is_zip(filesystem, path):
        files = members(source, filesystem.open(path, "rb"))
    elif filesystem.isdir(path) or any(sign in path for sign in "*?["):
        files = below(filesystem, source, path)
    else:
        return []
    data = {name: file for name, file in files.items() if sources.is_table(name) and not name.lower().endswith(".zip")}
    return list(data.values()) if all(name.lower().endswith(texts.SUFFIX) for name in data) else []


def of_files(config: Config, files: list[File], provenance: Provenance) -> pa.Table:
    """The texts of files, labelled by the folders they lie in.

    Raises:
        InputError: they lie in none.
    """
    names = [file.name for file in files]
    labels = classes(names, provenance)
    if not any(labels):
        raise InputError(
            f"the text files of {without_password(config.source)} lie in no folders that could name their classes; "
            "sort them into a folder per class, or give a table with a column of texts"
        )
    payloads = [file.read() for file in files]
    digest = hashlib.sha256(b"".join(sorted(hashlib.sha256(payload).digest() for payload in payloads)))
    entry = {"name": without_password(config.source), "files": len(files), "bytes": sum(map(len, payloads))}
    provenance.sources.append({**entry, "sha256": digest.hexdigest()})
    contents = [decode(config, payload) for payload in payloads]
    num_invalid = sum(texts.UNKNOWN in content for content in contents)
    if num_invalid:
        provenance.note(f"{num_invalid} text files hold bytes that are no characters, which were replaced")
    columns = {NAME: names, texts.COLUMN: contents, config.target: labels}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def decode(config: Config, payload: bytes) -> str:
    """The text in the bytes of a file, by its byte order mark, the setting `encoding` or UTF-8.

    What is invalid becomes `texts.UNKNOWN`.
    """
    marks = (encoding for mark, encoding in BYTE_ORDER_MARKS.items() if payload.startswith(mark))
    return texts.mended(payload.decode(next(marks, config.encoding or "utf-8"), errors="replace"))


def of_table(config: Config, name: str, table: pa.Table, provenance: Provenance) -> pa.Table:
    """A table whose column of texts has its name, and whose other columns do not have those of measures.

    Raises:
        InputError: it has no column of texts, or one that is needed has the name of a measure.
    """
    measured = {texts.HASH, *texts.NUMBERS}
    for setting in ("target", "key", "group", "time"):
        if getattr(config, setting) in measured:
            message = f"{setting} is {getattr(config, setting)!r}, which is what a measure of texts is called"
            raise InputError(f"{message}; rename the column in {name}")
    column = text_column(config, name, table)
    content = table.column(column)
    content = content if is_text(content) else content.cast(pa.string())
    doubled = [other for other in table.column_names if other in measured]
    if any(table.column(other).null_count < table.num_rows for other in doubled):
        provenance.note(f"columns of the source that are measured anew: {', '.join(doubled)}")
    unwanted = {column, texts.COLUMN, *doubled} & {*table.column_names}
    return table.drop(sorted(unwanted)).append_column(texts.COLUMN, content)


def text_column(config: Config, name: str, table: pa.Table) -> str:
    """The column of texts: the one of the setting, one called `texts.COLUMN`, or the one with the longest texts.

    Raises:
        InputError: there is none.
    """
    known = ", ".join(table.column_names[:20])
    for wanted in (config.text_column, texts.COLUMN):
        if wanted in table.column_names:
            return wanted
    if config.text_column:
        raise InputError(f"text_column is {config.text_column!r}, which is no column of {name}; it has: {known}")
    roles = {config.target, config.key, config.group, config.time, NAME, *config.ignore}
    letters = {other: mean_letters(table.column(other)) for other in table.column_names if other not in roles}
    longest = max(letters, key=lambda other: letters[other], default="")
    if not letters.get(longest):
        raise InputError(f"no column of {name} holds texts; it has: {known}; set text_column to the one to learn from")
    return longest


def mean_letters(column: Any) -> float:
    """Letters in a cell on average; 0 where cells are no texts."""
    return float(pc.mean(pc.count_substring_regex(column, LETTER)).as_py() or 0) if is_text(column) else 0.0


def is_text(column: Any) -> bool:
    """Whether the cells of a column are strings."""
    return bool(pa.types.is_string(column.type))
