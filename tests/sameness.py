"""Which tests of a generated project show the same as those of other ones, so that they need not run twice.

A project is a data type and a task: most of what its tests run stands, byte for byte, in another project of the data
type or of the task, whose tests are the same. Settings are values and do not count, but in the tests that run in every
project (`EVERYWHERE`), as the whole pipeline does. Tests of machinery that is the same whatever the data are
(`FOR_ANY_DATA`) run for two data types, those of what a data type brings along (`FOR_ANY_TASK`) once for each, and
those of what a task brings along (`OF_A_TASK`) once. What the answer to the scale brings along counts only for some
tests (`FOR_EVERY_SCALE`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

NAME = "PACKAGE"  # of the package, in paths and texts that are compared
EVERYWHERE = {"core/test_floors.py", "core/test_settings.py", "core/test_staleness.py"}
FOR_EACH_DATA_TYPE = {"core/test_imports.py"}  # whose processes import what cannot be seen here
# Tests that reach data types and tasks only through contracts, each of which has a test of its own; they train a small
# network of the tests. The project's own network is trained by `make all` and by test_yours.py.
FOR_ANY_DATA = {
    "core/test_command.py",
    "evaluation/test_promotion.py",
    "stages/test_predict_shards.py",
    "monitoring/test_monitor.py",
    "monitoring/test_traffic.py",
    "reporting/test_cards.py",
    "serving/test_guard.py",
    "serving/test_protocol.py",
    "serving/test_request_batches.py",
    "serving/test_request_log.py",
    "serving/test_serve.py",
    "serving/test_served_model.py",
    "stages/test_accept.py",
    "stages/test_damage.py",
    "stages/test_report.py",
    "stages/test_rollback.py",
    "stages/test_runs.py",
    "stages/test_train.py",
    "stages/test_tune.py",
    "stages/test_update.py",
    "stages/test_versions.py",
    "stages/test_watch.py",
    "training/test_checkpoint.py",
    "training/test_objective.py",
    "training/test_precision.py",
    "training/test_serving_model.py",
}
# Of these, the ones that read no examples and train no network on them, look only at which files there are, or ask of
# the data no more than a training, an update and a server do, which have tests for two: they run for one data type
OF_NO_DATA = {
    "core/test_command.py",
    "evaluation/test_promotion.py",
    "monitoring/test_traffic.py",
    "serving/test_guard.py",
    "serving/test_protocol.py",
    "serving/test_request_batches.py",
    "serving/test_served_model.py",
    "stages/test_damage.py",
    "stages/test_report.py",
    "stages/test_rollback.py",
    "stages/test_runs.py",
    "stages/test_tune.py",
    "stages/test_versions.py",
    "stages/test_watch.py",
    "training/test_checkpoint.py",
    "training/test_objective.py",
    "training/test_precision.py",
    "training/test_serving_model.py",
}
# Tests of a task, for which the data are an example: they run once
OF_A_TASK = {
    "data/test_referral.py",
    "data/test_targets.py",
    "evaluation/test_scoring.py",
    "serving/test_label_sets.py",
    "serving/test_operating_point.py",
    "serving/test_several_targets.py",
    "test_task.py",
    "updating/test_labelled_sets.py",
    "updating/test_positive_class.py",
    "updating/test_several_labels.py",
}
CONTRACTS = {"serving/labels.py"}  # modules of rooms that each task brings along; serving/test_labels.py tests them
# Tests of what the answer to the scale changes. Data as small as those of the other tests are read into memory by any
# project, and a network is trained on one device: there these modules take the same way at every scale.
FOR_EVERY_SCALE = EVERYWHERE | {
    "stages/test_predict_shards.py",
    "stages/test_collect.py",
    "stages/test_train.py",
    "stages/test_tune.py",
    "test_yours.py",
    "training/test_checkpoint.py",
    "validation/test_data_statistics.py",
}
# Tests of what a data type brings along: how data are read, split and checked, before and in service, and networks for
# them. They ask of a task only what it calls its outputs and how a set of labels is written, which has tests of its own
# (exporting/test_exported.py runs for each).
FOR_ANY_TASK = {
    "data/test_cell_formats.py",
    "data/test_cleaning.py",
    "data/test_columns.py",
    "data/test_delimited.py",
    "data/test_fuzz.py",
    "data/test_piecewise.py",
    "data/test_sources.py",
    "data/test_splitting.py",
    "evaluation/test_explain.py",
    "exporting/test_exported_cells.py",
    "exporting/test_exported_files.py",
    "stages/test_predict_formats.py",
    "stages/test_predict_pieces.py",
    "media/test_both_sides.py",
    "media/test_decoding.py",
    "media/test_fuzz.py",
    "media/test_media.py",
    "media/test_presets.py",
    "media/test_pretrained.py",
    "monitoring/test_monitor_columns.py",
    "monitoring/test_request_tables.py",
    "serving/test_requests.py",
    "stages/test_collect.py",
    "stages/test_embed.py",
    "stages/test_export.py",
    "stages/test_predict.py",
    "stages/test_preview.py",
    "stages/test_schema.py",
    "stages/test_validate.py",
    "stages/test_validate_new.py",
    "test_examples.py",
    "test_model.py",
    "test_notebook.py",
    "test_preprocessing.py",
    "text/test_texts.py",
    "text/test_unicode_text.py",
    "transfer/test_depth.py",
    "transfer/test_fine_tuning.py",
    "transfer/test_linear_head.py",
    "transfer/test_search_space.py",
    "transfer/test_sentence_vectors.py",
    "updating/test_new_data.py",
    "updating/test_new_formats.py",
    "validation/test_data_statistics.py",
}
# Of these, the ones that a set of labels is split, checked, explained or stored in another way for
FOR_SETS = {
    "data/test_splitting.py",
    "evaluation/test_explain.py",
    "stages/test_collect.py",
    "stages/test_schema.py",
    "stages/test_validate.py",
    "updating/test_new_data.py",
    "updating/test_new_formats.py",
}
SETS = "data/label_sets.py"  # a module of tasks whose targets are sets of labels
OF_TASKS = {
    "baselines.py",
    "data/estimators.py",
    "data/label_sets.py",
    "data/probability.py",
    "data/targets.py",
    "evaluation/charts.py",
    "evaluation/curves.py",
    "metrics.py",
    "problem.py",
    "serving/labels.py",
    "task.py",
}
OF_THE_SCALE = {"data/engine.py", "data/loading.py", "training/placement.py", "distributed", "large"}
ROOMS = {"core", "monitoring", "reporting", "serving", "stages", "training", "updating"}


@cache
def text(folder: Path, path: Path) -> str:
    """A file of a project, in which the package is called as in no project; empty if there is none."""
    package = package_of(folder)
    file = folder / str(path).replace(f"src/{NAME}/", f"src/{package}/")
    return re.sub(rf"\b{package}\b", NAME, file.read_text(encoding="utf-8")) if file.is_file() else ""


@cache
def package_of(folder: Path) -> str:
    """The name of a project's package."""
    return next((folder / "src").glob("*/__init__.py")).parent.name


