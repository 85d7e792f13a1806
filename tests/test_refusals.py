"""Names that cannot become a project are refused in one sentence, and nothing is left behind."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

from projects import ROOT, SETTINGS, bake, copy_baked

REFUSED = [
    ("", "a letter, then letters"),
    ("   ", "a letter, then letters"),
    ("...", "a letter, then letters"),
    ("2024 sales", "'2024_sales': a letter, then letters"),
    ("class", "like a part of Python"),
    ("match", "like a part of Python"),
    ("Statistics", "like a part of Python"),
    ("test", "like a part of Python"),
    ("Keras", "a library"),
    ("TensorFlow Data Validation", "a library"),
    ("scikit-learn", "a library"),
    ("artifacts", "a folder"),
    ("con", "a folder"),
    ('Bob"s birds', "only letters, digits"),
    ("Bob's birds", "only letters, digits"),
    ("birds\\", "only letters, digits"),
    ("birds/../../birds", "only letters, digits"),
    ("two\nlines", "only letters, digits"),
    ("bell\a", "only letters, digits"),
    ("$(HOME)", "only letters, digits"),
    ("{% raw %}{{ birds }}{% endraw %}", "only letters, digits"),
    ("a" * 41, "41 characters"),
    ('""" + str(open("stolen", "w")) + """', "only letters, digits"),
    ("''' + str(open('stolen', 'w')) + '''", "only letters, digits"),
]


@pytest.mark.parametrize(("name", "reason"), REFUSED)
def test_bad_name_is_refused(name: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FailedHookException):
        bake(tmp_path, project_name=name)
    sentence = capfd.readouterr().err.splitlines()[0]
    assert sentence.startswith("The project cannot be called ")
    assert reason in sentence
    assert sentence.endswith("please choose another name.")
    assert not list(tmp_path.iterdir())
    assert not Path("stolen").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a letter, then letters"),
        ("two words", "a letter, then letters"),
        ("1st", "a letter, then letters"),
        ("_hidden", "a letter, then letters"),
        ("größe", "a letter, then letters"),
        ("../birds", "a letter, then letters"),
        ("a\\b", "a letter, then letters"),
        ("lambda", "like a part of Python"),
        ("random", "like a part of Python"),
        ("keras", "a library"),
        ("test", "like a part of Python"),
    ],
)
def test_bad_package_name_is_refused(name: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FailedHookException):
        bake(tmp_path / "inside", package_name=name)
    assert reason in capfd.readouterr().err.splitlines()[0]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["-rf", "Birds (2nd survey)", "x", "Ornithology, part_1", "птицы"])
def test_unusual_name_is_accepted(name: str, tmp_path: Path) -> None:
    folder = bake(tmp_path, project_name=name)
    assert folder.parent == tmp_path
    assert (folder / "pyproject.toml").is_file()


def test_unknown_problem_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no-such-problem"):
        bake(tmp_path, problem="no-such-problem")
    assert not list(tmp_path.iterdir())


def test_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "heart-disease").mkdir()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", str(tmp_path), str(ROOT)]
    assert subprocess.run(command, capture_output=True, check=False).returncode
    assert not list((tmp_path / "heart-disease").iterdir())


@pytest.mark.parametrize("problem", SETTINGS["problem"])
def test_no_dependency_can_be_shadowed(problem: str, tmp_path: Path) -> None:
    pyproject = tomllib.loads((copy_baked(tmp_path, problem=problem) / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [*pyproject["project"]["optional-dependencies"].values(), *pyproject["dependency-groups"].values()]
    requirements = {requirement for group in (pyproject["project"]["dependencies"], *groups) for requirement in group}
    names = {re.split(r"[^\w.-]", requirement)[0].lower().replace("-", "_") for requirement in requirements}
    assert names <= set(SETTINGS["_taken_names"])
