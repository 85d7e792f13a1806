"""What is generated: exactly the files of the problem, in which nothing tells that they came from a template."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from jinja2 import Environment

from projects import ROOT, SETTINGS, bake, copy_baked
from repositories import git

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
OVERLAY_FOLDERS = ("scales", "operations", "data_types", "tasks", "samples", "licenses")
BINARY = {".zip"}
RECORD = Path(".cruft.json")  # the template and the answers, for updates; see test_updating.py
LEFT_BY_TOOLS = ("__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache")
SAMPLES = {problem: row["sample"].lower().replace(" ", "_") for problem, row in SETTINGS["__problems"].items()}


def layers(problem: str, operations: str = "full", scale: str = "one machine") -> list[Path]:
    """The folders of the template that a project is made of."""
    row = SETTINGS["__problems"][problem]
    extended = SETTINGS["__extended"].get(row["data_type"], [])
    tasks = [*SETTINGS["__shared_by_tasks"].get(row["task"], []), row["task"]]
    scales = [scale.replace(" ", "_")]
    if scale == "cluster":
        large = SETTINGS["__larger_than_memory"].get(row["data_type"], [])
        extended = [name for name in extended if not large or name != "in_memory"] + large
        scales += [] if large else ["cluster_in_memory"]
    chosen = (scales, [operations], [*extended, row["data_type"]], tasks, [problem], [SETTINGS["license"][0]])
    pairs = zip(OVERLAY_FOLDERS, chosen, strict=True)
    return [TEMPLATE, *(TEMPLATE / folder / name for folder, names in pairs for name in names)]


def files(folder: Path) -> list[Path]:
    """The files below a folder, relative to it; those of overlays do not count as the template's."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    unwanted = {*LEFT_BY_TOOLS, *(OVERLAY_FOLDERS if folder == TEMPLATE else ())}
    return [path for path in found if not unwanted & set(path.parts)]


def texts(folder: Path) -> dict[Path, str]:
    """The text files below a folder and what they hold."""
    return {path: (folder / path).read_text(encoding="utf-8") for path in files(folder) if path.suffix not in BINARY}


def rendered(path: Path, package: str, operations: str, scale: str, task: str) -> Path:
    """The path of a file in a project; one whose name is empty is left out, and stands for its folder here."""
    answers = {"operations": operations, "scale": scale, "package_name": package, "__task": task}
    return Path(Environment(autoescape=False).from_string(str(path)).render(cookiecutter=answers))  # noqa: S701 (a path)


def sources(problem: str, package: str, operations: str = "full", scale: str = "one machine") -> dict[Path, Path]:
    """Every file that the project shall have, and where it comes from."""
    task = SETTINGS["__problems"][problem]["task"]
    found = {
        rendered(path, package, operations, scale, task): layer / path
        for layer in layers(problem, operations, scale)
        for path in files(layer)
    }
    absent = [pattern for room in SETTINGS["__without"][operations] for pattern in SETTINGS["__rooms"][room]]
    return {
        path: source
        for path, source in found.items()
        if path.suffix or path.name in {"Makefile", "Dockerfile", "LICENSE"} or path.name.startswith(".")
        if not any(part.match(pattern) for part in (path, *path.parents) for pattern in absent)
    }


def test_project_has_exactly_the_files_of_its_problem(problem: str, baked: Path) -> None:
    assert sorted(files(baked)) == sorted([*sources(problem, baked.name.replace("-", "_")), RECORD])


def test_no_file_is_in_two_layers(problem: str) -> None:
    found = [path for layer in layers(problem) for path in files(layer)]
    assert len(found) == len(set(found))


def test_modules_are_copied_not_rendered(problem: str, baked: Path) -> None:
    package = baked.name.replace("-", "_")
    for path, source in sources(problem, package).items():
        if path.suffix != ".py":
            continue
        expected = source.read_text(encoding="utf-8")
        if path.parts[0] == "tests":
            expected = re.sub(r"^( *from )project\b", rf"\g<1>{package}", expected, flags=re.MULTILINE)
        assert (baked / path).read_text(encoding="utf-8") == expected, path


def test_nothing_of_the_template_is_left_but_the_record(baked: Path) -> None:
    for path, text in texts(baked).items():
        if path == RECORD:
            continue
        assert "cookiecutter" not in text, path
        assert "# jinja:" not in text, path
        if path.suffix not in {".py", ".j2"} and ".github" not in path.parts:  # where doubled braces mean something
            assert "{{" not in text, path
            assert "{%" not in text, path


def test_nothing_of_another_problem_is_left(problem: str, baked: Path) -> None:
    others = {word for other in SAMPLES if other != problem for word in (other, SAMPLES[other])}
    pattern = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in others))
    for path, text in texts(baked).items():
        assert not pattern.search(f"{path}\n{text}".lower()), path


def test_texts_end_in_one_newline_and_hold_no_blank_residue(baked: Path) -> None:
    for path, text in texts(baked).items():
        if "raw" not in path.parts:
            assert text == "" or text.endswith("\n"), path
            assert not text.endswith("\n\n"), path
            assert "\n\n\n\n" not in text, path