@cache
def imported(folder: Path, path: Path) -> set[Path]:
    """The modules of the package, and of what tests share, that a file imports; relative to the project."""
    source = folder / "src" / package_of(folder)
    found = set()
    for node in ast.walk(ast.parse((folder / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or str(node.module).startswith(source.name)):
            start = (folder / path).parents[node.level - 1] if node.level else source.parent
            base = start.joinpath(*filter(None, (node.module or "").split(".")))
            for place in (base, *(base / alias.name for alias in node.names)):
                if place.with_suffix(".py").is_file():
                    found.add(place.with_suffix(".py").relative_to(folder))
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []
        found |= {Path("tests", f"{name}.py") for name in names if (folder / "tests" / f"{name}.py").is_file()}
    return found


def closure(folder: Path, test: Path) -> set[Path]:
    """A test and all modules of the package that it imports, also indirectly, but by settings."""
    found, waiting = set[Path](), [test]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(folder, path) if counts(path) else ()
    return found


def fixtures(folder: Path) -> set[str]:
    """The fixtures of conftest, which are what the data type and the task make of them."""
    nodes = [ast.parse(path.read_text("utf-8")).body for path in (folder / "tests").rglob("conftest.py")]
    return {node.name for body in nodes for node in body if isinstance(node, ast.FunctionDef)}


def asked_for(test: Path) -> set[str]:
    """The fixtures that tests and fixtures of a module ask for."""
    functions = [node for node in ast.parse(test.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    asking = [each for each in functions if each.name.startswith("test_") or each.decorator_list]
    return {argument.arg for each in asking for argument in each.args.args}


def same_tests(folder: Path, others: Sequence[Path]) -> list[Path]:
    """The files of tests each module of which is the same in one of the other projects that have the same file."""
    names, shared = fixtures(folder), set[Path]()
    for conftest in (folder / "tests").rglob("conftest.py"):
        shared |= closure(folder, conftest.relative_to(folder))
    same = []
    for path in sorted(path.relative_to(folder) for path in (folder / "tests").rglob("test_*.py")):
        twins = [other for other in others if text(other, path) == text(folder, path)]
        needed = closure(folder, path) | (shared if names & asked_for(folder / path) else set())
        name = str(path.relative_to("tests"))
        kinds = {kind(twin) for twin in twins}
        is_known = kind(folder) in kinds
        if name in FOR_ANY_DATA and (is_known or len(kinds) > (0 if name in OF_NO_DATA else 1)):
            needed = {place for place in needed if is_of_a_room(folder, place, twins)}
        if name in OF_A_TASK:
            needed = {place for place in needed if place == path or str(place).endswith(tuple(OF_TASKS))}
        if name not in FOR_EVERY_SCALE:
            needed = {place for place in needed if not is_of_the_scale(folder, place)}
        if name in FOR_ANY_TASK and not (name in FOR_SETS and text(folder, Path("src", NAME, SETS))):
            needed = {place for place in needed if not str(place).endswith(tuple(OF_TASKS))}
        is_new = name in EVERYWHERE or (name in FOR_EACH_DATA_TYPE and not is_known)
        if not is_new and all(stands_in(folder, place, twins) for place in needed if counts(place)):
            same.append(path)
    return same


@cache
def kind(folder: Path) -> tuple[str, ...]:
    """What tells data types and rooms of projects from each other: the features, and the folders."""
    rooms = sorted(path.name for path in (folder / "src" / package_of(folder)).iterdir() if path.is_dir())
    return text(folder, Path("src", NAME, "features.py")), *rooms


def is_of_a_room(folder: Path, path: Path, others: Sequence[Path]) -> bool:
    """Whether a file belongs to a room, is no contract, and every other project has it, if maybe another one."""
    named = Path(str(path).replace(f"src/{package_of(folder)}/", f"src/{NAME}/"))
    is_shared = path.parent.name in ROOMS and not str(path).endswith(tuple(CONTRACTS))
    return is_shared and path.parts[0] == "src" and all(text(other, named) for other in others)


def is_of_the_scale(folder: Path, path: Path) -> bool:
    """Whether a module comes with the answer to how large the data are."""
    source = Path("src", package_of(folder))
    return any(path.is_relative_to(source / each) for each in OF_THE_SCALE)


def left_out(folder: Path, others: Sequence[Path]) -> str:
    """The variable of make by which pytest leaves these files out."""
    return "PYTEST_ADDOPTS=" + " ".join(f"--ignore={path}" for path in same_tests(folder, others))


def counts(path: Path) -> bool:
    """Whether a file is more than the values of settings."""
    return path.parts[0] == "tests" or not (path.name == "config.py" or path.parent.name == "settings")


def stands_in(folder: Path, path: Path, others: Sequence[Path]) -> bool:
    """Whether one of the other projects has the same file, byte for byte."""
    named = Path(str(path).replace(f"src/{package_of(folder)}/", f"src/{NAME}/"))
    return any(text(other, named) == text(folder, named) for other in others)
