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
    """The modules of the package, and of what tests share, that a file imports; relative to the project."""
    source = next((folder / "src").glob("*/__init__.py")).parent
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


def same_tests(folder: Path, other: Path) -> list[Path]:
    """The files of tests that need nothing but what is the same in another project, byte for byte."""
    names = fixtures(folder)
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
