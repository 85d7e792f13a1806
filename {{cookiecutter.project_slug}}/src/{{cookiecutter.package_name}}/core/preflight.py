"""make doctor, and the first step of make setup: checks whether this machine can run the project.

Runs before anything is installed: standard library only, and on Python 3.8 too, to say that it is too old.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
from pathlib import Path

TFDV = "TensorFlow Data Validation"  # the dependency with the fewest wheels: it decides which Python fits
ROOM = 5  # gigabytes
DESCRIBE = """import platform, sys, sysconfig  # of an activated environment, the Python that it was made with
python = getattr(sys, "_base_executable", sys.executable)
print("\\n".join([platform.python_implementation(), sys.version[:4], python, sysconfig.get_path("include")]))"""


def main() -> str | int:
    """Prints what it found and returns 0, or returns the first problem as a sentence for sys.exit."""
    parser = argparse.ArgumentParser(description="Checks whether this machine can run the project.")
    parser.add_argument("--venv", default=".venv", type=Path, help="folder of the environment (default: %(default)s)")
    parser.add_argument("--print-python", action="store_true", help="print only the path of the Python to use")
    options = parser.parse_args()
    try:
        versions = supported_versions(platform.system(), platform.machine(), platform.libc_ver())
        version, python, headers = find_python(versions)
        check_compiler(version, Path(headers, "Python.h"))
        room = check_folder(options.venv.absolute())
    except (OSError, ValueError) as problem:
        return f"error: {problem}"
    except KeyboardInterrupt:
        return 130
    found = (f"{TFDV} runs here", f"Python {version}: {python}", "a C++ compiler and Python's headers", room)
    print(python if options.print_python else "\n".join(f"ok: {line}" for line in found))
    return 0


def supported_versions(system: str, machine: str, libc: tuple[str, str]) -> list[str]:
    """Returns the Python versions, newest first, for which TFDV has wheels on this platform."""
    if (system, machine, libc[0]) not in {("Linux", "x86_64", "glibc"), ("Darwin", "arm64", "")}:
        here = f"{system} {machine} {libc[0]}".rstrip()
        raise ValueError(f"{TFDV} has wheels for Linux x86_64 with glibc (WSL 2 too) and macOS arm64, not for {here}")
    is_old = system == "Linux" and tuple(map(int, libc[1].split("."))) < (2, 39)
    return ["3.11"] if is_old else ["3.13", "3.12", "3.11"]


def find_python(versions: list[str]) -> list[str]:
    """Returns version, path and header folder of the running Python if it fits, else of the first one on PATH."""
    for command in (sys.executable, *(f"python{version}" for version in versions)):
        found = output(command, "-I", "-c", DESCRIBE).splitlines()  # a version manager's shim may run any, or none
        if found[:1] == ["CPython"] and found[1] in versions:
            return found[1:]
    raise ValueError(
        f"{TFDV} needs CPython {' or '.join(versions)} here, and PATH has none; install it (by `uv python install "
        f"{versions[0]}` or from the system's packages) and run make setup PYTHON=/path/to/python{versions[0]}"
    )


def check_compiler(version: str, header: Path) -> None:
    """Checks for what pyfarmhash, a dependency of TFDV without wheels, is compiled with."""
    if not any(output(compiler, "--version") for compiler in ("c++", "g++", "clang++")):
        raise ValueError("there is no C++ compiler; install g++ (dnf: gcc-c++, macOS: xcode-select --install)")
    if not header.is_file():
        raise ValueError(f"{header} is missing; install python{version}-dev (dnf: python{version}-devel)")


def check_folder(venv: Path) -> str:
    """Checks that the environment's folder holds nothing else and has room on its disk."""
    if venv.exists() and not (venv / "pyvenv.cfg").is_file():
        raise ValueError(f"{venv} is not a Python environment; remove it or choose another folder: make setup VENV=...")
    free = shutil.disk_usage(next(folder for folder in (venv, *venv.parents) if folder.exists())).free / 1e9
    if free < ROOM and not (venv / ".complete").exists():
        raise ValueError(f"{ROOM} GB are needed for {venv} and {free:.1f} GB are free; free some or set VENV=...")
    return f"{free:.0f} GB free on the disk of {venv}"


def output(*command: str) -> str:
    """Returns what a command prints, or nothing if it is missing or fails."""
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, universal_newlines=True)
    except (OSError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
