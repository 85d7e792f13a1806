"""The template's own Python and every generated project pass the linter, the formatter and the type checker."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from projects import ROOT, Project, bake, succeed


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check --diff", "mypy"])
def test_template(command: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    succeed(finished)


@pytest.mark.parametrize("path", sorted(ROOT.glob("[h{]*/**/*.py")), ids=lambda path: path.stem)
def test_python_parses_as_it_stands(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("target", ["lint", "typecheck"])
def test_generated_project(target: str, project: Project) -> None:
    succeed(project.make(target))


def test_long_name_keeps_lines_short(problem: str, tmp_path: Path) -> None:
    folder = bake(tmp_path, problem=problem, project_name="a" * 40)
    for command in (["check"], ["format", "--check", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache"]
        succeed(subprocess.run(ruff, cwd=folder, capture_output=True, text=True, check=False))


def imported(folder: Path) -> set[str]:
    """The libraries that the Python below a folder imports, by the names of their modules."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names


def normalized(requirement: str) -> str:
    """The name that a requirement begins with, as package indexes compare names."""
    return re.sub("[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def test_every_import_is_declared(baked: Path, environment: Path) -> None:
    settings = tomllib.loads((baked / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {**settings["project"]["optional-dependencies"], **settings["dependency-groups"]}
    wanted = [name for group in ("serve", "pipeline", "dev") for name in groups[group]]
    declared = {normalized(name) for name in settings["project"]["dependencies"] + wanted}
    script = "import importlib.metadata, json; print(json.dumps(importlib.metadata.packages_distributions()))"
    printed = subprocess.check_output([environment / "bin" / "python", "-I", "-c", script], text=True)
    distributions: dict[str, list[str]] = json.loads(printed)
    own = {path.stem for path in (*baked.glob("src/*"), *baked.glob("tests/*.py"))}
    for module in sorted(imported(baked / "src") | imported(baked / "tests") - own):
        candidates = {normalized(name) for name in distributions.get(module, [])}
        assert candidates & declared, f"{module} of {candidates or 'nothing that is installed'} is not declared"
