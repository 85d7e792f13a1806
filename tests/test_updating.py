"""Changes of the template come into a project by `cruft update`, and what a person edited there stays."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

from projects import ROOT, SETTINGS, bake
from repositories import commit, cruft, git, run

PROJECT = "{{cookiecutter.project_slug}}"
LEFT_BY_TOOLS = shutil.ignore_patterns("__pycache__", ".*_cache")
RECORD = ".cruft.json"
SETTING = '    mlflow: str = ""\n'  # that the old version lacks
OLD_VERSION = '"_template_version": "0.0.1"'
PROBLEMS = {row["data_type"]: problem for problem, row in SETTINGS["__problems"].items()}.values()  # one of each type


def record(project: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((project / RECORD).read_text(encoding="utf-8"))
    return content


def module(project: Path, name: str) -> Path:
    (path,) = project.glob(f"src/*/{name}.py")
    return path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def make_older(template: Path) -> None:
    """Undoes changes of every kind: in shared and overlaid modules, a new setting, a new module, one that is gone."""
    shared = template / PROJECT / "src" / "{{cookiecutter.package_name}}"
    for path in (shared / "markdown.py", *template.rglob("features.py"), *template.rglob("scoring.py")):
        replace(path, '"""', '"""In the old version: ')
    replace(shared / "config.py", SETTING, "")
    replace(template / "cookiecutter.json", f'"_template_version": "{SETTINGS["_template_version"]}"', OLD_VERSION)
    (shared / "rollback.py").rename(shared / "retired.py")


@dataclass(frozen=True)
class Template:
    """A repository of the template with two versions: the one here, and one before it."""

    folder: Path
    old: str
    new: str

    def checkout(self, version: str) -> Path:
        git(self.folder, "checkout", "--quiet", version)
        return self.folder

    def bake(self, version: str, output: Path, problem: str = SETTINGS["problem"][0]) -> Path:
        """A project of a version; the template then moves on."""
        template = str(self.checkout(version))
        answers = {"problem": problem, "project_name": "Night Owls", "license": "BSD-3-Clause"}
        folder = cookiecutter(
            template, no_input=True, default_config=True, extra_context=answers, output_dir=str(output)
        )
        self.checkout(self.new)
        return Path(folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(ROOT / PROJECT, folder / PROJECT, ignore=LEFT_BY_TOOLS)
    shutil.copytree(ROOT / "hooks", folder / "hooks", ignore=LEFT_BY_TOOLS)
    shutil.copy(ROOT / "cookiecutter.json", folder)
    git(folder, "init", "--quiet")
    present = commit(folder, "what is here")
    make_older(folder)
    old = commit(folder, "the old version")
    git(folder, "checkout", "--quiet", present, "--", ".")
    (folder / PROJECT / "src" / "{{cookiecutter.package_name}}" / "retired.py").unlink()
    return Template(folder, old, commit(folder, "the new version"))


@pytest.fixture
def project(template: Template, tmp_path: Path) -> Path:
    """A project of the old version in a repository of its own, as the README advises."""
    folder = template.bake(template.old, tmp_path)
    git(folder, "init", "--quiet")
    commit(folder, "as generated")
    return folder


def edit(project: Path) -> None:
    """What a person does to a project: a setting, a feature, a text, a file less."""
    replace(module(project, "config"), "= 500\n", "= 300\n")
    features = module(project, "features")
    features.write_text(features.read_text(encoding="utf-8") + "\n\nOUR_FEATURE = 1\n", encoding="utf-8")
    replace(project / "README.md", "# Night Owls", "# Our owls")
    (project / "CITATION.cff").unlink()


def content(folder: Path) -> dict[Path, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {path.relative_to(folder): path.read_bytes() for path in paths if ".git" not in path.parts}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_an_update_gives_the_new_version_with_the_edits(problem: str, template: Template, tmp_path: Path) -> None:
    project = template.bake(template.old, tmp_path, problem)
    git(project, "init", "--quiet")
    commit(project, "as generated")
    assert record(project)["commit"] == template.old
    assert OLD_VERSION in (project / RECORD).read_text(encoding="utf-8")
    edit(project)
    commit(project, "edited")
    updated = cruft(project, "update", "--skip-apply-ask")
    assert updated.returncode == 0, updated.stderr
    fresh = template.bake(template.new, tmp_path / "fresh", problem)
    edit(fresh)
    assert content(project) == content(fresh)
    assert record(project)["commit"] == template.new
    assert OLD_VERSION not in (project / RECORD).read_text(encoding="utf-8")
    assert SETTING in module(project, "config").read_text(encoding="utf-8")


def test_a_line_that_both_sides_changed_is_shown_as_a_conflict(project: Path) -> None:
    markdown = module(project, "markdown")
    replace(markdown, '"""In the old version: ', '"""Our words: ')
    ours = markdown.read_text(encoding="utf-8").splitlines()
    commit(project, "edited")
    updated = cruft(project, "update", "--skip-apply-ask")
    assert "with conflicts" in updated.stderr
    assert git(project, "diff", "--name-only", "--diff-filter=U").endswith("markdown.py")
    text = markdown.read_text(encoding="utf-8")
    both = re.search(r"^<{7} .*\n(.*)\n={7}\n(.*)\n>{7} ", text, flags=re.MULTILINE)
    assert both
    assert both[1].startswith('"""Our words: ')
    assert (
        both[2]
        == (ROOT / PROJECT / "src" / "{{cookiecutter.package_name}}" / markdown.name)
        .read_text(encoding="utf-8")
        .splitlines()[0]
    )
    assert set(ours) <= set(text.splitlines())
    assert SETTING in module(project, "config").read_text(encoding="utf-8")  # the rest has arrived
    git(project, "reset", "--quiet", "--hard")
    assert markdown.read_text(encoding="utf-8").splitlines() == ours


