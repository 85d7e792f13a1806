"""The commands that a README and the pages beside it tell people to run, and what is wrong with them."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from projects import Project

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(r"([A-Z0-9_]+)=")
STAGE = re.compile(r"python -m (\w+) ([\w-]+)((?: --[\w-]+(?:[ =][^\s'`-][^\s'`]*)?)*)")  # wherever it stands
RECIPE = re.compile(r"`stages/(\w+)\.py`:\n\n```diff\n((?:\+.*\n)+)```")  # for a stage of one's own
SEPARATORS = {"&&", "|"}
ELSEWHERE = {"curl", "docker", "echo", "git", "pip", "pipx", "rm", "sed"}  # programs of others
OPTIONS = {"--only", "--force", "--help"}  # of the command line itself


def pages(project: Project) -> list[Path]:
    """The README and the pages of docs."""
    return [project.folder / "README.md", *sorted(project.folder.glob("docs/*.md"))]


def text(project: Project) -> str:
    """All of these pages, one after the other."""
    return "\n".join(page.read_text(encoding="utf-8") for page in pages(project))


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks in a language."""
    return [block for found, block in BLOCK.findall(text) if found == language]


def lines(block: str) -> Iterator[list[str]]:
    """The words of each command of a block in bash, which may go on over several lines, without comments."""
    pending = ""
    for line in block.splitlines(keepends=True):
        pending += line
        if pending.endswith("\\\n"):
            continue
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # a quotation that ends on a later line
            continue
        yield from split(words)
        pending = ""
    assert not pending, f"not ended: {pending}"


def split(words: list[str]) -> Iterator[list[str]]:
    """The commands of a line that pipes or joins several."""
    command: list[str] = []
    for word in [*words, "&&"]:
        if word not in SEPARATORS:
            command.append(word)
        elif command:
            yield command
            command = []


def commands(text: str) -> list[list[str]]:
    """The words of every command in blocks of bash, and of what stands between backticks as a command of a project."""
    shown = [words for block in blocks(text, "bash") for words in lines(block)]
    told = [code for code in INLINE.findall(BLOCK.sub("", text)) if re.match(r"(make|\.venv/bin/\w+)( |$)", code)]
    return [*shown, *map(shlex.split, told)]


@cache
def settings(project: Project) -> set[str]:
    """The names of all settings, whichever room declares them: every stage takes them as options."""
    found: set[str] = set()
    for path in modules(project):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and (node.name == "Config" or node.name.endswith("Settings")):
                annotated = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
                found |= {target.id for target in annotated if isinstance(target, ast.Name)}
    return found


def modules(project: Project) -> list[Path]:
    """The modules of the package; of the template, those of all overlays."""
    return sorted(path for path in project.folder.rglob("*.py") if "src" in path.relative_to(project.folder).parts)


def stages(project: Project) -> set[str]:
    """What the command line can run."""
    names = {path.stem for path in modules(project) if path.parent.name == "stages"} - {"__init__"}
    return {"all", *(name.replace("_", "-") for name in names)}


def targets(project: Project) -> dict[str, set[str]]:
    """The targets of the Makefile, each with the stages that it runs itself."""
    makefile = (project.folder / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(r"^([a-z-]+):.*((?:\n\t.*)*)", makefile, flags=re.MULTILINE)
    return {name: set(re.findall(r"\$\(RUN\) ([a-z-]+)", recipe)) for name, recipe in recipes}


def wrong(words: list[str], project: Project) -> str | None:
    """What is wrong with a command, if anything."""
    while words and (variable := VARIABLE.match(words[0])):
        prefix = f"{project.package.upper()}_"
        if not variable[1].startswith(prefix) or variable[1].removeprefix(prefix).lower() not in settings(project):
            return f"no setting is called {variable[1]} in the environment"
        words = words[1:]
    if words[0] in ELSEWHERE:
        return None
    if words[0] == "make":
        return wrong_make(words, project)
    if words[:2] == [".venv/bin/python", "-m"]:
        return wrong_stage(words[2:], project)
    if words[0].startswith(".venv/bin/"):
        name = words[0].removeprefix(".venv/bin/")
        scripts = tomllib.loads((project.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
        return wrong_stage([name, *words[1:]], project) if name in scripts else f"the project has no script {name}"
    return f"{words[0]} is not a program that projects are used with"


def wrong_make(words: list[str], project: Project) -> str | None:
    """What is wrong with a command of make."""
    makefile = (project.folder / "Makefile").read_text(encoding="utf-8")
    for word in words[1:]:
        name, is_set, value = word.partition("=")
        if not is_set and name not in targets(project):
            return f"the Makefile has no target {name}"
        if is_set and not re.search(rf"^{name} \?=", makefile, flags=re.MULTILINE):
            return f"the Makefile has no variable {name}"
        if name == "ARGS" and (option := unknown_option(shlex.split(value), project)):
            return f"no stage has the option {option}"
    return None


def wrong_stage(words: list[str], project: Project) -> str | None:
    """What is wrong with the package, the stage and the options that the command line is given."""
    package, stage, *options = words
    if package != project.package:
        return f"the package is not called {package}"
    own = {found[1] for found in RECIPE.finditer(text(project))}
    if stage not in stages(project) | own:
        return f"there is no stage {stage}"
    option = None if stage in own else unknown_option(options, project)
    return f"no stage has the option {option}" if option else None


def unknown_option(arguments: list[str], project: Project) -> str | None:
    """The first option that is neither a setting nor one of the command line itself."""
    known = settings(project)
    options = [argument.split("=")[0] for argument in arguments if argument.startswith("--")]
    return next((each for each in options if each not in OPTIONS and each[2:].replace("-", "_") not in known), None)


def stage_commands(text: str) -> Iterator[list[str]]:
    """Package, stage and options of whatever is run as `python -m`, in other languages than bash as well."""
    for package, stage, options in STAGE.findall(text):
        yield [package, stage, *options.split()]


def files(text: str) -> set[str]:
    """The Python modules that the text mentions, with the folders that are named; not those of other repositories."""
    return set(re.findall(r"(?<![\w/*.])((?:[\w.]+/)*[a-z_]+\.py)\b", text))


def called(folder: Path) -> set[str]:
    """The stages whose `main` the tests of a project call."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    return {name.replace("_", "-") for name in re.findall(r"\b(\w+)\.main\(", tests)}
