"""make setup: creates the environment that every other target runs in.

It runs before anything is installed, with the standard library only, and loads on any Python from 3.8 on, so that it
can say what is wrong with it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Sequence

PROJECT = Path(__file__).resolve().parents[3]
EXTRAS = ("pipeline", "serve", "dev")  # the parts of pyproject.toml that somebody who works on the project needs
STAMP = ".complete"  # in the environment, written last: an interrupted set-up has none and is done again

# TensorFlow Data Validation (TFDV) decides: it has wheels for these only. The newest Python comes first.
PYTHONS = ("3.13", "3.12", "3.11")
PYTHONS_BEFORE_GLIBC_2_39 = ("3.11",)

IDENTIFY = """
import platform, sys, sysconfig
print(platform.python_implementation() + "{}.{}".format(*sys.version_info) + getattr(sys, "abiflags", ""))
print(sys.executable)
print(sysconfig.get_path("include"))
"""


class SetupError(RuntimeError):
    """Something without which no environment can be made; the message says what to do."""


class Python:
    """An interpreter: its version (empty where it does not run or is not CPython), executable and headers."""

    def __init__(self, command: str) -> None:
        """Asks the interpreter itself, since a command on PATH may be a shim for something else or for nothing."""
        identity, self.executable, include = (output(command, "-I", "-c", IDENTIFY).splitlines() or [""] * 3)[:3]
        self.version = identity[len("CPython") :] if identity.startswith("CPython") else ""
        self.header = Path(include, "Python.h")


def main(arguments: Sequence[str] | None = None) -> int:
    """Sets the environment up; a missing precondition ends in one sentence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", default=".venv", help="folder of the environment (default: %(default)s)")
    parser.add_argument("--upgrade", action="store_true", help="resolve to the newest versions that fit together")
    options = parser.parse_args(arguments)
    try:
        set_up(Path(options.venv).absolute(), options.upgrade)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error.strerror}: {error.filename}; mend this and run make setup again", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted; the next make setup goes on from here", file=sys.stderr)
    else:
        return 0
    return 1


def set_up(venv: Path, upgrade: bool) -> None:
    """Checks what set-up needs, resolves the dependencies unless they are recorded, and installs them."""
    started = time.monotonic()
    pythons = supported_pythons(platform.system(), platform.machine(), platform.libc_ver())
    uv = "uv" if output("uv", "--version") else ""
    python = find_python(pythons, uv)
    check_compiler(python)
    (venv / STAMP).unlink(missing_ok=True)
    create(venv, python, uv)
    uv = uv or bring_uv(venv)
    record = PROJECT / "requirements" / record_name(python.version)
    resolve(uv, venv, record, upgrade)
    install(uv, venv, record)
    (venv / STAMP).touch()
    say(f"{venv} is ready after {time.monotonic() - started:.0f} s")


def supported_pythons(system: str, machine: str, libc: tuple[str, str]) -> tuple[str, ...]:
    """The Python versions that TFDV has wheels for on this platform, the best first."""
    if (system, machine) == ("Darwin", "arm64"):
        return PYTHONS
    if (system, machine, libc[0]) == ("Linux", "x86_64", "glibc"):
        glibc = tuple(int(number) for number in libc[1].split(".")[:2])
        return PYTHONS if glibc >= (2, 39) else PYTHONS_BEFORE_GLIBC_2_39
    message = (
        f"this is {system} {machine} {libc[0]}, but TensorFlow Data Validation has wheels only for Linux x86_64 with "
        "glibc and for macOS arm64; work on such a machine, in WSL 2 (Windows) or in a container for linux/amd64"
    )
    raise SetupError(message)


def find_python(versions: tuple[str, ...], uv: str) -> Python:
    """The running interpreter if it fits, else the first fitting one that PATH or uv knows."""
    running = Python(sys.executable)
    if running.version in versions:
        return running
    for version in versions:
        for command in (f"python{version}", uv and output(uv, "python", "find", "--system", version)):
            python = Python(command)
            if python.version == version:
                say(f"Python {platform.python_version()} does not fit: {python.executable} is used")
                return python
    message = (
        f"this is {platform.python_implementation()} {platform.python_version()}, but TensorFlow Data Validation needs "
        f"CPython {' or '.join(versions)} on this system; install it (from the system's packages, or by `uv python "
        f"install {versions[0]}`) and run make setup again, if need be with PYTHON=/path/to/python{versions[0]}"
    )
    raise SetupError(message)