def test_blank_lines_stand_where_a_person_would_have_put_them(baked: Path) -> None:
    package = baked.name.replace("-", "_")
    places = {
        baked / "src" / package / "config.py": r"    (\w+: |# ---)",  # a setting, or a heading of several
        baked / "README.md": r"##+ |\*\*",  # a heading, or a paragraph that begins with one
    }
    for path, pattern in places.items():
        lines = path.read_text(encoding="utf-8").splitlines()
        for before, line in itertools.pairwise(lines):
            if re.match(pattern, line):
                assert not before or before.startswith(("    # ---", "class ")), f"{path.name}: {before}\n{line}"


def test_default_is_the_first_problem_with_its_sample(tmp_path: Path) -> None:
    folder = bake(tmp_path)
    assert folder.name == "heart-disease"
    assert (folder / "data" / "raw" / "heart_disease.csv").is_file()


def test_folder_and_package_are_named_after_the_project(tmp_path: Path) -> None:
    folder = bake(tmp_path, project_name="Größe der Vögel 2.0")
    assert folder.name == "grosse-der-vogel-2-0"
    assert (folder / "src" / "grosse_der_vogel_2_0" / "config.py").is_file()
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["name"] == folder.name
    assert settings["project"]["description"].startswith("Größe der Vögel 2.0: ")


def test_the_package_can_have_a_name_of_its_own(tmp_path: Path) -> None:
    folder = bake(tmp_path, project_name="A long name for birds", package_name="bird_watch")
    assert folder.name == "bird-watch"
    assert (folder / "src" / "bird_watch" / "config.py").is_file()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MIT", "Permission is hereby granted, free of charge"),
        ("Apache-2.0", "Version 2.0, January 2004"),
        ("BSD-3-Clause", "Neither the name of the copyright holder"),
        ("none", "All rights reserved"),
    ],
)
def test_chosen_license_is_the_only_one(name: str, words: str, tmp_path: Path) -> None:
    folder = bake(tmp_path, license=name, project_name="Night Owls")
    text = (folder / "LICENSE").read_text(encoding="utf-8")
    assert words in text
    assert re.search(r"Copyright( \(c\))? 20\d\d The Night Owls authors", text)
    assert not (folder / "licenses").exists()


ONE_OF_A_KIND = {row["data_type"]: problem for problem, row in SETTINGS["__problems"].items()}  # a problem of each


@pytest.mark.parametrize("kind", ONE_OF_A_KIND)
@pytest.mark.parametrize("operations", SETTINGS["operations"])
@pytest.mark.parametrize("scale", SETTINGS["scale"])
def test_answers_bring_exactly_their_files(kind: str, operations: str, scale: str, tmp_path: Path) -> None:
    problem = ONE_OF_A_KIND[kind]
    folder = copy_baked(tmp_path, problem=problem, operations=operations, scale=scale)
    expected = sources(problem, folder.name.replace("-", "_"), operations, scale)
    assert sorted(files(folder)) == sorted([*expected, RECORD])
    assert not [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]


@pytest.mark.parametrize(
    ("answers", "absent"),
    [
        ({"operations": "serve"}, ("monitor", "update", "watch")),
        ({"operations": "none"}, ("monitor", "update", "watch", "serve", "serving", "rollback", "predict")),
        ({"scale": "one machine"}, ("train-workers", "beam_options", "WORKERS")),
    ],
)
def test_what_is_not_wanted_is_not_mentioned(answers: dict[str, str], absent: tuple[str, ...], tmp_path: Path) -> None:
    folder = copy_baked(tmp_path, **answers)
    makefile = (folder / "Makefile").read_text(encoding="utf-8")
    for word in absent:
        assert not re.search(rf"^{word}:|\b{word.upper()}\b", makefile, flags=re.MULTILINE), word
        assert not list((folder / "docs").glob(f"{word}*.md")), word
    links = {
        link
        for path in folder.rglob("*.md")
        for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text("utf-8"))
    }
    assert all(list(folder.rglob(Path(link).name)) for link in links if "raw" not in link), links


def test_every_choice_has_a_label() -> None:
    for question in ("problem", "license", "operations", "scale"):
        assert set(SETTINGS[question]) == set(SETTINGS["__prompts__"][question]) - {"__prompt__"}
    assert set(SETTINGS["problem"]) == set(SETTINGS["__problems"])


def test_the_top_level_of_the_template_holds_nothing_else() -> None:
    wanted = {"LICENSE", "README.md", "cookiecutter.json", "hooks", "pyproject.toml", "tests", TEMPLATE.name}
    found = {path.split("/")[0] for path in git(ROOT, "ls-files", "-z").split("\0") if path}
    assert {name for name in found if not name.startswith(".")} == wanted


def test_the_version_is_the_newest_of_the_changelog() -> None:
    changelog = (ROOT / ".github" / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)$", changelog, flags=re.MULTILINE)
    coming = re.findall(r"^## \[\d+\.\d+\.\d+\] - unreleased$", changelog, flags=re.MULTILINE)
    assert len(versions) == changelog.count("\n## ") - len(coming)
    assert len(coming) <= 1
    numbers = [tuple(map(int, version[:3])) for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    assert [version[3] for version in versions] == sorted((version[3] for version in versions), reverse=True)
    newest = ".".join(versions[0][:3])
    assert newest == SETTINGS["_template_version"]
    assert newest == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
