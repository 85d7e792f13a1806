"""make doctor: says what is wrong with the environment, and how to mend it.

Like make setup it runs on the system's Python, with the standard library only; what only the environment knows, it asks
the environment's own Python in a process of its own, which may fail.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

from . import environment

OK, ADVICE, PROBLEM = "ok", "advice", "problem"
GIGABYTE = 10**9
ROOM_TO_INSTALL, ROOM_TO_WORK = 5, 1  # gigabytes on the disk
MEMORY = 3  # gigabytes that training and TFDV together take on the sample
PATIENCE = 300  # seconds for an import: on a slow disk the first one takes long
MAX_NAMED = 5  # packages
PACKAGE = Path(__file__).parents[1].name

ASK_VERSIONS = """
import importlib.metadata as metadata, json
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version for d in metadata.distributions()}))
"""
ASK_SETTINGS = f"""
import json
from {PACKAGE} import settings
from {PACKAGE}.config import Config
config = settings.load(Config, [])
print(json.dumps([config.source, config.host, config.port]))
"""


class Finding(NamedTuple):
    """What was looked at, whether it is as it should be, and else what to do."""

    state: str
    text: str
    remedy: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints every finding; the status is 1 if one is a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", default=".venv", help="folder of the environment (default: %(default)s)")
    venv = Path(parser.parse_args(arguments).venv).absolute()
    problems = 0
    try:
        for finding in examine(venv):
            problems += finding.state == PROBLEM
            print(f"{finding.state:8} {finding.text}", flush=True)
            if finding.remedy:
                print(f"{'':8} -> {finding.remedy}", flush=True)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    print("everything is as it should be" if not problems else f"{problems} to mend, the first one first")
    return 1 if problems else 0


def examine(venv: Path) -> Iterator[Finding]:
    """Looks at one thing after the other; what cannot be looked at without the environment is left out."""
    yield from check_python(venv)
    yield check_disk(environment.PROJECT, venv)
    yield check_memory()
    yield check_writable(environment.PROJECT)
    yield check_git()
    if not (venv / environment.STAMP).exists():
        yield Finding(PROBLEM, f"{venv} is not there or not complete", "make setup")
        return
    yield check_record(venv)
    for module in ("tensorflow", "tensorflow_data_validation"):
        yield check_import(venv, module)
    yield from check_settings(venv)


def check_python(venv: Path) -> Iterator[Finding]:
    """Whether this machine can carry the project, and whether the environment's Python, or one to make it of, can."""
    try:
        fitting = environment.supported_pythons(platform.system(), platform.machine(), platform.libc_ver())
        yield Finding(OK, f"{platform.system()} {platform.machine()}: TensorFlow Data Validation has wheels for it")
        if (venv / environment.STAMP).exists():
            yield check_interpreter(venv, fitting)
        else:
            python = environment.find_python(fitting, "uv" if environment.output("uv", "--version") else "")
            yield Finding(OK, f"Python {python.version}: {python.executable}")
            environment.check_compiler(python)
            yield Finding(OK, "a C++ compiler and the headers of Python")
    except environment.SetupError as error:
        what, _, remedy = str(error).partition("; ")
        yield Finding(PROBLEM, what, remedy)


def check_interpreter(venv: Path, fitting: Sequence[str]) -> Finding:
    """Whether the environment's Python is there and fits."""
    version = environment.Python(str(environment.interpreter(venv))).version
    if version in fitting:
        return Finding(OK, f"{venv} has Python {version}")
    wanted = " or ".join(fitting)
    return Finding(PROBLEM, f"the Python of {venv} is {version or 'gone'}, not {wanted}", f"rm -r {venv}; make setup")


def check_disk(folder: Path, venv: Path) -> Finding:
    """Whether there is room for the environment, or for what the stages write."""
    free = shutil.disk_usage(folder).free / GIGABYTE
    needed = ROOM_TO_WORK if (venv / environment.STAMP).exists() else ROOM_TO_INSTALL
    text = f"{free:.1f} GB free on the disk"
    return Finding(OK, text) if free >= needed else Finding(PROBLEM, text, f"free {needed} GB, or move the project")


