"""The commands that a README tells people to run, and what is wrong with them."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from projects import Project

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(r"[A-Z_]+=")
MODULE = re.compile(r"python -m (\w+)\.(\w+)((?: --\S+ [^\s-]\S*)*)")
SEPARATORS = {"&&", "|"}
ELSEWHERE = {"curl", "docker", "echo", "git", "pip", "pipx"}  # programs of others


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
    """The words of every command in blocks of bash, and of what stands between backticks as a command of make."""
    shown = [words for block in blocks(text, "bash") for words in lines(block)]
    inline = [shlex.split(code) for code in INLINE.findall(BLOCK.sub("", text)) if re.match(r"make( |$)", code)]
    return [*shown, *inline]


def settings(project: Project) -> set[str]:
    """The names of all settings, which every stage takes as options."""
    tree = ast.parse((project.folder / "src" / project.package / "config.py").read_text(encoding="utf-8"))
    (config,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    annotated = [node.target for node in config.body if isinstance(node, ast.AnnAssign)]
    return {target.id for target in annotated if isinstance(target, ast.Name)}


def targets(project: Project) -> dict[str, set[str]]:
    """The targets of the Makefile, each with the modules that it runs itself."""
    makefile = (project.folder / "Makefile").read_text(encoding="utf-8")
    made = dict(re.findall(r"^(\$\(\w+\)):.*\n\t(.*)", makefile, flags=re.MULTILINE))
    found = {}
    for name, needed, recipe in re.findall(r"^([a-z-]+):(.*)((?:\n\t.*)*)", makefile, flags=re.MULTILINE):
        ran = recipe or "".join(made.get(word, "") for word in needed.split("##")[0].split())
        found[name] = set(re.findall(r"\$\((?:RUN|PACKAGE)\)[./](\w+)", ran))
    return found


def wrong(words: list[str], project: Project) -> str | None:
    """What is wrong with a command, if anything."""
    if words[0] in ELSEWHERE:
        return None
    if words[0] != "make":
        return f"{words[0]} is not a program that projects are used with"
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


def unknown_option(arguments: list[str], project: Project) -> str | None:
    """The first option that is not a setting."""
    known = settings(project)
    options = [argument.split("=")[0] for argument in arguments if argument.startswith("--")]
    return next((option for option in options if option[2:].replace("-", "_") not in known), None)


def modules(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Package, module and arguments of whatever is run as `python -m`."""
    for package, module, arguments in MODULE.findall(text):
        yield package, module, arguments.split()


def files(text: str) -> set[str]:
    """The names of Python modules that the text mentions, but for those of other repositories."""
    return set(re.findall(r"(?<![\w/*.])([a-z_]+\.py)\b", text))


def called(folder: Path) -> set[str]:
    """The modules whose `main` the tests of a project call."""
    return {name for path in folder.glob("*.py") for name in re.findall(r"\b(\w+)\.main\(", path.read_text("utf-8"))}
