"""The table of benchmarks cannot fail halfway, and the size of a project is counted as it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import comparison
import contest
import size  # type: ignore[import-not-found]
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
    page = tmp_path / ".github" / "BENCHMARKS.md"
    page.parent.mkdir()
    page.write_text((ROOT / ".github" / page.name).read_text(encoding="utf-8"), encoding="utf-8")
    table.write("first")
    table.write("second")
    written = page.read_text(encoding="utf-8")
    assert f"{table.BEGIN}\nsecond\n{table.END}" in written
    assert "first\n" not in written.partition(table.BEGIN)[2].partition(table.END)[0]
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks the marks"):
        table.write("third")


def test_only_what_runs_at_import_counts_as_imported(tmp_path: Path) -> None:
    package = tmp_path / "package"
    contents = {
        **dict.fromkeys(("__main__.py", "core/command.py", "core/staleness.py"), ""),
        "stages/train.py": "import package.top\nfrom ..core import used\ndef main(): from ..core import later\n",
        "core/used.py": "if TYPE_CHECKING:\n    from . import typed\nfrom package.config import Config\n",
        "core/__init__.py": '"""Nothing happens here."""\n',
        **dict.fromkeys(("top.py", "core/later.py", "core/typed.py", "config.py"), "value = 1\n"),
    }
    for name, content in contents.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(content, encoding="utf-8")
    found = {size.within(package, path) for path in size.closure(package)}
    assert found == {*size.START, "core/used.py", "top.py", "config.py"}
    assert [name for name in contents if not size.has_code(package / name)] == ["core/__init__.py"]


def test_what_changes_how_python_imports_is_found(tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text("import sys\nsys.modules['IPython'] = None\nsys.modules.get('a')\n")
    assert list(size.places(tmp_path / "quiet.py")) == ["quiet.py:2"]


def test_a_size_above_its_target_is_marked() -> None:
    assert [size.shown(size.Figure(value, 95), 1) for value in (95, 1_104)] == ["95", "1,104 (!)"]
    assert size.shown(size.Figure(114, 95), size.SLACK) == "114"
