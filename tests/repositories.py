"""Git and cruft, as somebody who has no settings of their own would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOMEBODY = {f"GIT_{role}_{what}": "somebody" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | SOMEBODY


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def git(folder: Path, *arguments: str) -> str:
    finished = run(folder, "git", "-c", "commit.gpgsign=false", *arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def cruft(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, "-m", "cruft", *arguments)
