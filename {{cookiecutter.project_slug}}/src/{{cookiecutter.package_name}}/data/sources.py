"""Opens the raw data wherever it is: files, folders, globs, archives, remote addresses and databases."""

import fnmatch
import hashlib
import lzma
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, told
from ..settings.base import without_password
from . import formats
from .provenance import Provenance
from .splitting import GIVEN, SPLIT_NAMES

TABLE_SUFFIXES = (*formats.TEXT_SUFFIXES, *formats.JSON_SUFFIXES, ".parquet", ".pq", ".xlsx", ".xlsm", ".zip")
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".zst", ".xz")
NOT_DATA = ("readme*", "license*", "licence*")
MAX_DEPTH = 5  # of archives and compressed files in each other
CHUNK_BYTES = 1 << 20  # read at once, so that the progress bar moves

MAX_NAME = 1_000  # characters of a column's name
COLUMNS_SHOWN = 20  # names of columns in a message


OTHER_ARCHIVES = {"tar": (257, b"ustar"), "7-Zip": (0, b"7z\xbc\xaf\x27\x1c"), "RAR": (0, b"Rar!\x1a\x07")}


def stream_of(name: str) -> Callable[[bytes], Any]:
    """A function that opens bytes in a compression which Arrow knows by this name."""
    return lambda payload: pa.CompressedInputStream(pa.BufferReader(payload), name)


DECOMPRESS: dict[bytes, Callable[[bytes], Any]] = {  # by the bytes that such a file begins with
    b"\x1f\x8b": stream_of("gzip"),
    b"BZh": stream_of("bz2"),
    b"\x28\xb5\x2f\xfd": stream_of("zstd"),
    b"\xfd7zXZ\0": lambda payload: lzma.LZMAFile(BytesIO(payload)),  # noqa: SIM115 (who reads it closes it)
}


def read_table(config: Config, provenance: Provenance) -> pa.Table:
    """Reads the source as one table.

    Raises:
        InputError: as `read_tables`, or its tables have different columns.
    """
    return concatenate(read_tables(config, provenance))


def read_tables(config: Config, provenance: Provenance) -> dict[str, pa.Table]:
    """Reads the tables of the source, by name; cells are typed as far as its format has types, else all strings.

    Raises:
        InputError: it is missing, unreadable, empty or no table; the message says what to do.
    """
    if is_database(config.source):
        found = {"the query's result": formats.read_database(config, provenance)}
    else:
        files = read_files(config, provenance)
        found = {name: formats.parse(config, name, payload, provenance) for name, payload in files}
    for name, table in found.items():
        check(config, name, table)
    splits = named_splits(config, [*found], provenance)
    return {name: with_split(table, splits.get(name)) for name, table in found.items()}


def named_splits(config: Config, names: Sequence[str], provenance: Provenance) -> dict[str, str]:
    """The splits by the names of tables such as train.csv and test.csv; none unless all have such names."""
    stems = [PurePosixPath(name).name.partition(".")[0].lower() for name in names]
    splits = {name: SPLIT_NAMES[stem] for name, stem in zip(names, stems, strict=True) if stem in SPLIT_NAMES}
    if len(splits) < len(names) or not {"train"} < set(splits.values()) or not config.named_splits:
        return {}
    provenance.note(f"{', '.join(sorted(stems))} are taken as the splits; set named_splits to false to join them")
    return splits


def with_split(table: pa.Table, split: str | None) -> pa.Table:
    """A table with the column of the split that is given to its rows, if one is."""
    return table if split is None else table.append_column(GIVEN, pa.array([split] * table.num_rows, pa.string()))


def is_database(source: str) -> bool:
    """Whether the source is a database URL, such as postgresql+psycopg://host/name."""
    protocol, separator, _ = source.partition("://")
    return bool(separator) and protocol not in fsspec.available_protocols()


