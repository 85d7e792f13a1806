"""Renders what table.py measured as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contest import FLOOR, INSTEAD, OURS

HEADER = [
    "| | ours | instead | time | instead ÷ ours | floor | time | ours ÷ floor |",
    "|---|---|---|---|---|---|---|---|",
]
GROWING = ("collect", "validate", "adapt", "evaluate")
GROWTH_HEADER = ["", "| growth with | sizes | " + " | ".join(GROWING) + " |", "|---|---|" + "---|" * len(GROWING)]
LIMIT = 1.3  # of a slope: more is marked


def rows(title: str, result: dict[str, Any]) -> list[str]:
    """A row per contestant that one would use instead; what failed says so in its place."""
    seconds, failed = result.get("seconds", {}), result["failed"]
    if OURS not in seconds:
        return [f"| {title} | failed | | | | | | |"]
    ours, names = seconds[OURS], [*seconds, *failed]
    floor = next((name for name in names if name.startswith(FLOOR)), "")
    lines = []
    for place, rival in enumerate([name for name in names if name.startswith(INSTEAD)] or [""]):
        cells = ["", ""] if place else [title, shown(ours)]
        cells += compared(rival, seconds, failed, lambda theirs: theirs / ours)
        cells += compared("" if place else floor, seconds, failed, lambda least: ours / least)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def compared(
    name: str, seconds: dict[str, float], failed: dict[str, str], ratio: Callable[[float], float]
) -> list[str]:
    """The name of a contestant, its time and a ratio."""
    label = name.partition(": ")[2]
    if name in failed:
        return [label, "failed", ""]
    return [label, shown(seconds[name]), f"{ratio(seconds[name]):.2f}"] if name else ["", "", ""]


def shown(seconds: float) -> str:
    """A duration in a readable unit."""
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{seconds * 1e3:.3g} ms"


def growth_row(axis: str, result: dict[str, Any]) -> str:
    """The slopes along an axis."""
    if "slopes" not in result:
        return f"| {axis} | failed |" + " |" * len(GROWING)
    slopes = [f"{slope:.2f}" + (" (!)" if slope > LIMIT else "") for slope in map(result["slopes"].get, GROWING)]
    return f"| {axis} | {', '.join(f'{size:,}' for size in result['sizes'])} | {' | '.join(slopes)} |"


def failures(title: str, result: dict[str, Any]) -> list[str]:
    """What failed and why, for below the table."""
    return [
        f"- failed: {title}: {name.partition(': ')[2] or name or 'all'}: {why}"
        for name, why in result.get("failed", {}).items()
    ]
