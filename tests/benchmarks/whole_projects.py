"""The contests of table.py that are about a whole project: making its environment, baking it, running it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import stages
from contest import FLOOR, INSTEAD, OURS, hold
from plain_script import SCRIPT

TABLE = "tabular-classification"
EXPORT = ("export", "--frozen", "--extra=serve", "--no-hashes", "--no-emit-project", "--quiet")  # uv.lock for pip
TIMEOUT, SET_UP_TIMEOUT = 300, 1_800  # seconds


class Measured(NamedTuple):
    """What is measured with: a folder for projects, an environment, a table, and how much."""

    folder: Path
    venv: Path
    source: Path
    rows: int
    repetitions: int


def set_up(measured: Measured) -> dict[str, Any]:
    """`make setup` of a new environment beside pip with the versions of uv.lock; all packages are cached."""
    project = stages.bake(TABLE, "Set up", measured.folder)
    environments = [measured.folder / name for name in ("environment", "plain environment")]

    def ours() -> None:
        shutil.rmtree(environments[0], ignore_errors=True)
        run(["make", f"VENV={environments[0]}", "setup"], project, SET_UP_TIMEOUT)

    def instead() -> None:
        shutil.rmtree(environments[1], ignore_errors=True)
        record, tools = measured.folder / "locked.txt", environments[0] / "bin"
        listed = run([str(tools / "uv"), *EXPORT], project)
        record.write_text(listed, encoding="utf-8")
        run([str(tools / "python"), "-m", "venv", str(environments[1])], project)
        pip = [str(environments[1] / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        run([*pip, "--requirement", str(record)], project, SET_UP_TIMEOUT)

    contestants = {OURS: ours, f"{INSTEAD}: pip install, the versions of uv.lock": instead}
    started = hold(contestants, 1)
    for environment in environments:
        shutil.rmtree(environment, ignore_errors=True)
    return started


def bake(measured: Measured) -> dict[str, Any]:
    """Baking a project beside copying it."""
    project = stages.bake(TABLE, "First", measured.folder)

    def ours() -> None:
        with tempfile.TemporaryDirectory() as other:
            stages.bake(TABLE, "First", Path(other))

    def copy() -> None:
        with tempfile.TemporaryDirectory() as other:
            shutil.copytree(project, Path(other) / "copy")

    return hold({OURS: ours, f"{FLOOR}: copying the project": copy}, measured.repetitions)


def make_all(measured: Measured) -> dict[str, Any]:
    """`make all` on the bundled sample, beside a script as in the examples of Keras, and one import of Keras."""
    project = stages.bake(TABLE, "Whole", measured.folder)
    script = measured.folder / "plain_script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    python = str(measured.venv / "bin" / "python")
    again = ["make", f"VENV={measured.venv}", f"--old-file={measured.venv / '.complete'}", "all"]
    (table,) = (project / "data" / "raw").glob("*.csv")

    def ours() -> None:
        shutil.rmtree(project / "artifacts", ignore_errors=True)
        run(again, project)

    contestants = {
        OURS: ours,
        f"{INSTEAD}: one script of plain Keras": lambda: run([python, str(script), str(table)], measured.folder),
        f"{INSTEAD}: a second make all, nothing changed": lambda: run(again, project),
        f"{FLOOR}: importing Keras once": lambda: run([python, "-c", "import keras"], measured.folder),
    }
    return hold(contestants, measured.repetitions)


def run(command: list[str], folder: Path, timeout: float = TIMEOUT) -> str:
    """What a command prints that must succeed.

    Raises:
        RuntimeError: it did not.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "PYTHONPATH")}
    finished = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    if finished.returncode:
        raise RuntimeError((finished.stderr.strip().splitlines() or ["failed"])[-1])
    return finished.stdout
