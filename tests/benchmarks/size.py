"""Counts what a generated project is made of, and what `make train` imports before `fit`, beside the targets.

    python tests/benchmarks/size.py [--all] [--python VENV/bin/python]

Bakes the default project and prints a Markdown table; --all bakes every problem with every answer, too, and prints a
row for each. Modules are `.py` files of the package with code: an `__init__.py` that is empty or holds only a docstring
does not count. Lines are all lines of `.py` files. What is imported before `fit` is read from the code: the import
statements of the stage and of the command line, and those of what these import, without those in functions. With
--python, an interpreter with what the project depends on, the sample is also trained up to the call of `fit`, and the
modules in `sys.modules` are counted. Ends with status 1 if a target is missed; projects other than the default one may
be a fifth larger. The goals, those of the design, do not decide that.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from projects import SETTINGS, bake

ANSWERS = {name: SETTINGS[name] for name in ("problem", "operations", "scale")}
SLACK = 1.2  # of the targets, for other projects than the default one
HOOKS = re.compile(r"sys\.meta_path|sys\.path_hooks|sys\.modules\[|sys\.excepthook|os\.dup2")
START = ("core/command.py", "core/staleness.py", "stages/train.py")  # of `make train`, whose __main__.py is run
NOT_DECLARING = {"settings/base.py"}  # what settings are made of
UP_TO_FIT = """
import json, os, pathlib, runpy, sys
import keras
package, output = sys.argv[1:]
def stop(*arguments, **named):
    names = [name for name in sys.modules if name.partition(".")[0] == package]
    pathlib.Path(output).write_text(json.dumps([sys.modules[name].__file__ for name in names]), encoding="utf-8")
    os._exit(0)
keras.Model.fit = stop
sys.argv[1:] = ["train"]
runpy.run_module(package, run_name="__main__", alter_sys=True)
"""


class Figure(NamedTuple):
    """What was counted, the most that it may be, and the goal of the design."""

    value: int
    target: int | None = None
    goal: str = ""
    detail: str = ""

    def is_missed(self, slack: float) -> bool:
        """Whether there is more than may be."""
        return self.target is not None and self.value > self.target * slack


def main() -> int:
    """Prints the tables; tells by the status whether a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every problem with every answer")
    parser.add_argument("--python", type=Path, help="a Python with what the default project depends on")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = bake(Path(folder))
        figures = measure(project)
        if options.python:
            figures |= before_fit(project, "at run time", up_to_fit(project, options.python.absolute()))
        missed = [name for name, figure in figures.items() if figure.is_missed(1)]
        print("| the default project | | target | goal | |\n|---|---|---|---|---|")
        for name, figure in figures.items():
            target = "" if figure.target is None else f"{figure.target:,}"
            value = shown(figure, 1)
            print(f"| {name} | {value} | {target} | {figure.goal} | {figure.detail} |", flush=True)
    if options.all:
        missed += compare()
    for name in dict.fromkeys(missed):
        print(f"missed: {name}", file=sys.stderr)
    return int(bool(missed))


def compare() -> list[str]:
    """Prints a row for every problem with every answer; returns which targets were missed."""
    missed = []
    for number, answers in enumerate(itertools.product(*ANSWERS.values())):
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(bake(Path(folder), **dict(zip(ANSWERS, answers, strict=True))))
        slack = SLACK if number else 1
        if not number:
            print(f"\n| {' | '.join((*ANSWERS, *figures))} |\n|{'---|' * (len(ANSWERS) + len(figures))}")
        print(f"| {' | '.join((*answers, *(shown(figure, slack) for figure in figures.values())))} |", flush=True)
        missed += [f"{', '.join(answers)}: {name}" for name, each in figures.items() if each.is_missed(slack)]
    return missed


def shown(figure: Figure, slack: float) -> str:
    """A figure, marked if the target is missed."""
    return f"{figure.value:,}{' (!)' if figure.is_missed(slack) else ''}"


