"""The command line: stages in order as far as they are stale, and one message for a person's mistake."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from project.core import command, staleness
from project.core.errors import InputError, RefusedError

from declared import Config

SOURCE = Path(command.__file__).parents[2]


@pytest.fixture
def arguments(make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The settings of a small project, as the command line takes them."""
    config = make_config()
    monkeypatch.chdir(config.artifacts.parent)
    return [f"--{name}={getattr(config, name)}" for name in ("source", "target", "artifacts", "schema_path")]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for the stages: each makes its artifacts, and its name is noted."""
    names: list[str] = []

    def load(name: str) -> ModuleType | SimpleNamespace:
        stage = name.rpartition(".")[2]

        def main(config: Config) -> None:
            names.append(stage)
            for path in staleness.made(config, stage) if stage in staleness.STAGES else []:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"made {len(names)}", encoding="utf-8")

        return SimpleNamespace(main=main)

    monkeypatch.setattr(command.importlib, "import_module", load)
    return names


def test_all_runs_what_is_stale_in_order_and_says_why(
    arguments: list[str], ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["all", *arguments]) == 0
    assert ran == list(staleness.LIFE_CYCLE)
    assert command.main(["all", *arguments]) == 0
    assert ran == list(staleness.LIFE_CYCLE)
    assert "everything is up to date" in capsys.readouterr().out
    assert command.main(["all", *arguments, "--epochs=77"]) == 0
    assert "train runs again: epochs changed" in capsys.readouterr().out
    assert ran[len(staleness.LIFE_CYCLE) :] == ["train", "evaluate", "accept", "export"]


def test_a_stage_brings_up_to_date_what_it_depends_on(arguments: list[str], ran: list[str]) -> None:
    command.main(["train", *arguments])
    assert ran == ["collect", "validate", "train"]
    command.main(["train", *arguments])
    assert ran == ["collect", "validate", "train"]
    command.main(["train", *arguments, command.FORCE])
    assert ran[3:] == ["train"]


def test_one_stage_alone_runs_whatever_is_stale(arguments: list[str], ran: list[str]) -> None:
    command.main(["accept", *arguments, command.ONLY])
    assert ran == ["accept"]


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (InputError("fix this"), command.EXIT_MISTAKE, "fix this"),
        (RefusedError("not good enough"), command.EXIT_MISTAKE, "not good enough"),
        (KeyboardInterrupt(), command.EXIT_INTERRUPTED, "interrupted"),
        *(
            (OSError(number, os.strerror(number)), command.EXIT_MISTAKE, f"error: {os.strerror(number)}")
            for number in (errno.ENOSPC, errno.EFBIG, errno.EPERM, errno.ENOTSUP)
        ),
        (MemoryError(), command.EXIT_MISTAKE, "error: there is not enough memory"),
    ],
)
def test_a_stage_ends_in_a_message_and_a_status(
    raised: BaseException,
    status: int,
    message: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main(config: Config) -> None:
        raise raised

    monkeypatch.setattr(command.importlib, "import_module", lambda _: SimpleNamespace(main=main))
    assert command.main(["versions", *arguments]) == status
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed


def test_nobody_has_to_read_what_is_printed() -> None:  # as in `make runs | true`
    words = [sys.executable, "-m", str(command.__package__).partition(".")[0], "train", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=SOURCE, text=True) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode in (0, 128 + signal.SIGPIPE)  # by whether the pipe was closed in time


@pytest.mark.parametrize(
    ("words", "message"), [(["train", "--epochs", "-1"], "epochs"), (["trian"], "trian is not a stage")]
)
def test_a_wrong_setting_or_stage_has_its_own_status(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(words) == command.EXIT_SETTING
    assert message in capsys.readouterr().err


def test_a_mistake_of_the_program_keeps_its_traceback(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def main(config: Config) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(command.importlib, "import_module", lambda _: SimpleNamespace(main=main))
    with pytest.raises(KeyError):
        command.main(["versions", *arguments])


def test_every_stage_is_listed_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed and summary for name, summary in command.summaries().items())


@pytest.mark.parametrize(
    ("stage", "shown", "hidden"),
    [("train", "--epochs", "--resamples"), ("evaluate", "--resamples", "--epochs"), ("all", "--encoding", "--nothing")],
)
def test_help_prints_the_settings_of_a_stage(
    stage: str, shown: str, hidden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([stage, "--help"]) == 0
    printed = capsys.readouterr().out
    assert shown in printed
    assert hidden not in printed


@pytest.mark.parametrize("what_a_library_does", ["raise", "pass", "raise ValueError('a callback failed')"])
def test_an_interruption_is_one_line_whatever_a_library_makes_of_it(what_a_library_does: str) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.path.insert(0, {str(SOURCE)!r})\n"
        f"from {command.__package__} import command\n"
        "import types\n"
        "def interrupt(_):\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    except BaseException:\n"
        f"        {what_a_library_does}\n"
        "    return types.SimpleNamespace(main=lambda _: None)\n"
        "command.importlib.import_module = interrupt\n"
        "sys.exit(command.main(['versions']))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode in (command.EXIT_INTERRUPTED, -signal.SIGINT)
    assert finished.stderr.startswith("error: interrupted")
    assert len(finished.stderr.splitlines()) == 1


def test_an_argument_of_nothing_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["collect", *arguments, ""]) != 0
    assert "error: '' is not a setting" in capsys.readouterr().err
