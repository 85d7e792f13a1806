"""Projects of other answers than the default ones run and are clean; a room that is removed by hand leaves a whole."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

import readme
from projects import SETTINGS, Project, copy_baked, grouped, refuse, setting_up, succeed
from sameness import left_out

FIRST = SETTINGS["problem"][0]
# Each answer at least once, on problems that take little time
VARIANTS = [
    {"problem": "tabular-regression", "operations": "serve"},
    {"problem": "time-series-forecasting", "operations": "none"},
    {"problem": "tabular-classification", "scale": "cluster"},
    {"problem": "text-regression", "operations": "none", "scale": "cluster"},
]
LEFT_OUT = {"serve": ("monitor", "update"), "none": ("serve", "predict", "monitor", "update"), "full": ()}


def test_every_answer_is_among_the_variants() -> None:
    for question in ("operations", "scale"):
        answers = {variant.get(question, SETTINGS[question][0]) for variant in VARIANTS}
        assert answers == set(SETTINGS[question])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(variant, marks=pytest.mark.xdist_group("-".join(variant.values())), id="-".join(variant.values()))
        for variant in VARIANTS
    ],
)
def variant(
    request: pytest.FixtureRequest, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Project]:
    """The answers, and a project of them in which `make all` has run."""
    answers: dict[str, str] = request.param
    project = Project(copy_baked(tmp_path_factory.mktemp("variant"), **answers), answers["problem"], environment)
    with setting_up(environment) as lock:
        project.set_up(lock)
    succeed(project.make("all"))
    return answers, project


def test_it_runs_and_is_up_to_date_then(variant: tuple[dict[str, str], Project]) -> None:
    _, project = variant
    assert list((project.folder / "artifacts").glob("export/*/1/saved_model.pb"))
    assert "wrote" not in succeed(project.make("all"))


def test_it_is_clean(variant: tuple[dict[str, str], Project]) -> None:
    _, project = variant
    succeed(project.make("lint"))
    succeed(project.make("typecheck"))


def test_its_own_tests_pass(variant: tuple[dict[str, str], Project], tmp_path: Path) -> None:
    answers, project = variant
    others = [{"problem": answers["problem"]}, *VARIANTS[: VARIANTS.index(answers)]]  # whose tests run elsewhere
    folders = [copy_baked(tmp_path / str(number), **other) for number, other in enumerate(others)]
    printed = succeed(project.make("test", "PROCESSES=0", left_out(project.folder, folders)))
    assert re.search(r"\d+ passed", printed)


def test_its_stages_and_settings_are_those_of_its_rooms(variant: tuple[dict[str, str], Project]) -> None:
    answers, project = variant
    listed = succeed(project.stage_help())
    for stage in LEFT_OUT[answers.get("operations", "full")]:
        assert not re.search(rf"^  {stage} ", listed, flags=re.MULTILINE), stage
        assert f"{stage} is not a stage" in refuse(project.stage(stage))
    has_workers = bool(re.search(r"^  train-workers ", listed, flags=re.MULTILINE))
    assert has_workers == (answers.get("scale") == "cluster")
    accepted = project.stage("versions", "--window-hours=3").returncode == 0
    assert accepted == (answers.get("operations", "full") == "full")


def removals(project: Project) -> list[str]:
    """The blocks of commands by which docs/rooms.md removes rooms, in their order."""
    text = (project.folder / "docs" / "rooms.md").read_text(encoding="utf-8")
    return [block for block in readme.blocks(text, "bash") if block.lstrip().startswith("rm -r src/")]


@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_rooms_can_be_removed_by_hand(project: Project, tmp_path: Path) -> None:
    copy = dataclasses.replace(project, folder=tmp_path / project.folder.name)
    shutil.copytree(project.folder, copy.folder, symlinks=True)
    blocks = removals(copy)
    assert len(blocks) >= 3
    for block in blocks:
        before = {path.name for path in copy.folder.glob("src/*/*")}
        succeed(copy.run("bash", "-euc", block))
        assert before - {path.name for path in copy.folder.glob("src/*/*")}
        succeed(copy.make("lint"))
    succeed(copy.make("typecheck"))
    succeed(copy.make("test", "PROCESSES=0", left_out(copy.folder, [project.folder])))
    succeed(copy.make("all"))
