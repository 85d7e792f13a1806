"""Tests are left out where other projects show the same, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import SETTINGS, copy_baked
from sameness import package_of, same_tests

CELLS = ("image-classification", "tabular-regression", "image-regression")  # the last is of the others' parts


@pytest.fixture
def cells(tmp_path: Path) -> list[Path]:
    return [copy_baked(tmp_path / problem, problem=problem) for problem in CELLS]


def edit(project: Path, module: str) -> None:
    path = project / "src" / package_of(project) / module
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")


def spared(cells: list[Path]) -> set[str]:
    return {str(path.relative_to("tests")) for path in same_tests(cells[-1], cells[:-1])}


def test_what_other_projects_show_is_left_out_and_what_is_new_stays(cells: list[Path]) -> None:
    found = spared(cells)
    assert {"stages/test_train.py", "stages/test_evaluate.py", "monitoring/test_drift.py"} <= found
    assert not {"core/test_floors.py", "core/test_settings.py", "core/test_staleness.py"} & found


@pytest.mark.parametrize(
    ("edited", "stays", "is_left_out"),
    [
        ("monitoring/drift.py", "monitoring/test_drift.py", "stages/test_evaluate.py"),
        ("stages/train.py", "stages/test_export.py", "monitoring/test_drift.py"),  # its fixture trains
        ("task.py", "stages/test_evaluate.py", "monitoring/test_drift.py"),
    ],
)
def test_a_module_that_differs_keeps_the_tests_that_need_it(
    cells: list[Path], edited: str, stays: str, is_left_out: str
) -> None:
    edit(cells[-1], edited)
    found = spared(cells)
    assert stays not in found
    assert is_left_out in found


def test_tests_of_a_task_run_once(cells: list[Path]) -> None:
    edit(cells[-1], "features.py")
    assert {"test_task.py", "evaluation/test_scoring.py"} <= spared(cells)


def test_an_edited_task_is_tested(cells: list[Path]) -> None:
    edit(cells[-1], "task.py")
    assert "test_task.py" not in spared(cells)


def test_tests_of_a_data_type_run_once_but_for_sets_of_labels(tmp_path: Path) -> None:
    names = ("tabular-classification", "tabular-regression", "tabular-multilabel-classification")
    one, *others = (copy_baked(tmp_path / name, problem=name) for name in names)
    numbers, sets = ({str(path.relative_to("tests")) for path in same_tests(other, [one])} for other in others)
    assert {"data/test_cleaning.py", "stages/test_validate.py", "data/test_columns.py"} <= numbers
    assert {"data/test_cleaning.py", "data/test_columns.py"} <= sets
    assert "stages/test_validate.py" not in sets


def test_a_test_that_differs_stays(cells: list[Path]) -> None:
    path = cells[-1] / "tests" / "monitoring" / "test_drift.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n\ndef test_more() -> None: ...\n", encoding="utf-8")
    assert "monitoring/test_drift.py" not in spared(cells)


@pytest.fixture
def third(tmp_path: Path) -> Path:
    return copy_baked(tmp_path / "third", problem="audio-classification")


def test_what_depends_on_no_data_type_is_left_out_after_two_of_them(cells: list[Path], third: Path) -> None:
    assert "stages/test_update.py" in spared([*cells, third])
    assert "stages/test_export.py" not in spared([*cells, third])
    found = spared([cells[0], third])  # images only
    assert "stages/test_update.py" not in found
    assert "serving/test_protocol.py" in found


def test_a_room_that_differs_keeps_the_tests_that_need_it(cells: list[Path], third: Path) -> None:
    edit(third, "training/search.py")
    assert "stages/test_update.py" not in spared([*cells, third])


def test_a_contract_that_differs_keeps_only_the_tests_of_it(cells: list[Path], third: Path) -> None:
    edit(third, "serving/labels.py")
    found = spared([*cells, third])
    assert "serving/test_labels.py" not in found
    assert {"serving/test_serve.py", "stages/test_update.py"} <= found


def test_what_no_scale_changes_is_left_out_and_how_data_are_read_stays(tmp_path: Path) -> None:
    problem = "tabular-classification"
    one, cluster = (copy_baked(tmp_path / scale, problem=problem, scale=scale) for scale in SETTINGS["scale"])
    found = {str(path.relative_to("tests")) for path in same_tests(cluster, [one])}
    assert {"serving/test_serve.py", "stages/test_rollback.py", "stages/test_explain.py", "test_task.py"} <= found
    assert not {"large/test_shards.py", "stages/test_train.py", "stages/test_collect.py", "test_yours.py"} & found
