"""Generated projects and what tests do with them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))


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
        """Runs a stage without make, which would first bring up to date what the stage depends on."""
        python = self.venv / "bin" / "python"
        return self.run("env", "PYTHONPATH=src", python, "-m", f"{self.package}.{name}", *arguments)


def bake(output: Path, **answers: str) -> Path:
    """Generates a project as `cookiecutter --no-input` does and returns its folder."""
    return Path(
        cookiecutter(str(ROOT), no_input=True, default_config=True, extra_context=answers, output_dir=str(output))
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
