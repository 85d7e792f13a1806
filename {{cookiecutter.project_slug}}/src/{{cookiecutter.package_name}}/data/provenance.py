"""Provenance: what was read, and what was left out on the way to the examples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_ROW_NUMBERS = 10  # that messages and provenance.json list


@dataclass
class Provenance:
    """Facts collected while a source is read; stored in the `attrs` of the examples table."""

    sources: list[dict[str, Any]] = field(default_factory=list)
    dropped: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    formats: dict[str, Any] = field(default_factory=dict)
    """How the cells of each column of the first source are written, a `CellFormat` each."""

    def drop(self, reason: str, rows: Sequence[int] | Sequence[str]) -> None:
        """Records what was left out: row numbers, from 1 on without the header, or file names."""
        if len(rows):
            self.count_dropped(reason, len(rows), rows[:MAX_ROW_NUMBERS])

    def count_dropped(self, reason: str, count: int, first_rows: Sequence[int] | Sequence[str]) -> None:
        """Adds to the count of what was left out for a reason."""
        known = self.dropped.get(reason, {"count": 0, "first_rows": []})
        named = [*known["first_rows"], *first_rows][:MAX_ROW_NUMBERS]
        self.dropped[reason] = {"count": known["count"] + count, "first_rows": named}

    def add(self, other: "Provenance", source: str) -> None:
        """Adds the facts about a further source, whose name then precedes the reasons."""
        self.sources += other.sources
        self.dropped |= {f"{source}: {reason}" if source else reason: rows for reason, rows in other.dropped.items()}
        self.formats = self.formats or other.formats
        for text in other.notes:
            self.note(text)

    def note(self, text: str) -> None:
        """Records a note for the user, once."""
        if text not in self.notes:
            self.notes.append(text)


def share_needed(count: int, total: int) -> str:
    """The `max_bad_share` that tolerates so many bad rows, rounded up, for messages."""
    steps = math.ceil(10_000 * count / total)
    while count > steps / 10_000 * total or count / total > steps / 10_000:
        steps += 1
    return f"{steps / 10_000:g}"


def name_rows(rows: Sequence[int]) -> str:
    """Row numbers as a phrase: `row 3`, or `rows 3, 7, 8 and 21 more`."""
    shown, rest = rows[:MAX_ROW_NUMBERS], len(rows) - MAX_ROW_NUMBERS
    numbers = ", ".join(str(row) for row in shown)
    return f"row{'s' if len(rows) > 1 else ''} {numbers}" + (f" and {rest} more" if rest > 0 else "")
