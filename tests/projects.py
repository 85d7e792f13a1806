"""Generated projects and what tests do with them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
EACH_PART = (  # problems among which each data type and each task is
    *("tabular-multilabel-classification", "image-regression", "audio-classification", "text-regression"),
    *("translation", "time-series-forecasting"),
)
ALL = bool(os.environ.get("TEMPLATE_TESTS_ALL"))  # also what is left out since another test shows most of it
SET_UP: set[str] = set()  # problems that this process has installed all packages for
COMPILE: Any = jinja2.Environment.compile
COMPILED: dict[object, CodeType] = {}  # the names of files, by their templates
BAKED = tempfile.TemporaryDirectory(prefix="baked-")  # of this process, removed when it ends


def grouped(names: Iterable[str]) -> list[Any]:
    """Problems as parameters of tests: all tests of one run in the same process, so that they share the project."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]


@dataclass(frozen=True)
class Project:
    """A generated project: what was asked for and where it is."""

    folder: Path
    problem: str
    venv: Path

    @property
    def package(self) -> str:
        return next(self.folder.glob("src/*/__init__.py")).parent.name

    @property
    def task(self) -> str:
        return str(SETTINGS["__problems"][self.problem]["task"])

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        variables = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL"}
        environment = {name: value for name, value in os.environ.items() if name not in variables}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("make", f"VENV={self.venv}", *arguments)

    def stage(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a stage alone, whatever of those before it is stale."""
        python = self.venv / "bin" / "python"
        return self.run("env", "PYTHONPATH=src", python, "-m", self.package, name, "--only", *arguments)

    def stage_help(self) -> subprocess.CompletedProcess[str]:
        """Lists the stages."""
        return self.run("env", "PYTHONPATH=src", self.venv / "bin" / "python", "-m", self.package, "--help")

    def set_up(self, lock: Path) -> None:
        """Installs what the project needs into the shared environment, with the versions of a lock file."""
        if lock.is_file():
            text = lock.read_text(encoding="utf-8")
            own = re.sub(r'(?m)^name = "heart-disease"$', f'name = "{self.folder.name}"', text)
            (self.folder / "uv.lock").write_text(own, encoding="utf-8")
        succeed(self.make("--always-make", "setup"))


@contextlib.contextmanager
def setting_up(environment: Path) -> Iterator[Path]:
    """One project after the other sets the shared environment up; gives the lock file of the first one."""
    with (environment.parent / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield environment.parent / "uv.lock"


def bake(output: Path, template: str | Path = ROOT, **answers: str) -> Path:
    """Generates a project as `cookiecutter --no-input` does and returns its folder."""
    options = {"no_input": True, "default_config": True, "extra_context": answers, "output_dir": str(output)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        return Path(cookiecutter(str(template), **options))


def compile_once(environment: jinja2.Environment, source: object, *others: object, **options: object) -> CodeType:
    """Compiles the name of a file for the first project only: it takes half the time of a project, for 1,300 names."""
    is_file = bool(others or options)
    if is_file or source not in COMPILED:
        code: CodeType = COMPILE(environment, source, *others, **options)
        return code if is_file else COMPILED.setdefault(source, code)
    return COMPILED[source]


def copy_baked(output: Path, **answers: str) -> Path:
    """A copy of a project that is generated once for each set of answers, which takes ten times as long."""
    baked = bake_once(frozenset((name, answer) for name, answer in answers.items() if answer != SETTINGS[name][0]))
    return Path(shutil.copytree(baked, output / baked.name, symlinks=True, copy_function=shutil.copy))


@cache
def bake_once(answers: frozenset[tuple[str, str]]) -> Path:
    """A project of these answers, of which the others are the default ones; nobody changes it."""
    return bake(Path(tempfile.mkdtemp(dir=BAKED.name)), **dict(answers))


def with_packages(environment: Path, folder: Path, *wanted: str) -> Path:
    """The Python, for the project in a folder, of an environment with packages beside all that another one has."""
    uv, own = environment / "bin" / "uv", folder.with_name("own")
    python = own / "bin" / "python"
    execute(folder, uv, "venv", "--quiet", "--python", environment / "bin" / "python", own)
    (shared,), (place,) = (path.glob("lib/python*/site-packages") for path in (environment, own))
    (place / "shared.pth").write_text(f"{shared}\n", encoding="utf-8")
    held = execute(folder, uv, "pip", "freeze", "--python", environment / "bin" / "python", "--exclude-editable")
    versions = [line for line in held.splitlines() if "==" in line]  # not what uv says of the environment
    (own / "held.txt").write_text("\n".join(versions), encoding="utf-8")
    execute(folder, uv, "pip", "install", "--quiet", "--python", python, "--constraint", own / "held.txt", *wanted)
    return python


def execute(folder: Path, *command: str | Path, **variables: str) -> str:
    """What a command prints in a folder; it has to succeed."""
    environment = {**os.environ, **variables}
    return succeed(
        subprocess.run(
            list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    )


def succeed(finished: subprocess.CompletedProcess[str]) -> str:
    """Returns what a command printed, or shows it as the reason of the failure."""
    assert finished.returncode == 0, f"{finished.args}\n{finished.stdout[-8000:]}\n{finished.stderr[-8000:]}"
    return finished.stdout + finished.stderr


def refuse(finished: subprocess.CompletedProcess[str]) -> str:
    """Returns what a command printed that had to fail with a message and without a traceback."""
    printed = finished.stdout + finished.stderr
    assert finished.returncode != 0, f"{finished.args} was not refused\n{printed[-8000:]}"
    assert "error:" in finished.stderr
    assert "Traceback" not in printed, printed[-8000:]
    return printed
