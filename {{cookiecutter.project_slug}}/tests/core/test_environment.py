import sys
from pathlib import Path

import pytest

from project.core import environment

FAKE_UV = """#!/bin/sh
echo "uv $@" | tee -a {log}
[ "$2" != {failing} ] || exit 1
while [ $# -gt 0 ]; do
    [ "$1" != --output-file ] || echo "numpy==2.0" >> "$2"
    shift
done
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]")
    monkeypatch.setattr(environment, "PROJECT", folder)
    return folder


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}")
    return folder


def write_command(path: Path, script: str) -> str:
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("platform", "pythons"),
    [
        (("Linux", "x86_64", ("glibc", "2.36")), ("3.11",)),
        (("Linux", "x86_64", ("glibc", "2.39")), ("3.13", "3.12", "3.11")),
        (("Darwin", "arm64", ("", "")), ("3.13", "3.12", "3.11")),
    ],
)
def test_platform_decides_which_pythons_fit(platform: tuple[str, str, tuple[str, str]], pythons: tuple[str]) -> None:
    assert environment.supported_pythons(*platform) == pythons


@pytest.mark.parametrize(
    "platform",
    [
        ("Linux", "aarch64", ("glibc", "2.39")),
        ("Linux", "x86_64", ("", "")),
        ("Darwin", "x86_64", ("", "")),
        ("Windows", "AMD64", ("", "")),
    ],
)
def test_platform_without_wheels_is_refused(platform: tuple[str, str, tuple[str, str]]) -> None:
    with pytest.raises(environment.SetupError, match=f"this is {platform[0]} {platform[1]}.*work on such a machine"):
        environment.supported_pythons(*platform)


def test_running_python_is_taken_when_it_fits() -> None:
    version = "{}.{}".format(*sys.version_info)
    assert environment.find_python((version,), uv="").executable == sys.executable


def test_fitting_python_is_found_on_the_path(commands: Path) -> None:
    write_command(commands / "python3.98", "#!/bin/sh\nexit 127\n")  # as the shim of a version manager does
    write_command(commands / "python3.97", "#!/bin/sh\nprintf 'CPython3.97\\n/opt/python3.97\\n/opt/include\\n'\n")
    assert environment.find_python(("3.98", "3.97"), uv="").executable == "/opt/python3.97"


def test_missing_python_is_named_with_a_remedy(commands: Path) -> None:
    with pytest.raises(environment.SetupError, match=r"needs CPython 3\.99 .* `uv python install 3\.99`"):
        environment.find_python(("3.99",), uv="")


def test_missing_compiler_is_named_with_a_remedy(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(environment.SetupError, match=r"no C\+\+ compiler.*apt install g\+\+"):
        environment.check_compiler(environment.Python(sys.executable))


def test_missing_headers_are_named_with_a_remedy(commands: Path) -> None:
    write_command(commands / "g++", "#!/bin/sh\necho 12\n")
    python = environment.Python(sys.executable)
    python.header = commands / "Python.h"
    with pytest.raises(environment.SetupError, match=r"headers of Python .* are missing.*-dev"):
        environment.check_compiler(python)


def test_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(environment.SetupError, match="is no Python environment"):
        environment.create(tmp_path, environment.Python(sys.executable), uv="")
    assert (tmp_path / "thesis.txt").exists()


def test_dependencies_are_resolved_once_until_they_change(project: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    uv = write_command(tmp_path / "uv", FAKE_UV.format(log=log, failing="nothing"))
    record = project / "requirements" / "linux.txt"
    for _ in range(2):
        environment.resolve(uv, tmp_path / "venv", record, upgrade=False)
    assert record.read_text().count("numpy==2.0") == 1
    (command,) = log.read_text().splitlines()
    assert all(f"--extra {extra} " in command for extra in environment.EXTRAS)

    (project / "pyproject.toml").write_text("[project] # changed")
    environment.resolve(uv, tmp_path / "venv", record, upgrade=False)
    assert record.read_text().count("numpy==2.0") == 2, "uv was not shown the versions in use"
    assert list(record.parent.iterdir()) == [record]


@pytest.mark.parametrize("failing", ["compile", "install"])
def test_failed_set_up_says_so_and_is_not_taken_for_complete(
    failing: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_command(tmp_path / "uv", FAKE_UV.format(log=tmp_path / "log", failing=failing))
    write_command(tmp_path / "g++", "#!/bin/sh\necho 12\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / "bin").symlink_to(Path(sys.prefix, "bin"))
    (venv / environment.STAMP).touch()

    assert environment.main(["--venv", str(venv)]) == 1
    assert not (venv / environment.STAMP).exists()
    errors = capfd.readouterr().err
    assert errors.startswith("error: the dependencies cannot be")
    assert "Traceback" not in errors
