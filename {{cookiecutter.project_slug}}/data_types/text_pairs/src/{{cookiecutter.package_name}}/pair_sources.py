"""Finds the pairs of a source: two columns of a table, the lines of two files, or a translation memory (TMX)."""

import hashlib
import zipfile
from io import BytesIO
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from . import pairs, sources, translation_memory
from .config import Config
from .delimited import BYTE_ORDER_MARKS
from .errors import InputError
from .provenance import Provenance

LINE_SUFFIXES = (".txt", ".tok", ".lines")  # of files of lines that say nothing about the language
LETTER = r"\p{L}"
TABLE_SUFFIXES = tuple(suffix for suffix in sources.TABLE_SUFFIXES if suffix != ".txt")


def find(config: Config, provenance: Provenance) -> pa.Table:
    """The pairs of the source: strings in the columns `pairs.SOURCE` and `target`, beside the other columns of a table.

    Raises:
        InputError: the source is missing, cannot be read or holds no pairs; the message says what to do.
    """
    if config.target == pairs.SOURCE:
        raise InputError(f"target is {config.target!r}, which the texts to translate are called; rename the column")
    files = {} if sources.is_database(config.source) else read_files(config.source)
    if not files:
        tables = sources.read_tables(config, provenance)
        return sources.concatenate({name: of_table(config, name, table) for name, table in tables.items()})
    for name, payload in files.items():
        digest = hashlib.sha256(payload).hexdigest()
        provenance.sources.append({"name": name, "bytes": len(payload), "sha256": digest})
    if all(is_memory(name) for name in files):
        read = [translation_memory.read(config, name, payload) for name, payload in files.items()]
        return as_table(config, *(list(chain.from_iterable(side)) for side in zip(*read, strict=True)))
    return of_lines(config, files)


def read_files(source: str) -> dict[str, bytes]:
    """The files of lines, or of translation memories, of a folder, glob or zip; none if there are tables among them."""
    filesystem, path = sources.connect(source)
    if sources.is_web(filesystem):
        return {}
    is_folder = bool(filesystem.isdir(path))
    found = filesystem.find(path) if is_folder else filesystem.glob(path)
    names = [name for name in sorted(found) if filesystem.isfile(name)]
    if len(names) == 1 and names[0].lower().endswith(".zip"):
        return members(names[0], filesystem.cat_file(names[0]))
    visible = [name for name in names if is_data(name.removeprefix(path) if is_folder else name.rpartition("/")[2])]
    if is_chosen(visible):
        return {sources.display_name(filesystem, source, name): filesystem.cat_file(name) for name in visible}
    return {}


def members(name: str, payload: bytes) -> dict[str, bytes]:
    """The same of a zip archive; one that cannot be opened is left to the reader of tables, which says so."""
    try:
        archive = zipfile.ZipFile(BytesIO(payload))
        visible = [member for member in sorted(archive.namelist()) if is_data(member) and not member.endswith("/")]
        return {f"{name}/{member}": archive.read(member) for member in visible} if is_chosen(visible) else {}
    except (zipfile.BadZipFile, RuntimeError):  # RuntimeError: it is encrypted
        return {}


def is_data(name: str) -> bool:
    """Whether a file in a folder or archive is data by its name."""
    file = PurePosixPath(name).name.lower()
    return sources.is_visible(name) and not file.startswith(("readme", "license", "licence", "__macosx"))


def is_memory(name: str) -> bool:
    """Whether a file is a translation memory by its name."""
    return name.lower().endswith(".tmx")


def is_chosen(names: list[str]) -> bool:
    """Whether files are two files of lines, or translation memories."""
    if not names or any(name.lower().endswith(TABLE_SUFFIXES) for name in names):
        return False
    return len(names) == 2 or all(is_memory(name) for name in names)


def of_lines(config: Config, files: dict[str, bytes]) -> pa.Table:
    """The lines of two files, which are named after their languages, such as news.en and news.fr, or en.txt and fr.txt.

    Raises:
        InputError: neither is named as `target` says, or their numbers of lines differ.
    """
    languages = {language(name): name for name in files}
    if config.target not in languages or len(languages) != 2:
        known = ", ".join(files)
        raise InputError(f"target is {config.target!r}, as which none of the two files is called: {known}; mend it")
    (other,) = languages.keys() - {config.target}
    lines = {side: decode(config, files[languages[side]]) for side in (other, config.target)}
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


def decode(config: Config, payload: bytes) -> list[str]:
    """The lines in the bytes of a file, by its byte order mark, the setting `encoding` or UTF-8.

    Only line feeds end a line: what else Unicode takes for an end would put the two files out of step.
    """
    marks = (encoding for mark, encoding in BYTE_ORDER_MARKS.items() if payload.startswith(mark))
    text = payload.decode(next(marks, config.encoding or "utf-8"), errors="replace")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def as_table(config: Config, source: list[str], target: list[str]) -> pa.Table:
    """Both sides as a table."""
    return pa.table({pairs.SOURCE: pa.array(source, pa.string()), config.target: pa.array(target, pa.string())})


def of_table(config: Config, name: str, table: pa.Table) -> pa.Table:
    """A table whose column of sources has its name, and whose other columns do not have those of measures.

    Raises:
        InputError: there is no column of sources, or none of targets.
    """
    column, names = source_column(config, name, table), table.column_names
    if config.target not in names:  # collecting says which ones there are
        return table
    taken = {column, pairs.SOURCE, pairs.HASH, *pairs.NUMBERS} - {config.key, config.group, config.time}
    others = table.drop([other for other in names if other in taken - {config.target}])
    place = others.column_names.index(config.target)
    others = others.set_column(place, config.target, as_strings(table.column(config.target)))
    return others.add_column(0, pairs.SOURCE, as_strings(table.column(column)))


def as_strings(column: Any) -> Any:
    """A column of texts, whatever its type."""
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def source_column(config: Config, name: str, table: pa.Table) -> str:
    """The column of texts to translate: the one of the setting, `source`, or the one with the longest texts.

    Raises:
        InputError: there is none.
    """
    known = ", ".join(table.column_names[:20])
    for wanted in (config.source_column, pairs.SOURCE):
        if wanted in table.column_names:
            return wanted
    if config.source_column:
        raise InputError(f"source_column is {config.source_column!r}, which is no column of {name}; it has: {known}")
    roles = {config.target, config.key, config.group, config.time, *config.ignore}
    lengths = {other: mean_length(table.column(other)) for other in table.column_names if other not in roles}
    longest = max(lengths, key=lambda other: lengths[other], default="")
    if not lengths.get(longest):
        raise InputError(f"no column of {name} holds texts to translate; it has: {known}; set source_column to one")
    return longest


def mean_length(column: Any) -> float:
    """Characters in a cell on average; 0 where cells are no texts: most have no letter."""
    if not pa.types.is_string(column.type):
        return 0.0
    share_with_letters = pc.mean(pc.match_substring_regex(column, LETTER).cast(pa.int8())).as_py() or 0
    return float(pc.mean(pc.utf8_length(column)).as_py()) if share_with_letters >= 0.5 else 0.0
