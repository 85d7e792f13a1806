"""Finds the pairs of a source: two columns of a table, the lines of two files, or a translation memory (TMX)."""

import fnmatch
import hashlib
from itertools import chain
from pathlib import PurePosixPath

import pyarrow as pa

from ..config import Config
from ..core.errors import InputError
from ..data import sources
from ..data.file_listing import listed
from ..data.provenance import Provenance
from ..text import text_columns, texts
from . import pairs, translation_memory

LINE_SUFFIXES = (".txt", ".tok", ".lines")  # of files of lines that say nothing about the language
TABLE_SUFFIXES = tuple(suffix for suffix in sources.TABLE_SUFFIXES if suffix != ".txt")


def find(config: Config, provenance: Provenance) -> pa.Table:
    """The pairs of the source: strings in the columns `texts.COLUMN` and `target`, beside the other columns of a table.

    Raises:
        InputError: the source is missing, cannot be read or holds no pairs; the message says what to do.
    """
    if config.target == texts.COLUMN:
        raise InputError(f"target is {config.target!r}, which the texts to translate are called; rename the column")
    files = pair_files(config.source)
    if not files:
        tables = sources.read_tables(config, provenance)
        return sources.concatenate({name: of_table(config, name, table, provenance) for name, table in tables.items()})
    for name, payload in files.items():
        digest = hashlib.sha256(payload).hexdigest()
        provenance.sources.append({"name": name, "bytes": len(payload), "sha256": digest})
    if all(is_memory(name) for name in files):
        read = [translation_memory.read(config, name, payload) for name, payload in files.items()]
        return as_table(config, *(list(chain.from_iterable(side)) for side in zip(*read, strict=True)))
    return of_lines(config, files)


def pair_files(source: str) -> dict[str, bytes]:
    """The two files of lines, or the translation memories, by name; none where the source is, or holds, something else.

    Raises:
        InputError: an archive cannot be read, or the source does not exist.
    """
    filesystem, path = (None, "") if sources.is_database(source) else sources.connect(source)
    if filesystem is not None and is_memory(path) and filesystem.isfile(path):
        return {sources.display_name(filesystem, source, path): filesystem.cat_file(path)}
    files = {name: file for name, file in listed(source).items() if is_data(name)}
    are_memories = all(map(is_memory, files))
    are_lines = len(files) == 2 and not any(name.lower().endswith(TABLE_SUFFIXES) for name in files)
    return {name: file.read() for name, file in files.items()} if are_memories or are_lines else {}


def is_data(name: str) -> bool:
    """Whether a file in a folder or archive is data by its name."""
    file = PurePosixPath(name).name.lower()
    return sources.is_visible(name) and not any(fnmatch.fnmatch(file, pattern) for pattern in sources.NOT_DATA)


def is_memory(name: str) -> bool:
    """Whether a file is a translation memory by its name."""
    return name.lower().endswith(".tmx")


def of_lines(config: Config, files: dict[str, bytes]) -> pa.Table:
    """The lines of two files, which are named after their languages, such as news.en and news.fr, or en.txt and fr.txt.

    Raises:
        InputError: neither is named as `target` says, or their numbers of lines differ.
    """
    languages = {language(name): name for name in files}
    if config.target not in languages or len(languages) != 2:
        known = ", ".join(files)
        raise InputError(f"target is {config.target!r}, as which none of the two files is called: {known}; fix it")
    (other,) = languages.keys() - {config.target}
    lines = {side: lines_of(config, files[languages[side]]) for side in (other, config.target)}
    lengths = [len(side) for side in lines.values()]
    if len(set(lengths)) > 1:
        names = " and ".join(f"{languages[side]} ({len(lines[side]):,})" for side in lines)
        raise InputError(f"{names} have different numbers of lines; line by line, they have to be translations")
    return as_table(config, lines[other], lines[config.target])


def language(name: str) -> str:
    """What a file is called after its last point, or before it where that is a common ending."""
    path = PurePosixPath(name)
    plain = path.stem if path.suffix.lower() in LINE_SUFFIXES else path.name
    return plain.rpartition(".")[2]


def lines_of(config: Config, payload: bytes) -> list[str]:
    """The lines in the bytes of a file.

    Only line feeds end a line: what else Unicode takes for an end would put the two files out of step.
    """
    text = text_columns.decode(config, payload)
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def as_table(config: Config, source: list[str], target: list[str]) -> pa.Table:
    """Both sides as a table."""
    return pa.table({texts.COLUMN: pa.array(source, pa.string()), config.target: pa.array(target, pa.string())})


def of_table(config: Config, name: str, table: pa.Table, provenance: Provenance) -> pa.Table:
    """A table whose column of sources has its name, and whose other columns do not have those of measures.

    Raises:
        InputError: there is no column of sources, or none of targets.
    """
    (column,), names = (
        text_columns.find(config, "source_column", name, table, provenance=provenance),
        table.column_names,
    )
    if config.target not in names:  # collecting says which ones there are
        return table
    taken = {column, texts.COLUMN, texts.HASH, *pairs.NUMBERS} - {
        config.key,
        config.group,
        config.time,
        config.sample_weight,
    }
    others = table.drop([other for other in names if other in taken - {config.target}])
    place = others.column_names.index(config.target)
    others = others.set_column(place, config.target, text_columns.as_text(table.column(config.target)))
    return others.add_column(0, texts.COLUMN, text_columns.as_text(table.column(column)))
