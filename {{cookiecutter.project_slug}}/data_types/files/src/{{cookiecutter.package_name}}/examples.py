"""From files to one row per example: what each file is, measured, and the labels that its folder or table gives it."""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from .config import Config
from .core import artifacts
from .core.errors import InputError
from .data import piecewise, splitting, targets
from .data.file_listing import File
from .data.provenance import Provenance, share_needed
from .media import alike, file_sources, media
from .media.file_sources import is_medium
from .settings.base import without_password

HASH = "sha256"
NO_FILE = "there is no such file"
SHOWN_REASONS = 5
PIECE = 256  # files that `make predict` holds in memory at once

check_splits = splitting.unchecked

assign_splits = splitting.assign_splits  # by time, group, key or content


class Examined(NamedTuple):
    """What became of a file: where the model reads it and its measures, or why it cannot be used."""

    path: str = ""
    size: int = 0
    digest: str = ""
    measures: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    reason: str = ""


def read_examples(config: Config) -> pd.DataFrame:
    """One row per file that can be used; `attrs` holds the fields of the `Provenance`, which names the others.

    Columns: `file`, its name in the source; the labels; the column of the model's input, which is the path of a file on
    this machine; what `media.examine` measures; and the SHA-256 of the file. Files of archives and remote sources, and
    those whose format TensorFlow cannot decode, are written to the folder `unpacked` under their hash.

    Raises:
        InputError: the source cannot be read, or more than `max_bad_share` of its files cannot be used.
    """
    provenance = Provenance()
    files, labels = file_sources.find(config, provenance)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = threads.map(lambda file: examine(config, file), files)
        examined = list(tqdm(found, f"examining {media.NOUN} files", len(files), delay=1, disable=None))
    leave_out(config, files, examined, provenance)
    provenance.notes += misnamed(files, examined) + contradicting(config, labels, examined)
    measured = pd.DataFrame([{media.COLUMN: each.path, **each.measures, HASH: each.digest} for each in examined])
    doubled = [name for name in labels if name in measured]
    if doubled:
        provenance.note(f"columns of the source that are measured anew: {', '.join(map(str, doubled))}")
    table = pd.concat([labels.drop(columns=doubled), measured], axis=1)
    usable = table[[not each.reason for each in examined]].reset_index(drop=True)
    provenance.notes += media.notes(usable)
    usable = usable.astype(dict.fromkeys(media.WHOLE, "int64"))
    is_class = targets.IS_NAME and not targets.IS_SET
    lost = set(table[config.target].dropna()) - set(usable[config.target].dropna()) if is_class else set()
    if lost:
        message = f"none of the {media.NOUN} files of the class {min(lost)!r} can be used"
        raise InputError(f"{message} ({'; '.join(provenance.dropped)}); fix them, or take the class out of the source")
    provenance.sources.append(summary(config, examined))
    usable.attrs = vars(provenance)
    return usable


def examine(config: Config, file: File) -> Examined:
    """Reads a file, measures it, and sees to it that the model can read it from a path on this machine."""
    try:
        payload = file.read()
    except FileNotFoundError:
        return Examined(reason=NO_FILE)
    except Exception as error:  # every remote driver has errors of its own
        return Examined(reason=f"cannot be read ({type(error).__name__})")
    try:
        readable, measures = media.examine(config, payload)
    except ValueError as error:
        return Examined(size=len(payload), reason=str(error))
    digest = hashlib.sha256(readable).hexdigest()
    path = file.path
    if path is None or readable is not payload:
        path = keep(config, digest, readable)
    return Examined(str(path), len(payload), digest, measures)


def keep(config: Config, digest: str, payload: bytes) -> Path:
    """Writes a file under its hash, if it is not there yet; several threads may be at it."""
    path = config.unpacked / digest[:2] / f"{digest}{media.suffix(payload)}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as temporary:
            temporary.write(payload)
        Path(temporary.name).replace(path)
    return path


def leave_out(config: Config, files: list[File], examined: list[Examined], provenance: Provenance) -> None:
    """Records the files that cannot be used, by reason.

    Raises:
        InputError: there are more of them than are tolerated.
    """
    reasons = Counter(each.reason for each in examined if each.reason)
    for reason in reasons:
        names = [file.name for file, each in zip(files, examined, strict=True) if each.reason == reason]
        provenance.drop(reason, names)
    if reasons.total() > config.max_bad_share * len(files):
        shown = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common(SHOWN_REASONS))
        first = next(file.name for file, each in zip(files, examined, strict=True) if each.reason)
        message = f"{reasons.total()} of {len(files)} {media.NOUN} files cannot be used ({shown}; such as {first})"
        if reasons[NO_FILE] == len(files):
            raise InputError(f"{message}; paths in a table start from its folder, or give the folder of both as source")
        raise InputError(
            f"{message}, and max_bad_share is {config.max_bad_share:g}; fix or remove them, or raise it to "
            f"{share_needed(reasons.total(), len(files))}"
        )