def read_files(config: Config, provenance: Provenance) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the tables of a source, decompressed; records size and SHA-256 of each file."""
    filesystem, path = connect(config.source)
    for file in locate(filesystem, config.source, path):
        yield from read_file(config, filesystem, file, display_name(filesystem, config.source, file), provenance)


def read_file(
    config: Config, filesystem: Any, file: str, name: str, provenance: Provenance
) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the tables in a file."""
    payload = read_bytes(filesystem, file, name)
    provenance.sources.append({"name": name, "bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest()})
    yield from unpack(config, name, payload)


def connect(source: str) -> tuple[Any, str]:
    """The file system of an address, and the path there.

    Raises:
        InputError: the driver for it is not installed.
    """
    if not source.strip():
        raise InputError("source is empty; set it to a file, a folder or an address")
    try:
        filesystem, path = fsspec.core.url_to_fs(source)
    except ImportError as error:
        message = f"source {without_password(source)} needs a driver that is not installed ({error})"
        raise InputError(f"{message}; install the dependency group `cloud`") from error
    return filesystem, str(path)


def locate(filesystem: Any, source: str, path: str) -> list[str]:
    """The files of a source, sorted: a file itself, the tables below a folder, or what a glob matches."""
    if is_web(filesystem):  # its ? and * mean no glob
        return [path]
    try:
        if filesystem.isfile(path):
            return [path]
        if filesystem.isdir(path):
            found = files_below(filesystem, path)
            files = [file for file in found if is_table(file.removeprefix(path)) and is_regular(filesystem, file)]
        else:
            files = sorted(filesystem.glob(path)) if any(sign in path for sign in "*?[") else []
            files = [file for file in files if is_visible(file.rpartition("/")[2]) and filesystem.isfile(file)]
    except Exception as error:  # every remote driver has errors of its own
        message = f"source {without_password(source)} cannot be reached: {error}"
        raise InputError(f"{message}; check the address and your access") from error
    if not files:
        shown = without_password(source)
        folder = f"{shown} holds no table; a file such as data.csv, .jsonl, .parquet or .xlsx is needed"
        raise InputError(folder if filesystem.isdir(path) else f"source {shown} does not exist; check the path")
    return files


def files_below(filesystem: Any, folder: str) -> list[str]:
    """The files below a folder, sorted; of one on this machine, links to folders are followed."""
    is_local = "file" in filesystem.protocol
    return sorted(map(str, artifacts.files_below(Path(folder))) if is_local else filesystem.find(folder))


def is_web(filesystem: Any) -> bool:
    """Whether files come by HTTP."""
    return "http" in filesystem.protocol


def is_regular(filesystem: Any, file: str) -> bool:
    """Whether a file that was found is no named pipe, socket or device, on which reading could wait for ever."""
    return "file" not in filesystem.protocol or Path(file).is_file()


def is_visible(file: str) -> bool:
    """Whether no part of a path is hidden, such as .git or _SUCCESS."""
    return not any(part.startswith((".", "_")) for part in PurePosixPath(file).parts)


def is_table(file: str) -> bool:
    """Whether a file in a folder or archive is data by its name."""
    name = file.rpartition("/")[2].lower()
    for suffix in COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    is_data = name.endswith(TABLE_SUFFIXES) and not any(fnmatch.fnmatch(name, pattern) for pattern in NOT_DATA)
    return is_data and is_visible(file)


def display_name(filesystem: Any, source: str, file: str) -> str:
    """What messages and the provenance call a file: as short as it is unique."""
    if is_web(filesystem):
        return without_password(source)
    if "file" not in filesystem.protocol:
        return str(filesystem.unstrip_protocol(file))
    return os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file


def read_bytes(filesystem: Any, file: str, name: str) -> bytes:
    """Reads a file; shows a progress bar on a terminal if it takes more than a second."""
    options = {"block_size": 0} if is_web(filesystem) else {}  # 0: one request for the whole file
    content = BytesIO()
    try:
        with filesystem.open(file, "rb", **options) as stream:
            size = getattr(stream, "size", None)
            with tqdm(desc=f"reading {name}", total=size, unit="B", unit_scale=True, delay=1, disable=None) as bar:
                while chunk := stream.read(CHUNK_BYTES):
                    content.write(chunk)
                    bar.update(len(chunk))
    except Exception as error:  # every remote driver has errors of its own
        reason = error.__cause__ or error
        raise InputError(f"{name} cannot be read: {reason}; check that it exists and your access") from error
    return content.getvalue()


def unpack(config: Config, name: str, payload: bytes, depth: int = 1) -> Iterator[tuple[str, bytes]]:
    """The tables in a file: itself, decompressed, or the members of a zip archive.

    Raises:
        InputError: it is damaged, or holds more than `max_unpacked_bytes` or too many files in each other.
    """
    if depth > MAX_DEPTH:
        raise InputError(f"{name} is a compressed file in {MAX_DEPTH - 1} others; unpack it before")
    for start, opened in DECOMPRESS.items():
        if payload.startswith(start):
            with told(f"{name} is cut off or damaged", "fetch or write it again"), opened(payload) as stream:
                content = read_bounded(config, name, stream)
            yield from unpack(config, name.removesuffix(PurePosixPath(name).suffix), content, depth + 1)
            return
    for kind, (place, mark) in OTHER_ARCHIVES.items():
        if payload.startswith(mark, place):
            raise InputError(f"{name} is a {kind} archive, which is not read; unpack it, or make it a zip archive")
    if payload.startswith(formats.ZIP):
        yield from unpack_zip(config, name, payload, depth)
    else:
        yield name, payload


def read_bounded(config: Config, name: str, stream: Any) -> bytes:
    """What a stream of decompressed bytes holds, up to `max_unpacked_bytes`."""
    content = BytesIO()
    while chunk := stream.read(CHUNK_BYTES):
        content.write(chunk)
        check_unpacked(config, name, content.tell())
    return content.getvalue()


def check_unpacked(config: Config, name: str, size: int) -> None:
    """Refuses files that would fill the memory."""
    if size > config.max_unpacked_bytes:
        limit = f"max_unpacked_bytes is {config.max_unpacked_bytes:,}"
        raise InputError(f"{name} holds {size:,} bytes or more and {limit}; unpack it before, or raise that setting")


def unpack_zip(config: Config, name: str, payload: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    """The tables in a zip archive; an Excel workbook, which is one too, stays whole."""
    with told(f"{name} cannot be unpacked", "fetch or write it again, without a password"):
        archive = zipfile.ZipFile(BytesIO(payload))
        names = archive.namelist()
        is_workbook = "[Content_Types].xml" in names
        members = [] if is_workbook else [member for member in sorted(names) if is_table(member)]
        check_unpacked(
            config, name, sum(archive.getinfo(each).file_size for each in (names if is_workbook else members))
        )
        contents = {f"{name}/{member}": archive.read(member) for member in members}
    if is_workbook:
        yield name, payload
        return
    if not contents:
        raise InputError(f"{name} holds no table; a file such as data.csv, .jsonl, .parquet or .xlsx is needed in it")
    for member, content in contents.items():
        yield from unpack(config, member, content, depth + 1)


def check(config: Config, name: str, table: pa.Table) -> None:
    """Refuses columns without a name, doubled, too many or with endless cells, and data without a header."""
    names = table.column_names
    if len(names) > config.max_columns:
        message = f"{name} has {len(names)} columns and max_columns is {config.max_columns}"
        raise InputError(f"{message}; check `delimiter`, or raise max_columns")
    if sum(map(bool, names)) == 1 < len(names):
        message = f"the first row of {name} holds only {max(names)!r}; if that is a title, remove all above the header"
        raise InputError(f"{message}, so that the names of the columns come first")
    if "" in names:
        number = names.index("") + 1
        raise InputError(f"column {number} of {name} has no name; give it one in the header")
    formats.check_unique(name, names)
    if len(max(names, key=len, default="")) > MAX_NAME:
        message = f"{name} has a column with a name of more than {MAX_NAME:,} characters"
        raise InputError(f"{message}; look for a missing header or a quote that is never closed")
    if config.header and lacks_header(table):
        message = f"{name} seems to have no header: its first line is {', '.join(names[:COLUMNS_SHOWN])}"
        raise InputError(f"{message}; put a line with the names of the columns above it, or set header to false")
    for column, values in zip(names, table.columns, strict=True):
        longest = pc.max(pc.utf8_length(values)).as_py() if pa.types.is_string(values.type) else 0
        if longest and longest > config.max_cell:
            message = f"{name}: a cell of column {column!r} has {longest} characters and max_cell is {config.max_cell}"
            raise InputError(f"{message}; look for a quote that is never closed, or raise max_cell")


def lacks_header(table: pa.Table) -> bool:
    """Whether the header looks like an example: some names are numbers, and the others are cells of their columns."""
    numeric = [name for name in table.column_names if is_number(name)]
    others = [name for name in table.column_names if name not in numeric]
    return bool(numeric) and all(name in table.column(name).slice(0, 1_000).to_pylist() for name in others)


def is_number(text: str) -> bool:
    """Whether a text is a plain number."""
    return text.lstrip("+-").replace(".", "", 1).isdecimal()


def concatenate(tables: dict[str, pa.Table]) -> pa.Table:
    """Puts tables with the same columns below each other; columns whose types differ become text or real numbers."""
    (first, table), *others = tables.items()
    for name, other in others:
        missing = sorted(set(table.column_names) - set(other.column_names))
        new = sorted(set(other.column_names) - set(table.column_names))
        if missing or new:
            raise InputError(
                f"{name} has other columns than {first}: it lacks {missing[:COLUMNS_SHOWN]} and adds "
                f"{new[:COLUMNS_SHOWN]}; give all files the same columns, or name one file or a narrower glob as source"
            )
    aligned = [other.select(table.column_names) for other in tables.values()]
    kinds = [common_type(set(alike)) for alike in zip(*(other.schema.types for other in aligned), strict=True)]
    schema = pa.schema(list(zip(table.column_names, kinds, strict=True)))
    return pa.concat_tables([cast(name, other, schema) for name, other in zip(tables, aligned, strict=True)])


def cast(name: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table in the types that all tables have together."""
    columns = []
    for column, kind in zip(schema.names, schema.types, strict=True):
        try:
            columns.append(table[column].cast(kind))
        except pa.ArrowInvalid as error:
            message = f"{name}: column {column!r} holds whole numbers that are real numbers elsewhere ({error})"
            raise InputError(f"{message}; write it as text in all files, so that no digit is lost") from error
    return pa.Table.from_arrays(columns, schema=schema)


def common_type(kinds: set[pa.DataType]) -> pa.DataType:
    """A type that holds the cells of all: themselves if alike, double for numbers, else text."""
    known = {kind for kind in kinds if not pa.types.is_null(kind)} or kinds
    if len(known) == 1:
        return known.pop()
    return pa.float64() if known <= {pa.int64(), pa.float64()} else pa.string()