def test_without_a_repository_a_conflict_is_left_beside_the_file(template: Template, tmp_path: Path) -> None:
    project = template.bake(template.old, tmp_path)
    markdown = module(project, "markdown")
    replace(markdown, '"""In the old version: ', '"""Our words: ')
    ours = markdown.read_bytes()
    assert "*.rej" in cruft(project, "update", "--skip-apply-ask").stdout
    assert markdown.read_bytes() == ours
    assert '+"""Markdown' in markdown.with_suffix(".py.rej").read_text(encoding="utf-8")
    assert module(project, "rollback").is_file()


def test_edits_that_are_not_committed_are_not_touched(project: Path) -> None:
    edit(project)
    before = content(project)
    updated = cruft(project, "update", "--skip-apply-ask")
    assert updated.returncode != 0
    assert "unclean git project" in updated.stdout
    assert content(project) == before


def test_a_project_that_cruft_created_is_updated_likewise(template: Template, tmp_path: Path) -> None:
    answers = json.dumps({"problem": "text-regression"})
    created = cruft(
        tmp_path, "create", str(template.folder), "--no-input", "--checkout", template.old, "--extra-context", answers
    )
    assert created.returncode == 0, created.stderr
    project = tmp_path / "written-dates"
    git(project, "init", "--quiet")
    commit(project, "as generated")
    assert cruft(project, "update", "--skip-apply-ask").returncode == 0
    commit(project, "updated")
    assert "up to date" in cruft(project, "update", "--skip-apply-ask").stdout
    assert content(project) == content(bake(tmp_path / "fresh", problem="text-regression"))


def test_a_project_without_a_record_can_be_linked(project: Path, template: Template) -> None:
    answers = json.dumps(record(project)["context"]["cookiecutter"])  # type: ignore[index]
    (project / RECORD).unlink()
    linked = cruft(
        project, "link", str(template.folder), "--no-input", "--checkout", template.old, "--extra-context", answers
    )
    assert linked.returncode == 0, linked.stderr
    commit(project, "linked")
    assert cruft(project, "update", "--skip-apply-ask").returncode == 0
    assert module(project, "rollback").is_file()
    edit(project)
    assert "-# Our owls" in cruft(project, "diff").stdout


def test_the_record_tells_template_version_and_answers(template: Template, tmp_path: Path) -> None:
    recorded = record(template.bake(template.new, tmp_path))
    assert recorded["template"] == str(template.folder)
    assert recorded["commit"] == template.new
    assert recorded["context"] == {
        "cookiecutter": {
            "problem": SETTINGS["problem"][0],
            "project_name": "Night Owls",
            "package_name": "night_owls",
            "license": "BSD-3-Clause",
            "project_slug": "night-owls",
            "_template_version": SETTINGS["_template_version"],
        }
    }


def test_the_record_tells_from_where_the_template_was_called(template: Template, tmp_path: Path) -> None:
    command = f'cd "{template.folder}" && "{sys.executable}" -m cookiecutter --no-input -o "{tmp_path}" .'
    assert run(tmp_path, "sh", "-c", command).returncode == 0
    assert record(tmp_path / "penguins")["template"] == str(template.folder)


def test_the_record_tells_the_address_of_a_clone(template: Template, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(f'cookiecutters_dir: "{tmp_path}/clones"\nreplay_dir: "{tmp_path}/replay"\n', encoding="utf-8")
    address = f"file://{template.folder}"
    folder = cookiecutter(
        f"git+{address}", template.old, no_input=True, config_file=str(settings), output_dir=str(tmp_path)
    )
    recorded = record(Path(folder))
    assert (recorded["template"], recorded["commit"], recorded["checkout"]) == (address, template.old, template.old)


def test_without_a_repository_the_record_tells_the_version(template: Template, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(template.checkout(template.new), copied, ignore=shutil.ignore_patterns(".git"))
    folder = cookiecutter(str(copied), no_input=True, default_config=True, output_dir=str(tmp_path))
    assert record(Path(folder))["commit"] == f"v{SETTINGS['_template_version']}"
