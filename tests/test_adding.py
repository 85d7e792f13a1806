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
STAGES = ("collect", "validate", "train", "evaluate", "accept", "export", "predict", "explain")
# What a project is made of beside its data type; the tasks are those that any data type can have
SHARED = (".", "scales/one_machine", "operations/full", "tasks/estimators", "tasks/classification", "tasks/regression")


def sources(*folders: str) -> dict[Path, Path]:
    """The modules of some layers, by their place in the package."""
    roots = [TEMPLATE / folder / "src" / PACKAGE for folder in folders]
    return {path.relative_to(root): path for root in roots for path in root.rglob("*.py")}


def layers(data_type: str) -> list[str]:
    return [f"data_types/{layer}" for layer in (*SETTINGS["__extended"].get(data_type, []), data_type)]


def asked_for() -> dict[str, set[str]]:
    """The names of modules of the data types that modules of all projects, or of a task, ask for."""
    data_types = {row["data_type"] for row in SETTINGS["__problems"].values()}
    known = set.intersection(
        *({place.with_suffix("").as_posix() for place in sources(*layers(each))} for each in data_types)
    )
    found: dict[str, set[str]] = {module: set() for module in known}
    for place, path in sources(*SHARED).items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        here: dict[str, str] = {}
        for node in [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]:
            origin = place.parents[node.level - 1].joinpath(*filter(None, (node.module or "").split("."))).as_posix()
            if origin in known:
                found[origin] |= {alias.name for alias in node.names}
            here |= {
                alias.name: module
                for alias in node.names
                if (module := f"{origin}/{alias.name}".removeprefix("./")) in known
            }
        for each in ast.walk(tree):
            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in here:
                found[here[each.value.id]].add(each.attr)
    reading = ast.parse((TEMPLATE / "src" / PACKAGE / "data" / "reading.py").read_text(encoding="utf-8"))
    (protocol,) = [node for node in reading.body if isinstance(node, ast.ClassDef) and node.name == "Examples"]
    found["examples"] |= {node.name for node in protocol.body if isinstance(node, ast.FunctionDef)}
    return found


def defined(path: Path) -> set[str]:
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
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
    found = sources(*layers(data_type))
    for module, names in adding.contract().items():
        assert names <= defined(found[Path(f"{module}.py")]), module


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
    printed = "".join(succeed(added.stage(stage, *options)) for stage in STAGES)
    assert "version 1" in printed
    verdict = json.loads((added.folder / "artifacts" / "acceptance" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["accepted"]
    predicted = [json.loads(line) for line in (added.folder / "predicted.jsonl").read_text("utf-8").splitlines()]
    assert sum(row["label"] == row["kind"] for row in predicted) > 15
    assert "Importance of the bases" in (added.folder / "artifacts" / "evaluation" / "report.html").read_text(
        encoding="utf-8"
    )


def test_a_step_that_does_not_fit_is_told(tmp_path: Path) -> None:
    template = adding.copy(tmp_path)
    readme = template / TEMPLATE.name / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("tabular-regression", "gone"), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"README\.md has no line"):
        adding.follow(template)
