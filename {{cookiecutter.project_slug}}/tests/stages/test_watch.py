"""make watch: an alarm leads to an update, unless a person has to be asked."""

from pathlib import Path

import pytest

from project.core import command
from project.stages import monitor, watch

from declared import Config


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Stands in for the processes of the stages: their exit status by name; those that ran are moved to the end."""
    statuses = {"monitor": monitor.EXIT_ALARM}

    def run(name: str) -> int:
        statuses[name] = statuses.pop(name, 0)
        return statuses[name]

    monkeypatch.setattr(watch, "run", run)
    return statuses


def once(**settings: object) -> Config:
    return Config(watch_minutes=0).model_copy(update=settings)


def test_an_alarm_leads_to_an_update(stages: dict[str, int]) -> None:
    assert watch.main(once()) == monitor.EXIT_ALARM
    assert list(stages) == ["monitor", "update"]


@pytest.mark.parametrize("status", [0, monitor.EXIT_UNKNOWN])
def test_without_an_alarm_nothing_is_updated(stages: dict[str, int], status: int) -> None:
    stages["monitor"] = status
    assert watch.main(once()) == status
    assert list(stages) == ["monitor"]


def test_where_nobody_can_be_asked_nothing_is_updated(
    stages: dict[str, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch.sys.stdin, "isatty", lambda: False)
    watch.main(once(ask_first=True))
    assert "make update" in capsys.readouterr().out
    assert list(stages) == ["monitor"]


@pytest.mark.parametrize(("answer", "expected"), [("y", ["monitor", "update"]), ("", ["monitor"])])
def test_a_person_decides_if_asked(
    stages: dict[str, int], monkeypatch: pytest.MonkeyPatch, answer: str, expected: list[str]
) -> None:
    monkeypatch.setattr(watch.sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    watch.main(once(ask_first=True))
    assert list(stages) == expected


def test_a_stage_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(watch.__file__).parents[2]))
    monkeypatch.setattr(watch.sys, "argv", ["package", "watch", "--no-such-setting", "1"])
    assert watch.run("versions") == command.EXIT_SETTING
