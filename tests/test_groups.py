"""What needs a dependency group that is not installed by default is tested with it, by weights that people use."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import ALL, Project, copy_baked, execute, setting_up, with_packages

TESTS = {  # of a project, by its problem: all that are left out where a group is missing
    "image-classification": (("formats", "hub", "pretrained"), "tests/media", "HEIF or preset or wheel"),
    "audio-classification": (("formats", "pretrained"), "tests/media", "phones or wheel"),
    "text-classification": (("pretrained",), "tests/transfer", "wheel"),
}
WANTED = list(TESTS) if ALL else ["image-classification"]  # the others take a minute


@pytest.mark.parametrize("problem", WANTED)
def test_what_groups_bring_works(problem: str, environment: Path, tmp_path: Path) -> None:
    groups, folder, names = TESTS[problem]
    project = Project(copy_baked(tmp_path, problem=problem), problem, environment)
    with setting_up(environment) as lock:
        project.set_up(lock)
    python = with_packages(environment, project.folder, *(f"--group={name}" for name in groups))
    printed = execute(project.folder, python, "-m", "pytest", "-q", "-n0", folder, "-k", names, PYTHONPATH="src")
    assert " passed" in printed
    assert " skipped" not in printed
