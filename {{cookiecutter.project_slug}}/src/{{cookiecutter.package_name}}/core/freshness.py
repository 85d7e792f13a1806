"""Tells make which stages are stale: each has a stamp file that changes with its settings, code and source."""

import ast
import glob
from functools import cache
from pathlib import Path
from typing import Any

from ..config import Config
from . import artifacts, stage

STAGES = ("collect", "validate", "train", "evaluate", "accept", "export")
PACKAGE = Path(__file__).parents[1]
BOOKKEEPING = {"data_card", "run_history"}  # modules that tell what came out of a stage, and so decide nothing about it


def main(config: Config) -> None:
    """Rewrites the stamps of stale stages; their time of change is what make goes by."""
    for name in STAGES:
        modules = modules_of(name)
        content: dict[str, Any] = {
            "settings": used_settings(config, modules),
            "code": artifacts.text_hash([syntax(module) for module in sorted(modules)]),
        }
        if name == "collect":
            content["source"] = [
                fingerprint(path) for source in (config.source, str(config.added)) for path in local_files(source)
            ]
        path = config.paths.stamp(name)
        if not path.exists() or artifacts.read_json(path, name) != content:
            artifacts.write_json(path, content)


def settle(config: Config) -> None:
    """Tells make that the artifacts are what its stages would write now, because an update wrote them."""
    main(config)
    paths = config.paths
    statistics, metrics = paths.validation / "statistics.pb", paths.evaluation / "metrics.json"
    for path in (paths.provenance, statistics, paths.model, metrics, paths.verdict, paths.exported):
        path.touch()  # one after the other, since each is made of the one before


def modules_of(stage: str) -> set[str]:
    """The modules that decide what a stage writes; of config.py, only the values used count."""
    return imported_modules(stage) - {"config", "settings"}


def imported_modules(name: str) -> set[str]:
    """The module and all modules of this package that it imports, also indirectly, but for the bookkeeping."""
    found, waiting = set[str](), [name]
    while waiting:
        module = waiting.pop()
        if module not in found | BOOKKEEPING and (PACKAGE / f"{module}.py").exists():
            found.add(module)
            waiting += imports(module)
    return found


@cache
def imports(module: str) -> list[str]:
    """What the module imports of this package by itself."""
    found: list[str] = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and node.level:
            found += [node.module] if node.module else [alias.name for alias in node.names]
    return found


@cache
def tree(module: str) -> ast.Module:
    """The parsed module."""
    return ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))


@cache
def syntax(module: str) -> str:
    """The module without what does not matter: comments and layout."""
    return ast.dump(tree(module))


def used_settings(config: Config, modules: set[str]) -> dict[str, Any]:
    """The settings that the modules read, as an attribute of some `config` or by a string that is a setting's name."""
    names = set[str]().union(*map(words, modules))
    return {name: value for name, value in config.public().items() if name in names}


@cache
def words(module: str) -> set[str]:
    """The attributes of some `config` and the strings in the module: what may be the name of a setting."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute) and "config" in (
            getattr(node.value, "id", ""),
            getattr(node.value, "attr", ""),  # of self.config
        ):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def local_files(source: str) -> list[Path]:
    """The files of the source that are on this machine; an address elsewhere is taken to be unchanged."""
    path = source.removeprefix("sqlite:///")
    matches = [Path(match) for match in glob.glob(path, recursive=True)]  # noqa: PTH207 (the source may be absolute)
    return sorted(file for match in matches for file in ([match] if match.is_file() else match.rglob("*")))


def fingerprint(path: Path) -> list[Any]:
    """What changes when a file changes."""
    status = path.stat()
    return [str(path), status.st_size, status.st_mtime_ns]


if __name__ == "__main__":
    stage.run(main)
