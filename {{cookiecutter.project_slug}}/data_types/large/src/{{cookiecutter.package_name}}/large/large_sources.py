"""Sources that are too large for memory, read in parts: tables in Parquet and text files, wherever they are."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from ..config import Config
from ..core.errors import InputError, told
from ..data import cell_formats, cleaning, delimited, formats, piecewise, sources
from ..data.cell_formats import Finding
from ..data.provenance import Provenance

LARGEST_PART = 262_144  # rows
PARTS_IN_MEMORY = 4  # a part as cells, as a table and as hashes, and the first part, by which the others go
BATCH = 65_536  # rows of a Parquet file that are read at once
COMPRESSED = (".gz", ".bz2")  # texts that can be decompressed bit by bit
DAMAGE = (pa.ArrowInvalid, OSError, EOFError)  # what comes of files that are cut off, damaged or may not be read
SHRINKS = 4  # how much smaller compressed text is, about


def is_large(config: Config) -> bool:
    """Whether a source has more rows than are kept in memory, as far as can be told without reading it."""
    if sources.is_database(config.source):
        return False
    filesystem, path = sources.connect(config.source)
    if sources.is_web(filesystem):
        return False
    files = sources.locate(filesystem, config.source, path)
    return sum(count_rows(filesystem, file) for file in files) > config.max_examples_in_memory


def count_rows(filesystem: Any, file: str) -> int:
    """The rows of a file: by what a Parquet file says of itself, by the size of a text; 0 if it is read as a whole."""
    try:
        kind = kind_of(filesystem, file)
        if kind == "Parquet":
            with filesystem.open(file) as stream:
                return int(pq.read_metadata(stream).num_rows)
        return estimate_lines(filesystem, file) if kind == "text" else 0
    except DAMAGE:
        return 0  # reading it will tell what is wrong


def estimate_lines(filesystem: Any, file: str) -> int:
    """About how many lines a text has, by its beginning."""
    with filesystem.open(file, "rb", compression="infer") as stream:
        sample = stream.read(piecewise.SAMPLE_BYTES)
    expands = SHRINKS if file.endswith(COMPRESSED) else 1
    return int(sample.count(b"\n") * max(1.0, (filesystem.size(file) or 0) * expands / max(1, len(sample))))


def kind_of(filesystem: Any, file: str) -> str:
    """Parquet or text, by the first bytes and the name; empty for what is read as a whole."""
    with filesystem.open(file) as stream:
        start = stream.read(8)
    if start.startswith(formats.PARQUET):
        return "Parquet"
    compression = next((suffix for suffix in COMPRESSED if file.endswith(suffix)), "")
    is_compressed = start.startswith((*sources.DECOMPRESS, formats.ZIP))
    is_text = file.removesuffix(compression).endswith(formats.TEXT_SUFFIXES)
    return "text" if is_text and is_compressed == bool(compression) else ""


def read_examples(
    config: Config,
    make: Callable[[Config, pa.Table, Provenance, int], pd.DataFrame],
    as_before: Callable[[Config, pd.DataFrame], Config],
) -> Iterator[pd.DataFrame]:
    """The examples of a large source, part by part.

    Args:
        config: the settings.
        make: makes examples of some rows, by settings; it notes what it decides, and how many rows came before.
        as_before: gives the settings by which further rows are read as the first ones were.

    Raises:
        InputError: a part cannot be used.
    """
    provenance, num_rows = Provenance(), 0
    own = cell_formats.with_found(config, find_formats(config))
    for table in read(config, provenance):
        noted = Provenance()
        try:
            part = make(own, table, noted, num_rows)
        except InputError as error:
            raise InputError(f"{error} (rows are counted from row {num_rows + 1:,} on)") from error
        if not num_rows:
            own = cell_formats.with_found(as_before(own, part), noted.formats)
            provenance.notes += [f"{note} (in the first {len(table):,} rows)" for note in noted.notes]
        provenance.formats = {**noted.formats, **provenance.formats}
        for reason, rows in noted.dropped.items():
            provenance.count_dropped(reason, **rows)
        part.attrs = vars(provenance)
        num_rows += len(table)
        yield part


def find_formats(config: Config) -> dict[str, Finding]:
    """In which formats the cells of each column can be read that are not known yet, by all of its cells."""
    known, found = {**config.found_formats, **cell_formats.load(config)}, dict[str, Finding]()
    for _, table in read_batches(config, Provenance()):
        for name in set(table.column_names) - set(known):
            before, column = found.get(name), table.column(name)
            if pa.types.is_string(column.type) and (before is None or before.candidates):
                distinct, _ = cleaning.encode(column, cleaning.markers(config, name, None))
                finding = cell_formats.look(distinct, before)
                found |= {name: finding} if finding else {}
    return found


def read(config: Config, provenance: Provenance) -> Iterator[pa.Table]:
    """The rows of a source in parts, as `sources.read_table` gives them at once.

    Raises:
        InputError: as there.
    """
    size = max(1, min(LARGEST_PART, config.max_examples_in_memory // PARTS_IN_MEMORY))
    waiting: dict[str, list[pa.Table]] = {}
    room = size
    filesystem, path = sources.connect(config.source)
    names = [
        sources.display_name(filesystem, config.source, file)
        for file in sources.locate(filesystem, config.source, path)
    ]
    splits = sources.named_splits(config, names, provenance)
    batches = read_batches(config, provenance)
    for name, table in tqdm(batches, desc="reading", unit=" batches", delay=1, disable=None):
        sources.check(config, name, table)
        rest = sources.with_split(table, splits.get(name))
        while len(rest):
            waiting.setdefault(name, []).append(rest.slice(0, room))
            taken = min(room, len(rest))
            rest, room = rest.slice(taken), room - taken
            if not room:
                yield joined(waiting)
                waiting, room = {}, size
    if waiting:
        yield joined(waiting)


def joined(waiting: dict[str, list[pa.Table]]) -> pa.Table:
    """The batches of each file as one table."""
    return sources.concatenate({name: pa.concat_tables(batches) for name, batches in waiting.items()})


def read_batches(config: Config, provenance: Provenance) -> Iterator[tuple[str, pa.Table]]:
    """The rows of the source's files in small tables, each with the name of its file."""
    filesystem, path = sources.connect(config.source)
    for file in sources.locate(filesystem, config.source, path):
        name, kind = sources.display_name(filesystem, config.source, file), kind_of(filesystem, file)
        if not kind:
            for member, payload in sources.read_file(config, filesystem, file, name, provenance):
                yield member, formats.parse(config, member, payload, provenance)
            continue
        provenance.sources.append({"name": name, "bytes": filesystem.size(file), "sha256": digest(filesystem, file)})
        with told(f"{name} cannot be read", "fix it, or fetch or write it again"):
            if kind == "Parquet":
                with filesystem.open(file) as stream:
                    for batch in pq.ParquetFile(stream, pre_buffer=False).iter_batches(BATCH, use_threads=False):
                        yield name, formats.simplify(name, pa.Table.from_batches([batch]), formats.of_sets(config))
            else:
                for table in read_text(config, filesystem, file, name, provenance):
                    yield name, table


def read_text(config: Config, filesystem: Any, file: str, name: str, provenance: Provenance) -> Iterator[pa.Table]:
    """The rows of a text table; those with too few or too many cells are left out if so few are tolerated."""
    ragged: list[int] = []
    num_rows = 0
    opened = partial(filesystem.open, file, "rb", compression="infer")
    for piece in piecewise.read_text_pieces(config, name, opened, ragged, provenance):
        num_rows += piece.table.num_rows
        yield piece.table
    if ragged:
        delimited.tolerate(config, name, ragged, num_rows, "they have too few or too many cells", provenance)


def digest(filesystem: Any, file: str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    with filesystem.open(file) as stream:
        while chunk := stream.read(sources.CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()
