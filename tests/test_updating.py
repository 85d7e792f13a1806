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
VERSION_0_9 = "2af1f85c84cb452bbf8aeb73b49af49d0f803e32"  # when all modules lay in one folder
CHANGELOG = ROOT / ".github" / "CHANGELOG.md"
CARDS = "reporting/cards.py"  # a module of every project that nobody edits
TRAINING = "settings/training.py"
SETTING = '    mlflow: str = ""\n'  # of it, which the old version lacks
OLD_VERSION = '"_template_version": "0.0.1"'
ANSWERS = {"project_name": "Night Owls", "license": "BSD-3-Clause"}
PROBLEMS = {  # one of each type, which 0.9 had
    row["data_type"]: problem for problem, row in SETTINGS["__problems"].items() if row["task"] != "multilabel"
}.values()


def record(project: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((project / RECORD).read_text(encoding="utf-8"))
    return content


def module(project: Path, name: str) -> Path:
    (path,) = project.glob(f"src/*/{name}")
    return path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def first_line_of_cards() -> str:
    """As the new version has it."""
    path = ROOT / PROJECT / "src" / "{{cookiecutter.package_name}}" / CARDS
    return path.read_text(encoding="utf-8").splitlines()[0]


def make_older(template: Path) -> None:
    """Undoes changes of every kind: in shared and overlaid modules, a new setting, a new module, one that is gone."""
    shared = template / PROJECT / "src" / "{{cookiecutter.package_name}}"
    for path in (shared / CARDS, *template.rglob("features.py"), *template.rglob("metrics.py")):
        replace(path, '"""', '"""In the old version: ')
    replace(shared / TRAINING, SETTING, "")
    replace(template / "cookiecutter.json", f'"_template_version": "{SETTINGS["_template_version"]}"', OLD_VERSION)
    (shared / "stages" / "versions.py").rename(shared / "stages" / "retired.py")


@dataclass(frozen=True)
class Template:
    """A repository of the template with two versions: the one here, and one before it."""

    folder: Path
    old: str
    new: str

    def checkout(self, version: str) -> Path:
        git(self.folder, "checkout", "--quiet", version)
        return self.folder

    def bake(self, version: str, output: Path, problem: str = SETTINGS["problem"][0], **others: str) -> Path:
        """A project of a version; the template then moves on."""
        folder = bake(output, self.checkout(version), problem=problem, **ANSWERS, **others)
        self.checkout(self.new)
        return folder


def copy_template(folder: Path) -> None:
    """Puts the template as it is here into a folder."""
    for name in (PROJECT, "hooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_BY_TOOLS)
    shutil.copy(ROOT / "cookiecutter.json", folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("template")
    copy_template(folder)
    git(folder, "init", "--quiet")
    present = commit(folder, "what is here")
    make_older(folder)
    old = commit(folder, "the old version")
    git(folder, "checkout", "--quiet", present, "--", ".")
    (folder / PROJECT / "src" / "{{cookiecutter.package_name}}" / "stages" / "retired.py").unlink()
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
    replace(module(project, "config.py"), "= 20\n", "= 30\n")
    features = module(project, "features.py")
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
    assert SETTING in module(project, TRAINING).read_text(encoding="utf-8")


def test_a_line_that_both_sides_changed_is_shown_as_a_conflict(project: Path) -> None:
    cards = module(project, CARDS)
    replace(cards, '"""In the old version: ', '"""Our words: ')
    ours = cards.read_text(encoding="utf-8").splitlines()
    commit(project, "edited")
    updated = cruft(project, "update", "--skip-apply-ask")
    assert "with conflicts" in updated.stderr
    assert git(project, "diff", "--name-only", "--diff-filter=U").endswith(CARDS)
    text = cards.read_text(encoding="utf-8")
    both = re.search(r"^<{7} .*\n(.*)\n={7}\n(.*)\n>{7} ", text, flags=re.MULTILINE)
    assert both
    assert both[1].startswith('"""Our words: ')
    assert both[2] == first_line_of_cards()
    assert set(ours) <= set(text.splitlines())
    assert SETTING in module(project, TRAINING).read_text(encoding="utf-8")  # the rest has arrived
    git(project, "reset", "--quiet", "--hard")
    assert cards.read_text(encoding="utf-8").splitlines() == ours


def test_without_a_repository_a_conflict_is_left_beside_the_file(template: Template, tmp_path: Path) -> None:
    project = template.bake(template.old, tmp_path)
    cards = module(project, CARDS)
    replace(cards, '"""In the old version: ', '"""Our words: ')
    ours = cards.read_bytes()
    assert "*.rej" in cruft(project, "update", "--skip-apply-ask").stdout
    assert cards.read_bytes() == ours
    assert f"+{first_line_of_cards()}" in cards.with_suffix(".py.rej").read_text(encoding="utf-8")
    assert module(project, "stages/versions.py").is_file()


def test_edits_that_are_not_committed_are_not_touched(project: Path) -> None:
    edit(project)
    before = content(project)
    updated = cruft(project, "update", "--skip-apply-ask")
    assert updated.returncode != 0
    assert "unclean git project" in updated.stdout
    assert content(project) == before


def test_a_project_that_cruft_created_is_updated_likewise(template: Template, tmp_path: Path) -> None:
    answers = json.dumps({"problem": "text-regression", **ANSWERS})
    created = cruft(
        tmp_path, "create", str(template.folder), "--no-input", "--checkout", template.old, "--extra-context", answers
    )
    assert created.returncode == 0, created.stderr
    project = tmp_path / "night-owls"
    git(project, "init", "--quiet")
    commit(project, "as generated")
    assert cruft(project, "update", "--skip-apply-ask").returncode == 0
    commit(project, "updated")
    assert "up to date" in cruft(project, "update", "--skip-apply-ask").stdout
    assert content(project) == content(template.bake(template.new, tmp_path / "fresh", "text-regression"))


def test_a_project_without_a_record_can_be_linked(project: Path, template: Template) -> None:
    answers = json.dumps(record(project)["context"]["cookiecutter"])  # type: ignore[index]
    (project / RECORD).unlink()
    linked = cruft(
        project, "link", str(template.folder), "--no-input", "--checkout", template.old, "--extra-context", answers
    )
    assert linked.returncode == 0, linked.stderr
    commit(project, "linked")
    assert cruft(project, "update", "--skip-apply-ask").returncode == 0
    assert module(project, "stages/versions.py").is_file()
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
            "operations": "full",
            "scale": "one machine",
            "project_slug": "night-owls",
            "_template_version": SETTINGS["_template_version"],
        }
    }


def test_the_record_tells_from_where_the_template_was_called(template: Template, tmp_path: Path) -> None:
    command = f'cd "{template.folder}" && "{sys.executable}" -m cookiecutter --no-input -o "{tmp_path}" .'
    assert run(tmp_path, "sh", "-c", command).returncode == 0
    assert record(tmp_path / "heart-disease")["template"] == str(template.folder)


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


@pytest.fixture(scope="module")
def template_since_0_9(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The template as of version 0.9, and as it is here."""
    if run(ROOT, "git", "cat-file", "-e", f"{VERSION_0_9}^{{commit}}").returncode:
        pytest.skip("this clone has no history back to version 0.9")
    folder = tmp_path_factory.mktemp("since") / "template"
    git(ROOT, "clone", "--quiet", "--no-checkout", str(ROOT), str(folder))
    git(folder, "checkout", "--quiet", "--detach", VERSION_0_9)
    git(folder, "rm", "-r", "--quiet", ".")
    copy_template(folder)
    return Template(folder, VERSION_0_9, commit(folder, "what is here"))


def follow_from_0_9(project: Path) -> None:
    """Runs the script of the changelog."""
    _, _, entry = CHANGELOG.read_text(encoding="utf-8").partition("### From 0.9 to 1.0")
    script = re.search(r"```sh\n(.*?)```", entry, flags=re.DOTALL)
    assert script
    commands = script[1].replace("pipx run cruft", f'"{sys.executable}" -m cruft')
    finished = run(project, "sh", "-c", commands)
    assert "CONFLICT" in finished.stdout, finished.stderr


def mark_every_module(project: Path) -> dict[str, str]:
    """A line of one's own at the end of each module and test of 0.9; returns the lines by the files."""
    marks = {}
    for path in sorted([*project.glob("src/*/*.py"), *project.glob("tests/*.py")]):
        name = str(path.relative_to(project))
        marks[name] = f"# Ours, of {name}\n"
        path.write_text(path.read_text(encoding="utf-8") + marks[name], encoding="utf-8")
    return marks


@pytest.mark.parametrize("problem", PROBLEMS)
def test_an_edited_project_follows_from_0_9(problem: str, template_since_0_9: Template, tmp_path: Path) -> None:
    template = template_since_0_9
    project = template.bake(template.old, tmp_path, problem)
    git(project, "init", "--quiet")
    commit(project, "as generated")
    edit(project)
    marks = mark_every_module(project)
    own = {Path("src/night_owls/plumage.py"): b"OURS = 1\n", Path("tests/test_plumage.py"): b"OURS = 2\n"}
    for path, code in own.items():
        (project / path).write_bytes(code)
    commit(project, "edited")
    follow_from_0_9(project)

    found = content(project)
    assert own.items() <= found.items()
    places = {name: [path for path, code in found.items() if mark.encode() in code] for name, mark in marks.items()}
    assert {name for name, paths in places.items() if len(paths) != 1} == set()  # nothing is lost
    for folder, name in (("data/", "splitting"), ("serving/", "served_model"), ("", "features")):
        assert places[f"src/night_owls/{name}.py"] == [Path(f"src/night_owls/{folder}{name}.py")]
    assert b"OUR_FEATURE = 1" in found[Path("src/night_owls/features.py")]
    assert found[Path("README.md")].startswith(b"# Our owls") or b"<<<<<<<" in found[Path("README.md")]

    unmerged = {Path(name) for name in git(project, "diff", "--name-only", "--diff-filter=U").splitlines()}
    fresh = content(template.bake(template.new, tmp_path / "fresh", problem, scale="cluster"))
    gone = {path for path in found if path not in fresh and path not in own}
    assert gone <= unmerged  # what the template no longer has and somebody edited is a conflict
    assert Path("CITATION.cff") not in found
    edited = unmerged | {path for paths in places.values() for path in paths}
    same = {path: code for path, code in found.items() if path not in edited | {*own, Path("README.md")}}
    assert same.items() <= fresh.items()
    for path in edited - unmerged:
        lines = found[path].decode().splitlines(keepends=True)
        theirs = "".join(line for line in lines if line not in marks.values())
        assert theirs.replace("\n\n\nOUR_FEATURE = 1\n", "\n") == fresh[path].decode()
    updated = record(project)
    assert updated["commit"] == template.new
    assert updated["context"]["cookiecutter"]["scale"] == "cluster"  # type: ignore[index]
