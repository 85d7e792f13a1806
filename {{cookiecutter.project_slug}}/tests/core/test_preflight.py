"""make doctor and make setup: what cannot work is refused in a sentence, and only a complete environment is used."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from project.core import preflight

MODULE = Path(preflight.__file__)
PROJECT = MODULE.parents[3]
SERVE = "--extra serve " if "--extra serve" in (PROJECT / "Makefile").read_text(encoding="utf-8") else ""
LINUX = ("Linux", "x86_64", ("glibc", "2.39"))
# Runs the module as a script, on a machine as a test describes it; the running Python counts as one that does not fit.
RUN = """
import platform, runpy, shutil, sys, types
platform.system, platform.machine, platform.libc_ver = (lambda answer=answer: answer for answer in {machine!r})
shutil.disk_usage = lambda _: types.SimpleNamespace(free={free!r})
sys.executable = ""
{change}
runpy.run_path({module!r}, run_name="__main__")
"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder that is all of PATH: it has a C++ compiler and no Python."""
    folder = tmp_path / "commands"
    folder.mkdir()
    write_command(folder / "g++", "echo 12")
    return folder


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    """A folder with the headers of a Python."""
    folder = tmp_path / "include"
    folder.mkdir()
    (folder / "Python.h").touch()
    return folder