def misnamed(files: list[File], examined: list[Examined]) -> list[str]:
    """A note on files whose suffix is that of another format; they are read by their content."""
    odd = []
    for file, each in zip(files, examined, strict=True):
        suffix = PurePosixPath(file.name).suffix.lower()
        if each.measures and suffix in media.SUFFIXES and suffix not in media.FORMATS[each.measures["format"]]:
            odd.append(f"{file.name} is {each.measures['format']}")
    if not odd:
        return []
    return [f"{len(odd):,} files are not of the format of their suffix, and are read as what they are: {odd[0]}"]


def contradicting(config: Config, labels: pd.DataFrame, examined: list[Examined]) -> list[str]:
    """A note on files of the same content that have different labels."""
    usable = labels.assign(**{HASH: [each.digest for each in examined]})
    rows = usable[usable[HASH] != ""].dropna(subset=[*config.targets])
    rows = rows.drop_duplicates([HASH, *config.targets])
    doubled = rows[rows[HASH].duplicated(keep=False)]
    if doubled.empty:
        return []
    first = doubled[doubled[HASH] == doubled[HASH].iloc[0]][[file_sources.NAME, *config.targets]].head(2)
    shown = " and ".join(f"{name} ({', '.join(map(str, cells))})" for name, *cells in first.itertuples(index=False))
    content = f"{doubled[HASH].nunique():,} of the {media.NOUN} files occur with different labels, such as {shown}"
    return [f"{content}: give each one row, with what is right"]


def summary(config: Config, examined: list[Examined]) -> dict[str, Any]:
    """The files of the source as one entry of the provenance: their number, size and common hash."""
    digests = "".join(sorted(each.digest for each in examined))
    return {
        "name": without_password(config.source),
        "files": len(examined),
        "bytes": sum(each.size for each in examined),
        "sha256": hashlib.sha256(digests.encode()).hexdigest(),
    }


def as_before(config: Config, examples: pd.DataFrame) -> Config:
    """The settings by which a further source is read as `examples` were: the same, for labels keep their type."""
    del examples
    return config


def read_parts(config: Config) -> Iterator[pd.DataFrame]:
    """The examples in parts that fit in memory: one, since what is kept of a file is small."""
    yield read_examples(config)


def identities(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """A number per example, (num_examples,) uint64, that those share which are the same or nearly the same.

    It is made of the first of them, so that an example keeps its number when others come.
    """
    del config  # what looks or sounds alike is alike, whatever its labels
    first = alike.first_alike(examples)
    return splitting.hash_values(examples[HASH].iloc[first])


def read_pieces(config: Config, path: Path, provenance: Provenance) -> Iterator[piecewise.Piece]:
    """What `make predict` reads: a file, a folder of such or a table of paths, in pieces with the column of paths."""
    if path.is_dir() or is_medium(path.name):
        below = {file: file.relative_to(path).as_posix() for file in artifacts.files_below(path)}
        found = [file for file, name in below.items() if file_sources.is_data(name)]
        others = [str(file) for file in found if not is_medium(file.name)]
        provenance.drop(f"no {media.NOUN} file by its suffix", others)
        hidden = [str(file) for file, name in below.items() if file_sources.is_hidden(name)]
        provenance.drop("hidden by a name that begins with . or _", hidden)
        names = [str(file) for file in found if is_medium(file.name)] or [str(path)]
        if path.is_dir() and names == [str(path)]:
            raise InputError(f"input is {str(path)!r}, which holds no {media.NOUN} file ({media.KINDS})")
        whole: Iterable[piecewise.Piece] = [piecewise.Piece(pa.table({media.COLUMN: names}), 1 + np.arange(len(names)))]
    else:
        whole = piecewise.read_pieces(config, path, provenance)
    for piece, numbers in whole:
        named = media.COLUMN in piece.column_names
        column = piece.column(media.COLUMN if named else file_sources.path_column(config, piece))
        table = piece if named else piece.append_column(media.COLUMN, column)
        for start in range(0, table.num_rows, PIECE):
            yield piecewise.Piece(table.slice(start, PIECE), numbers[start : start + PIECE])
