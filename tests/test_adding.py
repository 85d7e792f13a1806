"""The instructions for adding a data type are enough: who follows them has a project that runs."""

from __future__ import annotations

import ast
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

import adding
from projects import ROOT, SETTINGS, Project, succeed

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.package_name}}"
PROBLEM = "sequence-classification"
STAGES = """
import sys
from promoters import accept, artifacts, collect, evaluate, explain_example, export, predict, settings, train, validate
from promoters.config import Config
config = settings.load(Config, sys.argv[1:])
for stage in (collect, validate, train, evaluate, accept, export, predict, explain_example):
    stage.main(config)
"""


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (TEMPLATE / folder / "src" / PACKAGE).glob("*.py")]


def modules(data_type: str) -> set[str]:
    layers = [*SETTINGS["__extended"].get(data_type, []), data_type]
    return {path.stem for path in sources(*(f"data_types/{layer}" for layer in layers))}


def asked_for() -> dict[str, set[str]]:
    """The names of modules of the data types that modules of all projects, or of a task, ask for."""
    data_types = {row["data_type"] for row in SETTINGS["__problems"].values()}
    known = set.intersection(*map(modules, data_types))
    found: dict[str, set[str]] = {module: set() for module in known}
    for path in sources(".", "tasks/classification", "tasks/regression"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
        here = known & {alias.name for node in imports if not node.module for alias in node.names}
        for node in imports:
            if node.module in known:
                found[node.module] |= {alias.name for alias in node.names}
        for each in nodes:
            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in here:
                found[each.value.id].add(each.attr)
    return found


def defined(path: Path) -> set[str]:
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= set(re.findall(r"\w+", ast.unparse(node.targets[0])))
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    return names


def test_the_contract_is_what_the_shared_modules_ask_for() -> None:
    asked = asked_for()
    told = adding.contract()
    assert set(told) == set(asked)
    for module, names in asked.items():
        assert names == told[module], module


@pytest.mark.parametrize("data_type", sorted({row["data_type"] for row in SETTINGS["__problems"].values()}))
def test_every_data_type_keeps_the_contract(data_type: str) -> None:
    layers = [*SETTINGS["__extended"].get(data_type, []), data_type]
    for module, names in adding.contract().items():
        (path,) = [path for path in sources(*(f"data_types/{layer}" for layer in layers)) if path.stem == module]
        assert names <= defined(path), module


@pytest.fixture(scope="module")
def added(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of the problem that the instructions add."""
    template = adding.copy(tmp_path_factory.mktemp("template"))
    adding.follow(template)
    raw = template / TEMPLATE.name / "samples" / PROBLEM / "data" / "raw"
    raw.mkdir(parents=True)
    draw = random.Random(0)  # noqa: S311 (a drawing, not a secret)
    rows = ["sequence,kind,remark"]
    for number in range(900):
        before, after = ("".join(draw.choices("ACGT", k=draw.randint(20, 40))) for _ in range(2))
        is_promoter = number % 2 == 0
        rows.append(
            f"{before}{'TATAAT' if is_promoter else ''}{after},{'promoter' if is_promoter else 'other'},{number}"
        )
    (raw / "promoters.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    output = str(tmp_path_factory.mktemp("added"))
    answers = {"problem": PROBLEM}
    folder = cookiecutter(str(template), no_input=True, default_config=True, extra_context=answers, output_dir=output)
    return Project(Path(folder), PROBLEM, environment)


@pytest.mark.xdist_group("added")
def test_the_added_code_is_clean(added: Project) -> None:
    assert added.folder.name == "promoters"
    for command in (["check"], ["format", "--check", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache"]
        succeed(subprocess.run(ruff, cwd=added.folder, capture_output=True, text=True, check=False))


@pytest.mark.xdist_group("added")
def test_the_added_data_type_runs_from_the_sample_to_an_answer(added: Project) -> None:
    rows = (added.folder / "data" / "raw" / "promoters.csv").read_text(encoding="utf-8").splitlines()
    (added.folder / "new.csv").write_text("\n".join([rows[0], *rows[-20:]]) + "\n", encoding="utf-8")
    options = ["--input=new.csv", "--output=predicted.jsonl", "--ignore=remark", "--epochs=15", "--resamples=50"]
    python = added.venv / "bin" / "python"
    printed = succeed(added.run("env", "PYTHONPATH=src", python, "-c", STAGES, *options))
    assert "version 1" in printed
    verdict = json.loads((added.folder / "artifacts" / "acceptance" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["accepted"]
    predicted = [json.loads(line) for line in (added.folder / "predicted.jsonl").read_text("utf-8").splitlines()]
    assert sum(row["label"] == row["kind"] for row in predicted) > 15
    assert "Telling bases" in (added.folder / "artifacts" / "evaluation" / "report.html").read_text(encoding="utf-8")


def test_a_step_that_does_not_fit_is_told(tmp_path: Path) -> None:
    template = adding.copy(tmp_path)
    config = template / TEMPLATE.name / "src" / PACKAGE / "config.py"
    config.write_text(config.read_text(encoding="utf-8").replace("tabular-regression", "gone"), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"config\.py has no line"):
        adding.follow(template)