def check_compiler(python: Python) -> None:
    """Refuses to begin without what pyfarmhash, a dependency of TFDV without wheels, is compiled with."""
    if not any(output(compiler, "--version") for compiler in (os.environ.get("CXX", ""), "c++", "g++", "clang++")):
        message = (
            "there is no C++ compiler, and pyfarmhash, which TensorFlow Data Validation needs, is compiled at set-up; "
            "install one (apt install g++, dnf install gcc-c++ or xcode-select --install) and run make setup again"
        )
        raise SetupError(message)
    if not python.header.is_file():
        message = (
            f"the headers of Python {python.version} are missing ({python.header}), and pyfarmhash, which TensorFlow "
            f"Data Validation needs, is compiled at set-up; install them (apt install python{python.version}-dev or "
            f"dnf install python{python.version}-devel) and run make setup again"
        )
        raise SetupError(message)


def create(venv: Path, python: Python, uv: str) -> None:
    """Makes the environment unless there is one of this Python; anything else in its place is left alone."""
    if Python(str(interpreter(venv))).version == python.version:
        return
    if venv.exists() and not (venv / "pyvenv.cfg").is_file():
        message = f"{venv} exists and is no Python environment; remove it or choose another folder: make setup VENV=..."
        raise SetupError(message)
    shutil.rmtree(venv, ignore_errors=True)
    say(f"Creating {venv} with Python {python.version}")
    if uv:
        run(f"{venv} cannot be made", uv, "venv", "--quiet", "--seed", "--python", python.executable, str(venv))
    else:
        problem = f"{venv} cannot be made (where Python lacks ensurepip: apt install python{python.version}-venv)"
        run(problem, python.executable, "-m", "venv", str(venv))


def bring_uv(venv: Path) -> str:
    """Installs uv into the environment: pip cannot leave out the Google Cloud packages that Beam would bring."""
    run("uv cannot be installed", str(interpreter(venv)), "-m", "pip", "install", "--quiet", "uv")
    return str(venv / "bin" / "uv")


def record_name(version: str) -> str:
    """The file of exact versions: which ones fit together depends on the platform and on Python."""
    return f"{platform.system()}-{platform.machine()}-python{version}.txt".lower()


def resolve(uv: str, venv: Path, record: Path, upgrade: bool) -> None:
    """Writes the exact versions that fit together, unless those on record are for the same pyproject.toml."""
    fingerprint = hashlib.sha256((PROJECT / "pyproject.toml").read_bytes()).hexdigest()
    recorded = record.read_text(encoding="utf-8") if record.is_file() else ""
    if fingerprint in recorded and not upgrade:
        return
    say(f"Resolving pyproject.toml into {record.relative_to(PROJECT)}: commit it, and everybody gets the same versions")
    record.parent.mkdir(exist_ok=True)
    draft = record.with_suffix(".draft")
    draft.write_text("" if upgrade else recorded, encoding="utf-8")  # uv keeps the versions it finds there
    extras = [option for extra in EXTRAS for option in ("--extra", extra)]
    options = ("--quiet", "--no-header", *extras, "--python", str(interpreter(venv)))
    try:
        problem = "the dependencies cannot be resolved"
        run(problem, uv, "pip", "compile", *options, "--output-file", str(draft), "pyproject.toml")
        header = f"# Written by make setup from pyproject.toml (sha256 {fingerprint}).\n"
        record.write_text(header + draft.read_text(encoding="utf-8"), encoding="utf-8")
    finally:
        draft.unlink()


def install(uv: str, venv: Path, record: Path) -> None:
    """Installs exactly the recorded versions, compiled (importing TFDV is twice as fast then), and the project."""
    say("Installing what is missing (the first time on a machine, 2.5 GB are fetched)")
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    command = (uv, "pip", "install", "--python", str(interpreter(venv)), "--no-deps", *quiet)
    run("the dependencies cannot be installed", *command, "--compile-bytecode", "--requirement", str(record))
    run("the project cannot be installed", *command, "--no-build-isolation", "--editable", str(PROJECT))


def interpreter(venv: Path) -> Path:
    """The environment's own Python."""
    return venv / "bin" / "python"


def say(message: str) -> None:
    """Prints at once, so that the line stands before what the commands print."""
    print(message, flush=True)


def output(*command: str) -> str:
    """What a command prints, or nothing where it cannot be run or fails."""
    try:
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return ""
    return "" if finished.returncode else finished.stdout.strip()


def run(problem: str, *command: str) -> None:
    """Runs a command that shows its own progress and errors."""
    if subprocess.run(command, cwd=PROJECT, check=False).returncode:
        message = f"{problem}: the lines above tell why; see to it (is there a network?) and run make setup again"
        raise SetupError(message)


if __name__ == "__main__":
    sys.exit(main())
