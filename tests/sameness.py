"""Which tests of a generated project show the same as those of other ones, so that they need not run twice.

A project is a data type and a task: most of what its tests run stands, byte for byte, in another project of the data
type or of the task, whose tests are the same. Settings are values and do not count, but in the tests of `core/`, which
run in every project. The whole pipeline runs in every project, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

NAME = "PACKAGE"  # of the package, in paths and texts that are compared


@cache
def text(folder: Path, path: Path) -> str:
    """A file of a project, in which the package is called as in no project; empty if there is none."""
    package = package_of(folder)
    file = folder / str(path).replace(f"src/{NAME}/", f"src/{package}/")
    return re.sub(rf"\b{package}\b", NAME, file.read_text(encoding="utf-8")) if file.is_file() else ""


@cache
def package_of(folder: Path) -> str:
    """The name of a project's package."""
    return next((folder / "src").glob("*/__init__.py")).parent.name


@cache
def imported(folder: Path, path: Path) -> set[Path]:
    """The modules of the package, and of what tests share, that a file imports; relative to the project."""
    source = folder / "src" / package_of(folder)
    found = set()
    for node in ast.walk(ast.parse((folder / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or str(node.module).startswith(source.name)):
            start = (folder / path).parents[node.level - 1] if node.level else source.parent
            base = start.joinpath(*filter(None, (node.module or "").split(".")))
            for place in (base, *(base / alias.name for alias in node.names)):
                if place.with_suffix(".py").is_file():
                    found.add(place.with_suffix(".py").relative_to(folder))
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []
        found |= {Path("tests", f"{name}.py") for name in names if (folder / "tests" / f"{name}.py").is_file()}
    return found


def closure(folder: Path, test: Path) -> set[Path]:
    """A test and all modules of the package that it imports, also indirectly."""
    found, waiting = set[Path](), [test]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(folder, path)
    return found


def fixtures(folder: Path) -> set[str]:
    """The fixtures of conftest, which are what the data type and the task make of them."""
    nodes = [ast.parse(path.read_text("utf-8")).body for path in (folder / "tests").rglob("conftest.py")]
    return {node.name for body in nodes for node in body if isinstance(node, ast.FunctionDef)}


def asked_for(test: Path) -> set[str]:
    """The fixtures that tests and fixtures of a module ask for."""
    functions = [node for node in ast.parse(test.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    asking = [each for each in functions if each.name.startswith("test_") or each.decorator_list]
    return {argument.arg for each in asking for argument in each.args.args}


def same_tests(folder: Path, others: Sequence[Path]) -> list[Path]:
    """The files of tests each module of which is the same in one of the other projects that have the same file."""
    names, shared = fixtures(folder), set[Path]()
    for conftest in (folder / "tests").rglob("conftest.py"):
        shared |= closure(folder, conftest.relative_to(folder))
    same = []
    for path in sorted(path.relative_to(folder) for path in (folder / "tests").rglob("test_*.py")):
        twins = [other for other in others if text(other, path) == text(folder, path)]
        needed = closure(folder, path) | (shared if names & asked_for(folder / path) else set())
        if path.parts[1] != "core" and all(stands_in(folder, place, twins) for place in needed if counts(place)):
            same.append(path)
    return same


def left_out(folder: Path, others: Sequence[Path]) -> str:
    """The variable of make by which pytest leaves these files out."""
    return "PYTEST_ADDOPTS=" + " ".join(f"--ignore={path}" for path in same_tests(folder, others))


def counts(path: Path) -> bool:
    """Whether a file is more than the values of settings."""
    return path.parts[0] == "tests" or not (path.name == "config.py" or path.parent.name == "settings")


def stands_in(folder: Path, path: Path, others: Sequence[Path]) -> bool:
    """Whether one of the other projects has the same file, byte for byte."""
    named = Path(str(path).replace(f"src/{package_of(folder)}/", f"src/{NAME}/"))
    return any(text(other, named) == text(folder, named) for other in others)
