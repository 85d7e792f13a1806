"""READMEs and pages name what is there: links, names, files and trees; the site lists all pages, and recipes run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import readme
from projects import ROOT, SETTINGS, Project, grouped, succeed

FIRST = SETTINGS["problem"][0]
ONE_OF_A_KIND = list({row["data_type"]: name for name, row in SETTINGS["__problems"].items()}.values())
LONGEST_README = 170  # lines
SUFFIXES = {"csv", "html", "json", "keras", "lock", "md", "pbtxt", "py", "toml", "yml"}
SETTING = re.compile(r"[a-z]+(_[a-z]+)+")
CONSTANT = re.compile(r"([A-Z]+(?:_[A-Z]+)*)(?: = .*)?")
FOLDER = re.compile(r"[a-z_]+/")
NAVIGATION = re.compile(r"^  - (?:[\w ]+: )?([\w-]+\.md)$", re.MULTILINE)
ENTRY = re.compile(r"( *)([\w.*/-]+(?: [\w.*/-]+)*)(?:  .*)?")  # indentation, names, a gap and a comment
NOT_YET = {"artifacts/", "data/cell_formats.json", "data/schema.pbtxt"}  # what the stages write
ELSEWHERE = {"EXTERNAL", "PATH", "PYTHONPATH", "TF_CONFIG"}  # words of Beam, the system and TensorFlow


def is_made(project: Project, name: str) -> bool:
    """Whether a file exists, or is one that the code or the Makefile names, such as an artifact."""
    texts = [path.read_text(encoding="utf-8") for path in (project.folder / "Makefile", *readme.modules(project))]
    return (project.folder / name).exists() or any(Path(name).name in text for text in texts)


def mentioned(text: str) -> list[str]:
    """What stands between backticks, outside of blocks."""
    return readme.INLINE.findall(readme.BLOCK.sub("", text))


def test_readme_is_short(generated: Project) -> None:
    assert len((generated.folder / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


def test_readme_says_what_each_file_on_the_top_level_is_for(generated: Project) -> None:
    files = {path.stem for path in (generated.folder / "src" / generated.package).glob("*.py")}
    for name in ("README.md", "docs/editing.md"):
        text = (generated.folder / name).read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(\w+)\.py` \|.*\|$", text, flags=re.MULTILINE)
        assert sorted(rows) == sorted(files - {"__init__", "__main__"}), name


def test_pages_begin_with_the_command_that_they_are_about(generated: Project) -> None:
    for page in readme.pages(generated)[1:]:
        assert re.match(r"# [^\n]+\n\n```bash\n", page.read_text(encoding="utf-8")), page.name


def test_pages_are_linked_and_links_lead_somewhere(generated: Project) -> None:
    first, *others = readme.pages(generated)
    linked: dict[Path, set[Path]] = {}
    for page in (first, *others):
        links = re.findall(r"\]\((?!https?://)([^)#\s]+)\)", page.read_text(encoding="utf-8"))
        linked[page] = {(page.parent / link).resolve() for link in links}
        assert all(target.is_file() for target in linked[page]), f"{page}: {links}"
    assert linked[first] == {page.resolve() for page in others}
    assert linked[generated.folder / "docs" / "README.md"] == linked[first] - {others[0].resolve()}


def test_site_lists_every_page_and_links_to_nothing_else(generated: Project) -> None:
    listed = NAVIGATION.findall((generated.folder / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in generated.folder.glob("docs/*"))
    for page in readme.pages(generated)[1:]:
        assert not re.search(r"\]\(\.\.", page.read_text(encoding="utf-8")), page.name


def test_names_that_are_mentioned_exist(generated: Project) -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in readme.modules(generated)}
    package, text = generated.folder / "src" / generated.package, readme.text(generated)
    names = mentioned(text)
    for name in filter(SETTING.fullmatch, names):
        assert any(re.search(rf"\b{name}\b", source) for source in sources.values()), name
    for found in filter(None, map(CONSTANT.fullmatch, names)):
        is_there = any(re.search(rf"^{found[1]}\b", source, flags=re.MULTILINE) for source in sources.values())
        assert is_there or found[1] in ELSEWHERE, found[1]
    for name in filter(FOLDER.fullmatch, names):
        assert any((folder / name).is_dir() for folder in (package, generated.folder)), name
    for module, name in re.findall(r"`([a-z_]+)\.(\w+)`", text):
        defining = [source for path, source in sources.items() if path.stem == module and name not in SUFFIXES]
        assert not defining or any(re.search(rf"\b{name}\b", source) for source in defining), f"{module}.{name}"
    for name in readme.files(readme.RECIPE.sub("", text)):
        assert [*package.glob(f"**/{name}"), *generated.folder.glob(name)], name


def test_files_that_are_mentioned_exist_or_are_made(generated: Project) -> None:
    text = readme.text(generated).replace("The template's `.github/CHANGELOG.md`", "")
    for name in mentioned(text):
        is_file = re.fullmatch(r"[\w.-]+(/[\w.-]+)*\.(\w+)", name)
        if is_file and is_file[2] in SUFFIXES - {"py"} and not name.startswith("artifacts/examples/train.parquet/"):
            assert is_made(generated, name), name


@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_artifacts_are_where_the_pages_say(project: Project) -> None:
    paths = {name for name in mentioned(readme.text(project)) if name.startswith("artifacts/")}
    # Of stages that `make all` does not run, and of pretrained networks, which tables do without by default
    later = ("serving", "monitoring", "update", "tuning", "index.html", "features")
    for path in paths:
        if path.split("/")[1] not in later:
            assert (project.folder / path).exists(), path


def tree_entries(text: str) -> list[str]:
    """The paths of the tree that a text draws, in which a folder stands before what is in it."""
    (tree,) = [block for block in readme.blocks(text, "") if " tests/ " in f" {block}".replace("\n", " ")]
    paths: list[str] = []
    above: list[tuple[int, str]] = []
    for line in tree.splitlines():
        found = ENTRY.fullmatch(line)
        assert found, line
        depth = len(found[1])
        above = [(indent, folder) for indent, folder in above if indent < depth]
        here = [f"{above[-1][1] if above else ''}{name}" for name in found[2].split()]
        paths += here
        above.append((depth, here[-1]))
    return paths


def test_trees_show_what_is_there(generated: Project) -> None:
    entries = tree_entries((generated.folder / "docs" / "rooms.md").read_text(encoding="utf-8"))
    for entry in set(entries) - NOT_YET:
        assert list(generated.folder.glob(entry.rstrip("/"))), entry
    package = Path("src", generated.package)
    rooms = {f"{package / path.name}/" for path in (generated.folder / package).iterdir() if path.is_dir()}
    assert rooms - {f"{package}/__pycache__/"} <= set(entries)


@pytest.mark.parametrize("problem", [FIRST], indirect=True)
def test_tree_of_the_template_shows_what_is_there(baked: Path) -> None:
    entries = tree_entries((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(entries) > 20
    for entry in set(entries) - {f"heart-disease/{name}" for name in NOT_YET}:
        assert list(baked.parent.glob(entry.rstrip("/"))), entry


def test_pages_of_rooms_that_are_left_out_are_left_out(generated: Project) -> None:
    names = {page.stem for page in readme.pages(generated)}
    package = generated.folder / "src" / generated.package
    for room in ("serving", "monitoring", "updating"):
        assert (room in names) == (package / room).is_dir(), room
    if not (package / "distributed").is_dir():
        assert not re.search(r"TF_CONFIG|WORKERS=|beam.options|larger than memory\n", readme.text(generated))


def test_blank_lines_stand_around_headings_and_blocks(generated: Project) -> None:
    for page in readme.pages(generated):
        content = page.read_text(encoding="utf-8")
        prose = readme.BLOCK.sub("BLOCK", content)
        for pattern in (r"[^\n]\n##", r"^#+ .*\n[^\n]", r"[^\n]\nBLOCK", r"BLOCK\n[^\n]", r"\n\n\n", r"\|\n[^|\n]"):
            found = re.search(pattern, prose, flags=re.MULTILINE)
            assert not found, f"{page.name}: {prose[max(0, found.start() - 80) : found.end() + 80]}"
        assert content.endswith("\n"), page.name
        assert not content.endswith("\n\n"), page.name
        assert max(len(line) for line in content.splitlines() if not re.match(r"\||rm |sed ", line)) <= 140, page.name


@pytest.mark.parametrize(
    "name", ["README.md", ".github/CHANGELOG.md", ".github/ADDING_A_DATA_TYPE.md", ".github/BENCHMARKS.md"]
)
def test_links_and_pictures_of_the_template_exist(name: str) -> None:
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    for link, section in re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([\w-]+))?\)", text):
        target = (page.parent / link) if link else page
        assert target.is_file(), link
        if section:
            headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert section in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_site_is_built_and_cleaned_away(copy: Project) -> None:
    assert "wrote site/index.html" in succeed(copy.make("docs"))
    for page in readme.pages(copy)[2:]:
        assert (copy.folder / "site" / f"{page.stem}.html").is_file(), page
    succeed(copy.make("clean"))
    assert not (copy.folder / "site").exists()
