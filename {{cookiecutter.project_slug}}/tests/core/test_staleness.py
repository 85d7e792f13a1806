"""Staleness: what the table names decides, by its content; and whatever a stage imports lies inside what it names."""

import ast
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from project.config import Config
from project.core import staleness
from project.settings.base import Settings
from project.settings.rooms import OPERATIONS, RoomSettings


@pytest.fixture
def done(make_config: Callable[..., Config]) -> Config:
    """A project all of whose stages have run: their artifacts hold nothing but a word."""
    config = make_config()
    for name in staleness.LIFE_CYCLE:
        for path in staleness.made(config, name):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, encoding="utf-8")
    staleness.settle(config)
    return config


def stale(config: Config) -> set[str]:
    return {name for name in staleness.LIFE_CYCLE if staleness.reason(config, name)}


def test_nothing_changed_makes_nothing_stale(done: Config) -> None:
    assert stale(done) == set()


@pytest.mark.parametrize(
    ("setting", "value", "needed", "spared"),
    [
        ("epochs", 9, {"train"}, {"collect", "validate", "accept", "export"}),
        ("criteria", {}, {"evaluate", "accept"}, {"collect", "validate", "train"}),
        ("encoding", "cp1252", {"collect"}, {"validate"}),
        ("max_number_shift", 0.5, {"validate"}, {"collect", "train"}),
        ("max_runs", 3, set(), set(staleness.LIFE_CYCLE)),
        ("mlflow", "file:///runs", set(), set(staleness.LIFE_CYCLE)),
        ("limits", "not for owls", {"export"}, {"collect", "validate", "train", "evaluate", "accept"}),
        ("max_trials", 3, set(), set(staleness.LIFE_CYCLE)),
        ("target", "another", set(staleness.LIFE_CYCLE), set()),
    ],
)
def test_a_setting_makes_its_stages_stale(
    done: Config, setting: str, value: object, needed: set[str], spared: set[str]
) -> None:
    found = stale(done.model_copy(update={setting: value}))
    assert needed <= found
    assert not spared & found


def test_contents_decide_and_not_times(done: Config) -> None:
    source = Path(done.source)
    os.utime(source, (0, 0))
    for path in staleness.made(done, "collect"):
        os.utime(path)
    assert stale(done) == set()
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert stale(done) == {"collect"}
    assert str(source) in staleness.reason(done, "collect")


def test_an_artifact_makes_the_stages_behind_it_stale(done: Config) -> None:
    (model,) = staleness.made(done, "train")
    model.write_text("another", encoding="utf-8")
    assert stale(done) == {"evaluate", "accept"}
    model.unlink()
    assert "train" in stale(done)


@pytest.mark.parametrize(
    ("place", "needed", "spared"),
    [
        ("features.py", {"train", "evaluate", "accept", "export"}, {"collect", "validate"}),
        ("evaluation/slices.py", {"evaluate", "accept", "export"}, {"collect", "validate", "train"}),
        ("stages/train.py", {"train"}, {"collect", "evaluate"}),
        ("networks/own/blocks.py", set(staleness.LIFE_CYCLE), set()),
        ("data/own/reading.py", {"collect"}, set()),
        ("config.py", set(), set(staleness.LIFE_CYCLE)),
    ],
)
def test_edited_code_makes_its_stages_stale(
    done: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, needed: set[str], spared: set[str]
) -> None:
    package = tmp_path / "package"
    for path in (package / place, package / "stages" / "train.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before = True\n", encoding="utf-8")
    monkeypatch.setattr(staleness, "PACKAGE", package)
    staleness.settle(done)
    (package / place).write_text("before = False\n", encoding="utf-8")
    found = stale(done)
    assert needed <= found
    assert not spared & found


def test_a_metric_trains_again_only_as_the_objective(
    done: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "PACKAGE", tmp_path)
    (tmp_path / "metrics.py").write_text("", encoding="utf-8")
    assert staleness.code_used(done, "train") == []
    assert staleness.code_used(done.model_copy(update={"objective": "own"}), "train") == [tmp_path / "metrics.py"]


def test_a_setting_of_ones_own_counts_for_every_stage(done: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    known = staleness.declared_names

    def with_own(settings: type[Settings]) -> set[str]:
        return known(settings) | ({"patience", "own"} if settings is Config else set())

    monkeypatch.setattr(staleness, "declared_names", with_own)
    monkeypatch.setattr(Config, "public", lambda self: {**dict(self), "own": 1})
    for name in staleness.STAGES:
        assert "own" in staleness.settings(done, name)


def test_every_setting_of_the_life_cycle_belongs_to_a_stage_or_is_without_effect() -> None:
    named = set[str]().union(*(staleness.settings_of(name) for name in staleness.STAGES))
    operated = set[str]().union(
        *map(staleness.declared_names, (each for group in OPERATIONS.values() for each in group))
    )
    rest = staleness.declared_names(RoomSettings) - named - operated - staleness.WITHOUT_EFFECT
    assert rest == set()


def test_a_stamp_holds_no_password(done: Config) -> None:
    config = done.model_copy(update={"source": "postgresql://reader:secret@db/birds"})
    staleness.record(config, "collect")
    assert "secret" not in config.paths.stamp("collect").read_text(encoding="utf-8")


@cache
def imports(path: Path, package: Path) -> set[Path]:
    """The modules of the package that one imports: by relative and absolute imports, in functions as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1].relative_to(package.parent).parts if node.level else ()
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            place = package.parent.joinpath(*name.split("."))
            found |= {file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()}
    return found


def closure(path: Path) -> set[Path]:
    """A module and all of the package that it imports, also indirectly; settings count by their values."""
    found, waiting = {staleness.PACKAGE / "__init__.py"}, [path]  # from which no stage imports anything
    while waiting:
        module = waiting.pop()
        if module not in found and not staleness.counts_by_values(module):
            found.add(module)
            waiting += imports(module, staleness.PACKAGE)
    return found


def outside(name: str) -> list[str]:
    """The modules that a stage imports and the table does not name for it."""
    stage = staleness.PACKAGE / "stages" / f"{name}.py"
    missing = closure(stage) - set(staleness.code(name)) - {staleness.PACKAGE / "__init__.py"}
    return sorted(path.relative_to(staleness.PACKAGE).as_posix() for path in missing if path.parent.name != "stages")


@pytest.mark.parametrize("name", staleness.LIFE_CYCLE)
def test_what_a_stage_imports_lies_inside_what_the_table_names(name: str) -> None:
    assert outside(name) == []


@pytest.mark.parametrize("how", ["from ..own.deep import blocks", "import PACKAGE.own.deep.blocks"])
def test_an_import_outside_the_table_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    package = tmp_path / "package"
    (package / "own" / "deep").mkdir(parents=True)
    (package / "stages").mkdir()
    (package / "own" / "deep" / "blocks.py").touch()
    (package / "stages" / "train.py").write_text(how.replace("PACKAGE", "package"), encoding="utf-8")
    monkeypatch.setattr(staleness, "PACKAGE", package)
    assert outside("train") == []  # modules of one's own count for every stage
    monkeypatch.setattr(staleness, "unnamed", lambda: iter(()))
    assert outside("train") == ["own/deep/blocks.py"]