def check_memory() -> Finding:
    """Whether there is memory for training."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    text = f"{total:.1f} GB of memory"
    return Finding(OK, text) if total >= MEMORY else Finding(ADVICE, text, f"{MEMORY} GB are needed for the sample")


def check_writable(folder: Path) -> Finding:
    """Whether the stages can write."""
    artifacts = folder / "artifacts"
    place = artifacts if artifacts.exists() else folder
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(OK, f"{place} can be written to")
    except OSError as error:
        return Finding(PROBLEM, f"{place} cannot be written to: {error.strerror}", f"chown or chmod {place}")


def check_git() -> Finding:
    """Whether a run can tell from which code it came."""
    if not environment.output("git", "--version"):
        return Finding(ADVICE, "git is not installed", "install it, so that every run knows its code")
    if not environment.output("git", "-C", str(environment.PROJECT), "rev-parse", "HEAD"):
        remedy = "git init; git add --all; git commit --message Begin"
        return Finding(ADVICE, "the project has no commit, so that runs cannot tell their code", remedy)
    return Finding(OK, "the project is in a git repository")


def check_record(venv: Path) -> Finding:
    """Whether what is installed is what requirements/ records for the present pyproject.toml."""
    version = environment.Python(str(environment.interpreter(venv))).version
    record = environment.PROJECT / "requirements" / environment.record_name(version)
    text = record.read_text(encoding="utf-8") if record.is_file() else ""
    if hashlib.sha256((environment.PROJECT / "pyproject.toml").read_bytes()).hexdigest() not in text:
        return Finding(PROBLEM, f"{record.name} is not of the present pyproject.toml", "make setup")
    recorded = dict(line.split()[0].split("==") for line in text.splitlines() if "==" in line and line[0].isalnum())
    installed = ask(venv, ASK_VERSIONS) or {}
    names = {name.lower().replace("_", "-"): wanted for name, wanted in recorded.items()}
    others = [f"{name} {installed.get(name, 'missing')}" for name in names if installed.get(name) != names[name]]
    if others:
        more = f" and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else ""
        differing = ", ".join(others[:MAX_NAMED]) + more
        return Finding(PROBLEM, f"installed is not what {record.name} records: {differing}", reinstall(venv))
    return Finding(OK, f"{len(names)} packages are installed as {record.name} records")


def reinstall(venv: Path) -> str:
    """How to install what is recorded once more."""
    return f"rm {venv / environment.STAMP}; make setup"


def check_import(venv: Path, module: str) -> Finding:
    """Whether a library can be imported; in a process of its own, since it may take the process with it."""
    command = [str(environment.interpreter(venv)), "-c", f"import {module}; print({module}.__version__)"]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return Finding(PROBLEM, f"importing {module} takes more than {PATIENCE} s", "is the disk or the memory full?")
    if finished.returncode == 0:
        return Finding(OK, f"{module} {finished.stdout.split()[-1]} can be imported")
    lines = finished.stderr.strip().splitlines()
    killed = f"killed by signal {-finished.returncode}" if finished.returncode < 0 else ""
    reason = killed or (lines[-1] if lines else f"status {finished.returncode}")
    return Finding(PROBLEM, f"{module} cannot be imported: {reason}", reinstall(venv))


def check_settings(venv: Path) -> Iterator[Finding]:
    """Whether the settings can be read, the source is there and the port is free."""
    settings = ask(venv, ASK_SETTINGS)
    if settings is None:
        yield Finding(PROBLEM, "config.py cannot be read", "make freshness shows the mistake")
        return
    source, host, port = settings
    path = source[len("sqlite:///") :] if source.startswith("sqlite:///") else source
    if "://" in path:
        yield Finding(OK, "the source is an address, which is not looked up")
    elif glob.glob(str(environment.PROJECT / path), recursive=True):  # noqa: PTH207 (the source may be absolute)
        yield Finding(OK, f"the source {path} is there")
    else:
        yield Finding(PROBLEM, f"the source {path} is not there", "mend `source` in config.py, or bring the data")
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            yield Finding(OK, f"port {port} is free")
        except OSError as error:
            remedy = f'unless it is your own server: make serve ARGS="--port {port + 1}"'
            yield Finding(ADVICE, f"port {port} of {host}: {error.strerror}", remedy)


def ask(venv: Path, question: str) -> Any:
    """What the environment's Python answers, in JSON; None if it fails."""
    environment_variables = {**os.environ, "PYTHONPATH": str(environment.PROJECT / "src")}
    finished = subprocess.run(
        [str(environment.interpreter(venv)), "-c", question],
        cwd=environment.PROJECT,
        env=environment_variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return json.loads(finished.stdout) if finished.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
