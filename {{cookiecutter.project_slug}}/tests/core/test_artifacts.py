"""Artifacts are replaced whole, nothing else is, and one command works in a folder at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from project.core import artifacts
from project.core.errors import InputError


def test_a_folder_is_replaced_only_by_one_like_it(tmp_path: Path) -> None:
    own, foreign = tmp_path / "own", tmp_path / "foreign"
    for folder, name in ((own, "mark"), (foreign, "letter.txt")):
        folder.mkdir()
        (folder / name).write_text("before", encoding="utf-8")
    with artifacts.replacing(own, "mark") as temporary:
        temporary.mkdir()
    assert not list(own.iterdir())
    with pytest.raises(InputError, match="did not write"), artifacts.replacing(foreign, "mark"):
        pass
    with pytest.raises(InputError, match="did not write"):
        artifacts.write_text(foreign, "after")
    with pytest.raises(InputError, match="is a folder"):
        artifacts.write_text(own, "after")
    assert (foreign / "letter.txt").read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign", "own"]


def test_only_what_ended_processes_left_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, in_use = tmp_path / f".{ended.pid}.table.csv", tmp_path / f".{os.getppid()}.table.csv"
    for path in (left, in_use):
        path.touch()
    artifacts.write_text(tmp_path / "table.csv", "x")
    assert in_use.exists()
    assert not left.exists()


def test_a_second_command_in_a_folder_is_told_of_the_first(tmp_path: Path) -> None:
    holder = rf"process {os.getpid()}\b.*wait"
    with artifacts.locked(tmp_path), pytest.raises(InputError, match=holder), artifacts.locked(tmp_path):
        pass
    with artifacts.locked(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lines = f"""
        import sys, time
        from pathlib import Path
        from {artifacts.__package__} import artifacts
        with artifacts.locked(Path(sys.argv[1])):
            print("locked", flush=True)
            time.sleep(60)
    """
    words = [sys.executable, "-c", "\n".join(line[8:] for line in lines.splitlines()), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(artifacts.__file__).parents[2])}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=str(holder.pid)), artifacts.locked(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with artifacts.locked(tmp_path):
        assert (tmp_path / ".lock").read_text(encoding="utf-8") == f"{os.getpid()}\n"
