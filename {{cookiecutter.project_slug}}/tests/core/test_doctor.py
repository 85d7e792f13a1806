"""make doctor: what is wrong is named with its remedy, and the status tells; it needs nothing installed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from project.core import doctor, environment


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment that is complete, whose Python is the one that runs the tests."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "venv" / environment.STAMP).touch()
    return tmp_path / "venv"


def test_it_runs_on_a_python_without_packages(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONPATH": str(Path(doctor.__file__).parents[1])}
    command = [sys.executable, "-S", "-m", doctor.__name__, "--venv", str(tmp_path / "none")]
    finished = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert finished.returncode == 1, finished.stderr
    assert "is not there or not complete\n         -> make setup" in finished.stdout
    assert "Traceback" not in finished.stdout + finished.stderr


def test_what_is_installed_is_compared_with_the_record(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PROJECT", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]", encoding="utf-8")
    assert doctor.check_record(venv).remedy == "make setup"
    version = "{}.{}".format(*sys.version_info)
    record = tmp_path / "requirements" / environment.record_name(version)
    record.parent.mkdir()
    header = f"# sha256 {doctor.hashlib.sha256(b'[project]').hexdigest()}\n"
    record.write_text(f"{header}pytest=={pytest.__version__}  # via project\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "ask", lambda *_: {"pytest": pytest.__version__})
    assert doctor.check_record(venv).state == doctor.OK
    record.write_text(f"{header}pytest==0.1\n", encoding="utf-8")
    finding = doctor.check_record(venv)
    assert finding.state == doctor.PROBLEM
    assert f"pytest {pytest.__version__}" in finding.text


def test_a_library_that_cannot_be_imported_is_named_with_the_reason(venv: Path) -> None:
    assert doctor.check_import(venv, "no_such_library").state == doctor.PROBLEM
    assert "No module named 'no_such_library'" in doctor.check_import(venv, "no_such_library").text


@pytest.mark.parametrize(
    ("source", "state"),
    [("pyproject.toml", doctor.OK), ("s3://bucket/birds.csv", doctor.OK), ("data/raw/none.csv", doctor.PROBLEM)],
)
def test_the_source_is_looked_for(venv: Path, source: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ask", lambda *_: [source, "127.0.0.1", 0])
    assert next(iter(doctor.check_settings(venv))).state == state


def test_a_port_that_is_taken_is_told(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(doctor, "ask", lambda *_: ["pyproject.toml", "127.0.0.1", port])
        _, finding = doctor.check_settings(venv)
    assert finding.state == doctor.ADVICE
    assert f"--port {port + 1}" in finding.remedy


def test_settings_that_cannot_be_read_are_a_problem(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ask", lambda *_: None)
    (finding,) = doctor.check_settings(venv)
    assert finding.state == doctor.PROBLEM


def test_a_full_disk_is_a_problem(venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "GIGABYTE", 10**18)
    assert doctor.check_disk(tmp_path, venv).state == doctor.PROBLEM
    assert doctor.check_memory().state == doctor.ADVICE


def test_problems_set_the_status(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _: iter([doctor.Finding(doctor.ADVICE, "a", "b")]))
    assert doctor.main(["--venv", str(venv)]) == 0
    monkeypatch.setattr(doctor, "examine", lambda _: iter([doctor.Finding(doctor.PROBLEM, "a", "b")]))
    assert doctor.main(["--venv", str(venv)]) == 1
