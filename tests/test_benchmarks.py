"""The table of benchmarks cannot fail halfway: what fails becomes a row that says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import comparison
import contest
import table

from projects import ROOT


def fail() -> None:
    raise ValueError("no network")


def test_a_contestant_that_fails_leaves_the_others_their_figures() -> None:
    contestants = {"ours": lambda: 2.0, "instead: a script": fail, "instead: a library": lambda: 3.0}
    result = contest.hold(contestants, 2)
    assert comparison.rows("stage", result) == [
        "| stage | 2 s | a library | 3 s | 1.50 |  |  |  |",
        "|  |  | a script | failed |  |  |  |  |",
    ]
    assert comparison.failures("stage", result) == ["- failed: stage: a script: ValueError: no network"]


def test_a_row_without_our_own_figure_says_so() -> None:
    result = contest.hold({"ours": fail, "floor: nothing": lambda: 1.0}, 1)
    assert comparison.rows("stage", result) == ["| stage | failed | | | | | | |"]
    unprepared = table.child("collect", "no project", table.Measured(Path(), Path(), Path(), 1, 1))
    assert comparison.failures("collect", unprepared) == ["- failed: collect: all: no project"]


def test_growth_above_the_limit_is_marked() -> None:
    slopes = dict.fromkeys(comparison.GROWING, 1.0) | {"validate": 2.0}
    assert comparison.growth_row("rows", {"sizes": [1, 2, 4], "slopes": slopes}).count("(!)") == 1


def test_the_table_goes_between_the_marks_and_nowhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(table.stages, "ROOT", tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text((ROOT / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    table.write("first")
    table.write("second")
    written = readme.read_text(encoding="utf-8")
    assert f"{table.BEGIN}\nsecond\n{table.END}" in written
    assert "first\n" not in written.partition(table.BEGIN)[2].partition(table.END)[0]
    readme.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks the marks"):
        table.write("third")
