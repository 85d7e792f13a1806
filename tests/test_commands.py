"""What the READMEs and the pages of docs tell people to run exists, and is run by a test."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import readme
from projects import ROOT, SETTINGS, Project, copy_baked, grouped, succeed

README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / ".github" / "BENCHMARKS.md").read_text(encoding="utf-8")
TEMPLATE = "{{cookiecutter.project_slug}}"
FIRST = SETTINGS["problem"][0]  # whose commands are run one after the other, as its README has them
ORDER = [
    "doctor",
    "predict",
    "explain",
    "runs",
    "report",
    "test-fast",
    "format",
]  # what is run here, as the pages have it
# What does not end by itself, or takes long; each is run by the test that is named beside it.
RUN_ELSEWHERE = {
    "all": "test_pipeline.py",
    "serve": "test_loop.py",
    "update": "test_loop.py",
    "check": "test_quality.py",
    "clean": "test_pipeline.py",
    "clean-all": "test_pipeline.py",
    "audit": "test_commands.py",  # only that uv takes its words: it needs the network
    "setup": "conftest.py",
    "train-workers": "test_distribution.py",
    "docs": "test_docs.py",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(copy_baked(tmp_path_factory.mktemp("first")), FIRST, Path(sys.prefix))


def test_commands_of_a_project_exist(generated: Project) -> None:
    found = readme.commands(readme.text(generated))
    assert len(found) > 60
    assert not [(words, reason) for words in found if (reason := readme.wrong(words, generated))]


def test_every_target_is_known_to_make(generated: Project) -> None:
    named = {words[1] for words in readme.commands(readme.text(generated)) if words[0] == "make" and len(words) > 1}
    printed = succeed(generated.run("make", "--dry-run", *sorted(named)))
    package = generated.folder / "src" / generated.package
    assert f"-m {generated.package} evaluate" in printed
    assert (f"-m {generated.package} monitor" in printed) == (package / "monitoring").is_dir()


def test_every_stage_is_told_of_in_the_readme(generated: Project) -> None:
    told = {words[1] for words in readme.commands((generated.folder / "README.md").read_text("utf-8")) if words[1:]}
    assert readme.stages(generated) <= told


def test_stages_that_are_run_exist_and_take_their_options(generated: Project) -> None:
    found = list(readme.stage_commands(readme.text(generated)))
    assert found
    assert not [(words, reason) for words in found if (reason := readme.wrong_stage(words, generated))]


def test_settings_that_are_shown_exist(generated: Project) -> None:
    shown = [
        block for block in readme.blocks(readme.text(generated), "python") if not block.startswith(("def ", "import "))
    ]
    assert shown
    for block in shown:
        for node in ast.parse(block).body:
            assert isinstance(node, ast.AnnAssign | ast.Assign)
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            assert ast.unparse(target) in readme.settings(generated)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("make fly", "no target fly"),
        ('make train ARGS="--epoch 3"', "no stage has the option --epoch"),
        ("make train SPEED=3", "no variable SPEED"),
        ("HEART_DISEASE_EPOCH=3 make train", "no setting is called HEART_DISEASE_EPOCH"),
        (".venv/bin/python -m heart_disease fly", "no stage fly"),
        (".venv/bin/python -m heart_disease.train --epochs 3", "the package is not called heart_disease.train"),
        (".venv/bin/heart_disease train --epoch 3", "no stage has the option --epoch"),
        (".venv/bin/gulls train", "no script gulls"),
        ("fly --far", "fly is not a program"),
    ],
)
def test_command_that_does_not_exist_is_told(command: str, reason: str, first: Project) -> None:
    (words,) = readme.commands(f"```bash\n{command}\n```\n")
    assert reason in str(readme.wrong(words, first))


def test_commands_of_the_template_exist() -> None:
    template = Project(ROOT / TEMPLATE, FIRST, Path(sys.prefix))  # with the settings of all problems
    others = {"python3", "cookiecutter", "build/venv/bin/pip", "build/venv/bin/pytest", "build/venv/bin/cookiecutter"}
    found = [words for words in readme.commands(README) if words[0] not in others]
    joined = [words for words in found if "-C" not in words]
    assert len(joined) > 5
    assert not [(words, reason) for words in joined if (reason := readme.wrong(words, template))]


def test_modules_that_the_template_mentions_exist() -> None:
    for name in readme.files(README + BENCHMARKS):
        assert [*ROOT.glob(name), *(ROOT / TEMPLATE).rglob(name)], name


@pytest.mark.parametrize("command", sorted({code for code in readme.INLINE.findall(BENCHMARKS) if " --data " in code}))
def test_benchmarks_take_their_options(command: str) -> None:
    script, *options = shlex.split(command)[1:]
    sources = [ROOT / script, ROOT / "tests" / "benchmarks" / "stages.py"]  # by which several parse their options
    known = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for option in options:
        assert not option.startswith("--") or f'add_argument("{option}"' in known, option


def test_tests_of_the_template_are_run_as_told() -> None:
    (told,) = [block for block in readme.blocks(README, "bash") if "pytest" in block]
    done = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for words in readme.lines(told):
        assert words[0] in done
        assert words[-1] in done


def test_every_target_of_a_readme_is_run_by_a_test(generated: Project) -> None:
    named = {words[1] for words in readme.commands(readme.text(generated)) if words[0] == "make" and len(words) > 1}
    ran_here = {name for name in ORDER if has_target(generated, name)}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    tests += "\n".join(path.read_text(encoding="utf-8") for path in generated.folder.glob("tests/core/*.py"))
    called = readme.called(generated.folder / "tests")
    for target in sorted(named - ran_here - set(RUN_ELSEWHERE)):
        by_make = re.search(rf'(make|stage)\((\w+, )?"{target}"', tests)
        assert by_make or readme.targets(generated)[target] & called, f"make {target} is run by no test"
    for target, name in RUN_ELSEWHERE.items():
        assert target in (ROOT / "tests" / name).read_text(encoding="utf-8")


def has_target(project: Project, name: str) -> bool:
    return name in readme.targets(project)


def sequence(project: Project) -> list[list[str]]:
    """The commands of make that are quick in a finished project, in an order in which each finds what it needs."""
    told = [words for words in readme.commands(readme.text(project)) if words[0] == "make"]
    return [words for name in ORDER for words in [[word for word in told if name in word][0]]]  # noqa: RUF015


@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_commands_run_as_the_readme_has_them(project: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / project.folder.name, project.problem, project.venv)
    shutil.copytree(project.folder, copy.folder)
    (sample,) = copy.folder.glob("data/raw/*.csv")
    shutil.copy(sample, copy.folder / "data" / "raw" / "new.csv")
    for words in sequence(copy):
        succeed(copy.make(*words[1:]))
    for words in readme.commands(readme.text(copy)):
        if words[:2] == [".venv/bin/python", "-m"] and words[3] in readme.stages(copy):  # others are of recipes
            succeed(copy.run("env", "PYTHONPATH=src", copy.venv / "bin" / "python", *words[1:]))
    succeed(copy.make("tensorboard", "ARGS=--version_tb"))  # without it, it serves until it is stopped
    assert (copy.folder / "predictions.csv").is_file()
    assert (copy.folder / "artifacts" / "index.html").is_file()


@contextlib.contextmanager
def serving(project: Project) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port, and its address; it is told to stop when the block is left."""
    python = str(project.venv / "bin" / "python")
    command = [python, "-m", project.package, "serve", "--port=0"]
    environment = {**os.environ, "PYTHONPATH": "src"}
    server = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server, server.stdout.readline().split()[2].rstrip(",")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to send requests with")
@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_requests_are_answered_as_the_readme_has_them(project: Project) -> None:
    with serving(project) as (_, address):
        for told in (readme.text(project), README):
            (block,) = [block for block in readme.blocks(told, "bash") if ":predict" in block]
            curl = re.search(r"^curl .*?:predict", block, flags=re.MULTILINE | re.DOTALL)
            assert curl
            request = curl[0].replace("http://127.0.0.1:8501", address)
            answer = succeed(project.run("bash", "-c", f"{request} --silent --retry 9 --retry-connrefused"))
            assert json.loads(answer)["predictions"][0]["label"] in {"present", "absent"}


@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_server_that_is_stopped_before_it_answers_ends(project: Project) -> None:
    with serving(project) as (server, _):
        pass
    assert server.returncode == 0
