"""Which tests of a generated project show the same as those of another one, so that they need not run twice."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path


@cache
def text(folder: Path, path: Path) -> str:
    """A file of a project, in which the package is called as in no project."""
    package = next((folder / "src").glob("*/__init__.py")).parent.name
    return re.sub(rf"\b{package}\b", "PACKAGE", (folder / path).read_text(encoding="utf-8"))


def imported(folder: Path, path: Path) -> set[Path]:
    """The modules of the package that a file imports, also in functions, relative to the project."""
    source = next((folder / "src").glob("*/__init__.py")).parent
    found = set()
    for node in ast.walk(ast.parse((folder / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or str(node.module).startswith(source.name)):
            start = (folder / path).parents[node.level - 1] if node.level else source.parent
            base = start.joinpath(*filter(None, (node.module or "").split(".")))
            for place in (base, *(base / alias.name for alias in node.names)):
                if place.with_suffix(".py").is_file():
                    found.add(place.with_suffix(".py").relative_to(folder))
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


def shared_names(folder: Path) -> set[str]:
    """The fixtures and helper modules of a project's tests, which differ by data type and task."""
    names = {path.stem for path in (folder / "tests").glob("*.py")}
    for path in (folder / "tests").rglob("conftest.py"):
        names |= {node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}
    return names


def asked_for(test: Path) -> set[str]:
    """The names that a test may ask conftest or a helper module for: its functions' arguments, and what it imports."""
    nodes = list(ast.walk(ast.parse(test.read_text(encoding="utf-8"))))
    names = {node.arg for node in nodes if isinstance(node, ast.arg)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def same_tests(folder: Path, other: Path) -> list[Path]:
    """The files of tests that need nothing but what is the same in another project, byte for byte."""
    names = shared_names(folder)
    same = []
    for path in sorted(path.relative_to(folder) for path in (folder / "tests").rglob("test_*.py")):
        if names & asked_for(folder / path) or not (other / path).is_file():
            continue
        places = closure(folder, path)
        package, twin = (next((each / "src").glob("*/__init__.py")).parent.name for each in (folder, other))
        pairs = [(place, Path(str(place).replace(f"src/{package}/", f"src/{twin}/"))) for place in places]
        if all((other / two).is_file() and text(folder, one) == text(other, two) for one, two in pairs):
            same.append(path)
    return same