def measure(project: Path) -> dict[str, Figure]:
    """What is counted in the files of a project."""
    package = next(project.glob("src/*/__init__.py")).parent
    files, tests = sorted(package.rglob("*.py")), sorted((project / "tests").rglob("*.py"))
    modules = [path for path in files if has_code(path)]
    top = [path.stem for path in modules if path.parent == package]
    rooms = sorted({path.relative_to(package).parts[0] for path in files if path.parent != package})
    largest = max(modules, key=num_lines)
    length, function = max(found for path in modules for found in functions(path))
    hooks = [place for path in modules for place in places(path)]
    return {
        "files on the top level": Figure(len(top), 11, "10", ", ".join(top)),
        "modules": Figure(len(modules), 95, "80", f"{len(files)} with `__init__.py` that hold at most a docstring"),
        "rooms": Figure(len(rooms), detail=", ".join(rooms)),
        "import hooks and the like": Figure(len(hooks), 0, "0", ", ".join(hooks)),
        "lines of the package": Figure(sum(map(num_lines, files)), goal="7,000"),
        "lines of tests": Figure(sum(map(num_lines, tests)), goal="4,000", detail=f"{len(tests)} files"),
        "lines of README.md": Figure(num_lines(project / "README.md"), goal="150"),
        "lines of Makefile": Figure(num_lines(project / "Makefile"), goal="120"),
        "lines of the largest module": Figure(num_lines(largest), goal="400", detail=within(package, largest)),
        "lines of the longest function": Figure(length, goal="40", detail=function),
        **before_fit(project, "by the code", closure(package)),
    }


def before_fit(project: Path, how: str, imported: set[Path]) -> dict[str, Figure]:
    """The modules that are imported before `fit`: all, and of them those that only declare settings."""
    package = next(project.glob("src/*/__init__.py")).parent
    names = {within(package, path) for path in imported if has_code(path)}
    declaring = {name for name in names if declares(name)}
    running = sorted(names - declaring)
    lines = sum(num_lines(package / name) for name in running)
    return {
        f"modules before `fit`, {how}": Figure(len(running), 18, "18", f"{lines:,} lines: {', '.join(running)}"),
        f"and that only declare settings, {how}": Figure(len(declaring), detail=", ".join(sorted(declaring))),
    }


def declares(name: str) -> bool:
    """Whether a module only declares settings: config.py, and those of the folder settings/ but for their base."""
    return name == "config.py" or (name.startswith("settings/") and name not in NOT_DECLARING)


def closure(package: Path) -> set[Path]:
    """The modules that `make train` begins with, and all that importing them imports."""
    waiting, found = [package / name for name in START], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imports(package, path)
    return found


def imports(package: Path, path: Path) -> Iterator[Path]:
    """The modules of the package that importing one imports: not those that its functions import when called."""
    for node in at_import(ast.parse(path.read_text(encoding="utf-8"))):
        candidates: list[Path] = []
        if isinstance(node, ast.Import):
            candidates = [package.parent.joinpath(*alias.name.split(".")) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            start = path.parents[node.level - 1] if node.level else package.parent
            base = start.joinpath(*(node.module or "").split("."))
            candidates = [base, *(base / alias.name for alias in node.names)]
        yield from filter(Path.is_file, (place.with_suffix(".py") for place in candidates))


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a syntax tree outside of functions, and outside of what is for the type checker only."""
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not is_for_types:
            yield child
            yield from at_import(child)


def up_to_fit(project: Path, python: Path) -> set[Path]:
    """The modules of the package that are imported when `python -m PACKAGE train` calls `fit` on the sample.

    What training depends on is brought up to date before, in another process.

    Raises:
        SystemExit: a stage failed, or `fit` was not called.
    """
    package = next(project.glob("src/*/__init__.py")).parent
    output = project / "imported.json"
    environment = {**os.environ, "PYTHONPATH": "src", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for words in (["-m", package.name, "validate"], ["-c", UP_TO_FIT, package.name, str(output)]):
        command = [str(python), *words]
        finished = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        if finished.returncode:
            raise SystemExit(f"{words[:2]} failed: {finished.stderr[-2000:]}")
    if not output.exists():
        raise SystemExit("training ended without a call of fit")
    files: list[str] = json.loads(output.read_text(encoding="utf-8"))
    return {project / file for file in files}


def has_code(path: Path) -> bool:
    """Whether a module is more than an `__init__.py` that is empty or holds only a docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name != "__init__.py" or any(not isinstance(node, ast.Expr) for node in body)


def functions(path: Path) -> Iterator[tuple[int, str]]:
    """How many lines each function of a module has, and its place."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or 0) - node.lineno + 1, f"{node.name} in {path.name}"


def places(path: Path) -> Iterator[str]:
    """Where a module changes how Python imports, reports or writes."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if HOOKS.search(line):
            yield f"{path.name}:{number}"


def num_lines(path: Path) -> int:
    """All lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def within(package: Path, path: Path) -> str:
    """The place of a module in the package."""
    return path.relative_to(package).as_posix()


if __name__ == "__main__":
    sys.exit(main())
