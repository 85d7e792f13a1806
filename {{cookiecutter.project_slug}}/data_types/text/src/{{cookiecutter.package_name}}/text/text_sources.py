"""Finds the texts of a source: a column of a table, or text files in a folder or zip with a folder per class."""

import hashlib

import pyarrow as pa

from ..config import Config
from ..core.errors import InputError
from ..data import sources, targets
from ..data.file_listing import File, folder_labels, listed
from ..data.provenance import Provenance
from ..settings.base import without_password
from . import text_columns, texts
from .unicode_text import UNKNOWN, repair

NAME = "file"  # the column of the files' names


def find(config: Config, provenance: Provenance) -> pa.Table:
    """The texts of the source, as strings in the column `texts.COLUMN`, beside the other columns of a table.

    Raises:
        InputError: the source is missing, cannot be read or holds no texts; the message says what to do.
    """
    files = text_files(config.source)
    if files:
        return of_files(config, files, provenance)
    tables = sources.read_tables(config, provenance)
    return sources.concatenate({name: of_table(config, name, table, provenance) for name, table in tables.items()})


def text_files(source: str) -> list[File]:
    """The text files below a folder, matched by a glob or in a zip archive; none where tables lie among them."""
    files = listed(source)
    data = {name: file for name, file in files.items() if sources.is_table(name) and not name.lower().endswith(".zip")}
    return list(data.values()) if all(name.lower().endswith(texts.SUFFIX) for name in data) else []


def of_files(config: Config, files: list[File], provenance: Provenance) -> pa.Table:
    """The texts of files, labelled by the folders they lie in.

    Raises:
        InputError: they lie in none, or a text may have several labels.
    """
    if targets.IS_SET:
        raise InputError(
            f"the text files of {without_password(config.source)} would have one label each, that of their folder; "
            "give a table with a column of texts and one of labels such as a|b"
        )
    names = [file.name for file in files]
    given = folder_labels(config, names, provenance)
    if not any(given[config.target]):
        raise InputError(
            f"the text files of {without_password(config.source)} lie in no folders that could name their classes; "
            "sort them into a folder per class, or give a table with a column of texts"
        )
    payloads = [file.read() for file in files]
    digest = hashlib.sha256(b"".join(sorted(hashlib.sha256(payload).digest() for payload in payloads)))
    entry = {"name": without_password(config.source), "files": len(files), "bytes": sum(map(len, payloads))}
    provenance.sources.append({**entry, "sha256": digest.hexdigest()})
    contents = [repair(text_columns.decode(config, payload)) for payload in payloads]
    num_invalid = sum(UNKNOWN in content for content in contents)
    if num_invalid:
        provenance.note(f"{num_invalid} text files hold bytes that are no characters, which were replaced")
    columns = {NAME: names, texts.COLUMN: contents, **given}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def of_table(config: Config, name: str, table: pa.Table, provenance: Provenance) -> pa.Table:
    """A table whose texts are in the column of that name, and whose other columns do not have those of measures.

    Raises:
        InputError: it has no column of texts, or one that is needed has the name of a measure.
    """
    measured = {texts.HASH, *texts.NUMBERS}
    flags = config.target.split(",") if targets.IS_SET else ()  # columns of 0 and 1
    named = [("target", name.strip()) for name in (*config.targets, *flags)]
    for setting, value in [*named, *((each, getattr(config, each)) for each in ("key", "group", "time"))]:
        if value in measured:
            message = f"{setting} is {value!r}, which is what a measure of texts is called"
            raise InputError(f"{message}; rename the column in {name}")
    columns = text_columns.find(config, "text_column", name, table, [NAME], provenance)
    content = text_columns.read(table, columns)
    doubled = [other for other in table.column_names if other in measured]
    if any(table.column(other).null_count < table.num_rows for other in doubled):
        provenance.note(f"columns of the source that are measured anew: {', '.join(doubled)}")
    unwanted = {*columns, texts.COLUMN, *doubled} & {*table.column_names}
    return table.drop(sorted(unwanted)).append_column(texts.COLUMN, content)
