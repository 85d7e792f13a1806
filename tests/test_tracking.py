"""Runs are sent to MLflow where it is installed, which the environment of a project leaves to its user."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from projects import bake, succeed


def run(folder: Path, *command: str | Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    return succeed(
        subprocess.run(
            list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    )


def with_mlflow(environment: Path, folder: Path) -> Path:
    """The Python of an environment that has all that another one has, and MLflow."""
    run(folder, environment / "bin" / "python", "-m", "venv", folder / "venv")
    (shared,), (own,) = (path.glob("lib/python*/site-packages") for path in (environment, folder / "venv"))
    (own / "shared.pth").write_text(f"{shared}\n", encoding="utf-8")
    held = run(
        folder,
        environment / "bin" / "uv",
        "pip",
        "freeze",
        "--python",
        environment / "bin" / "python",
        "--exclude-editable",
    )
    versions = [line for line in held.splitlines() if "==" in line]  # not what uv says of the environment
    (folder / "held.txt").write_text("\n".join(versions), encoding="utf-8")
    python = folder / "venv" / "bin" / "python"
    run(folder, python, "-m", "pip", "install", "--quiet", "--constraint", folder / "held.txt", "mlflow-skinny")
    return python


def test_runs_are_sent_to_mlflow_where_it_is_installed(environment: Path, tmp_path: Path) -> None:
    project = bake(tmp_path)
    python = with_mlflow(environment, tmp_path)
    printed = run(project, python, "-m", "pytest", "-q", "-k", "mlflow", "tests/stages/test_runs.py", PYTHONPATH="src")
    assert "1 passed" in printed
    assert "1 skipped" in printed  # what is true without MLflow
