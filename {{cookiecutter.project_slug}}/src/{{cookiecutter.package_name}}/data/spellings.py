"""Categories that are one, but written in several ways."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..config import Config
from .cell_formats import EXAMPLES_SHOWN, CellFormat
from .provenance import Provenance

MAX_CATEGORIES = 1_000  # of a column whose spellings are compared


def with_one_spelling(
    config: Config,
    name: str,
    found: CellFormat,
    distinct: pa.StringArray,
    codes: pa.ChunkedArray,
    provenance: Provenance,
) -> tuple[CellFormat, pa.StringArray]:
    """Categories that differ only in case or blanks are made one if a setting or the format says so, else told."""
    is_merged = bool(found.spellings) or name in config.merge_spellings
    if not is_merged and len(distinct) > MAX_CATEGORIES:
        return found, distinct
    counts = count(distinct, codes)
    common: dict[str, str] = {folded(spelling): spelling for spelling in found.spellings}
    others = []
    for number in np.argsort(-counts, kind="stable"):
        text = distinct[int(number)].as_py()
        if text is not None and common.setdefault(folded(text), text) != text:
            others.append(f"{text!r} ({counts[number]:,}) like {common[folded(text)]!r}")
    if not is_merged:
        if others:
            listed = ", ".join(others[:EXAMPLES_SHOWN])
            hint = "name the column in merge_spellings to make them one"
            provenance.note(f"{name}: categories differ only in case or blanks, {listed}; {hint}")
        return found, distinct
    found = found if found.spellings else found.model_copy(update={"spellings": tuple(sorted(common.values()))})
    return found, pa.array([text and common[folded(text)] for text in distinct.to_pylist()], pa.string())


def folded(text: str) -> str:
    """A text without what is only another way to write it."""
    return " ".join(text.casefold().split())


def count(distinct: pa.StringArray, codes: pa.ChunkedArray) -> np.ndarray:
    """How often each distinct cell occurs, (num_distinct,) int; missing ones do not count."""
    counts = np.bincount(codes.to_numpy(), minlength=len(distinct))
    counts[pc.is_null(distinct).to_numpy(zero_copy_only=False)] = 0
    return counts