def write_command(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def write_python(path: Path, version: str, headers: Path, implementation: str = "CPython") -> None:
    """Writes a command that answers as that Python would."""
    write_command(path, f"printf '%s\\n' {implementation} {version} /opt/python{version} {headers}")


def run(
    path: Path, *arguments: object, machine: object = LINUX, free: float = 9e9, change: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs the preflight in a Python without any package."""
    script = RUN.format(machine=machine, free=free, change=change, module=str(MODULE))
    command = [sys.executable, "-I", "-S", "-c", script, *map(str, arguments)]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def assert_refused(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    assert finished.returncode == 1
    assert not finished.stdout
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.count("\n") == 1, finished.stderr
    for word in words:
        assert word in finished.stderr


def test_it_loads_on_an_old_python() -> None:
    ast.parse(MODULE.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("machine", "versions"),
    [
        (("Linux", "x86_64", ("glibc", "2.36")), ["3.11"]),
        (("Linux", "x86_64", ("glibc", "2.39")), ["3.13", "3.12", "3.11"]),
        (("Darwin", "arm64", ("", "")), ["3.13", "3.12", "3.11"]),
    ],
)
def test_the_platform_decides_which_pythons_fit(machine: tuple[str, str, tuple[str, str]], versions: list[str]) -> None:
    assert preflight.supported_versions(*machine) == versions


@pytest.mark.parametrize(
    "machine",
    [
        ("Linux", "aarch64", ("glibc", "2.39")),
        ("Linux", "x86_64", ("", "")),
        ("Darwin", "x86_64", ("", "")),
        ("Windows", "AMD64", ("", "")),
    ],
)
def test_a_platform_without_wheels_is_refused(commands: Path, machine: tuple[str, str, tuple[str, str]]) -> None:
    assert_refused(run(commands, machine=machine), f"not for {machine[0]} {machine[1]}", "wheels for Linux x86_64")


def test_what_is_good_is_printed_line_by_line(commands: Path, headers: Path, tmp_path: Path) -> None:
    write_python(commands / "python3.12", "3.12", headers)
    finished = run(commands, "--venv", tmp_path / "venv")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert all(line.startswith("ok: ") for line in lines)
    assert "ok: Python 3.12: /opt/python3.12" in lines
    assert any("9 GB free" in line for line in lines)


def test_the_running_python_is_used_when_it_fits() -> None:
    version, python, headers = preflight.find_python(["{}.{}".format(*sys.version_info)])
    assert version == "{}.{}".format(*sys.version_info)
    assert Path(headers, "Python.h").parent == Path(sysconfig.get_path("include"))
    assert not Path(python).is_relative_to(sys.prefix) or sys.prefix == sys.base_prefix, "an environment's own Python"


def test_a_fitting_python_is_found_on_path(commands: Path, headers: Path, tmp_path: Path) -> None:
    write_command(commands / "python3.13", "exit 127")  # as the shim of a version manager does
    write_python(commands / "python3.12", "3.12", headers, implementation="PyPy")
    write_python(commands / "python3.11", "3.11", headers)
    finished = run(commands, "--print-python", "--venv", tmp_path / "venv")
    assert (finished.returncode, finished.stdout) == (0, "/opt/python3.11\n"), finished.stderr


@pytest.mark.parametrize(("glibc", "wanted"), [("2.36", "CPython 3.11 "), ("2.39", "CPython 3.13 or 3.12 or 3.11 ")])
def test_a_missing_python_is_refused(commands: Path, headers: Path, glibc: str, wanted: str) -> None:
    write_python(commands / "python3.10", "3.10", headers)
    machine = ("Linux", "x86_64", ("glibc", glibc))
    assert_refused(run(commands, machine=machine), wanted, "uv python install 3.1", "make setup PYTHON=")


def test_a_missing_compiler_is_refused(commands: Path, headers: Path) -> None:
    write_python(commands / "python3.11", "3.11", headers)
    write_command(commands / "g++", "exit 1")
    assert_refused(run(commands), "no C++ compiler", "install g++")


def test_missing_headers_are_refused(commands: Path, headers: Path) -> None:
    write_python(commands / "python3.11", "3.11", headers / "other")
    assert_refused(run(commands), "Python.h is missing", "install python3.11-dev")


def test_a_folder_that_is_no_environment_is_left_alone(commands: Path, headers: Path, tmp_path: Path) -> None:
    write_python(commands / "python3.11", "3.11", headers)
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert_refused(run(commands, "--venv", folder), f"{folder} is not a Python environment", "make setup VENV=")
    assert (folder / "thesis.txt").exists()


def test_a_full_disk_is_refused_until_the_environment_is_complete(
    commands: Path, headers: Path, tmp_path: Path
) -> None:
    write_python(commands / "python3.11", "3.11", headers)
    venv = tmp_path / "venv"
    assert_refused(run(commands, "--venv", venv, free=3e9), "5 GB are needed", "3.0 GB are free")
    venv.mkdir()
    (venv / "pyvenv.cfg").touch()
    (venv / ".complete").touch()
    assert run(commands, "--venv", venv, free=3e9).returncode == 0


def test_an_interruption_ends_without_a_traceback(commands: Path) -> None:
    change = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "platform.libc_ver = lambda: signal.raise_signal(signal.SIGINT)"
    )
    finished = run(commands, change=change)
    assert (finished.returncode, finished.stdout, finished.stderr) == (130, "", "")


@pytest.fixture
def project(tmp_path: Path, commands: Path) -> Path:
    """A project on a machine without uv, whose Python makes environments in which pip can install one."""
    kit, log = tmp_path / "kit", tmp_path / "log"
    kit.mkdir()
    write_command(kit / "uv", f'echo "uv $@" >> {log}; [ "$1" = --version ] || [ ! -e {tmp_path}/offline ]')
    write_command(kit / "pip", f'echo "python $@" >> {log}; cp {kit}/uv "${{0%python}}uv"')
    write_command(kit / "python", f'echo "base $@" >> {log}; mkdir -p "$4/bin" && cp {kit}/pip "$4/bin/python"')
    write_command(commands / "python3", f"echo {kit}/python")  # as the preflight does
    for name in ("sh", "rm", "touch", "cp", "mkdir"):
        (commands / name).symlink_to(str(shutil.which(name)))
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    return folder


def make(project: Path, *arguments: str) -> tuple[int, str, list[str]]:
    """Runs make; returns its status, its errors and the commands that were run."""
    log = project.parent / "log"
    log.write_text("", encoding="utf-8")
    command = [str(shutil.which("make")), "PYTHON=python3", *arguments]
    path = {"PATH": str(project.parent / "commands")}
    finished = subprocess.run(command, cwd=project, env=path, capture_output=True, text=True, check=False)
    return finished.returncode, finished.stderr, log.read_text(encoding="utf-8").splitlines()


def test_set_up_installs_uv_and_what_the_project_needs(project: Path) -> None:
    python = project.parent / "kit" / "python"
    status, errors, ran = make(project, "setup")
    assert status == 0, errors
    assert ran == [
        "base -m venv --clear .venv",
        "python -m pip install --quiet uv",
        f"uv sync {SERVE}--python {python}",
    ]
    assert (project / ".venv" / ".complete").exists()
    assert make(project, "setup")[2] == []


def test_set_up_is_done_again_when_the_dependencies_change(project: Path) -> None:
    (project / "uv.lock").touch()
    make(project, "setup")
    later = (project / ".venv" / ".complete").stat().st_mtime + 1
    for name in ("pyproject.toml", "uv.lock"):
        make(project, "setup")
        os.utime(project / name, (later, later))
        assert any(command.startswith("uv sync") for command in make(project, "setup")[2]), name
        os.utime(project / name, (0, 0))


def test_upgrade_renews_the_lock_file(project: Path) -> None:
    assert make(project, "upgrade")[2][-1].endswith(" --upgrade")


def test_uv_on_path_is_used(project: Path) -> None:
    shutil.copy(project.parent / "kit" / "uv", project.parent / "commands")
    (checked, synced) = make(project, "setup", "VENV=environment")[2]
    assert checked == "uv --version"
    assert synced.startswith("uv sync")


def test_a_shared_environment_keeps_what_other_projects_need(project: Path, tmp_path: Path) -> None:
    assert "--inexact" in make(project, "setup", f"VENV={tmp_path / 'shared'}")[2][-1]


def test_a_failed_set_up_says_so_and_is_not_complete(project: Path, tmp_path: Path) -> None:
    make(project, "setup")
    (tmp_path / "offline").touch()
    status, errors, _ = make(project, "upgrade")
    assert status != 0
    assert "error: .venv is not complete" in errors
    assert not (project / ".venv" / ".complete").exists()
    (tmp_path / "offline").unlink()
    assert make(project, "setup")[0] == 0


def test_an_interrupted_set_up_starts_anew(project: Path, tmp_path: Path) -> None:
    make(project, "setup")
    (project / ".venv" / "half-installed").touch()
    interrupted = "kill -TERM $PPID; exit 130"  # as Ctrl-C does, which the tests may have been told to ignore
    write_command(project / ".venv" / "bin" / "uv", f'[ "$1" = --version ] || {{ {interrupted}; }}')
    assert make(project, "upgrade")[0] != 0
    assert not (project / ".venv" / ".complete").exists()
    assert make(project, "setup")[0] == 0
    assert not (project / ".venv" / "half-installed").exists()


def test_a_machine_that_is_refused_keeps_its_environment(project: Path, commands: Path) -> None:
    make(project, "setup")
    write_command(commands / "python3", "echo 'error: no' >&2; exit 1")
    status, errors, ran = make(project, "upgrade")
    assert status != 0
    assert errors.startswith("error: no\n")
    assert "not complete" not in errors
    assert ran == []
    assert (project / ".venv" / ".complete").exists()
