"""Follows the instructions for adding a data type in a copy of the template."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from projects import ROOT

INSTRUCTIONS = ROOT / ".github" / "ADDING_A_DATA_TYPE.md"
SHORT = {"P/": "{{cookiecutter.project_slug}}/", "/K/": "/{{cookiecutter.package_name}}/"}
STEP = re.compile(
    r"^`(?P<path>[^`\n]+)`(?:, (?:before `(?P<before>[^`\n]+)`|(?P<merged>merged)))?:\n\n```\w+\n(?P<content>.*?)^```$"
    r"|^```bash\n(?P<command>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def full(text: str) -> str:
    """A path, or a command, with the names of the folders that the instructions abbreviate."""
    for short, name in SHORT.items():
        text = text.replace(short, name)
    return text


def merge(one: object, other: object) -> object:
    """Both of two JSON values: the entries of both objects, the items of both lists."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {name: merge(one[name], value) if name in one else value for name, value in other.items()}
    return [*one, *other] if isinstance(one, list) and isinstance(other, list) else other


def follow(template: Path) -> None:
    """Does what each step says."""
    for step in STEP.finditer(INSTRUCTIONS.read_text(encoding="utf-8")):
        if step["command"]:
            subprocess.run(["/bin/sh", "-ec", full(step["command"])], cwd=template, check=True)
            continue
        path = template / full(step["path"])
        if step["merged"]:
            content = merge(json.loads(path.read_text(encoding="utf-8")), json.loads(step["content"]))
            path.write_text(json.dumps(content), encoding="utf-8")
        elif step["before"]:
            before, line, after = path.read_text(encoding="utf-8").partition(f"{step['before']}\n")
            assert line, f"{path} has no line {step['before']}"
            path.write_text(f"{before}{step['content']}{line}{after}", encoding="utf-8")
        else:
            assert not path.exists(), path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["content"], encoding="utf-8")


def copy(folder: Path) -> Path:
    """A copy of what a template is made of."""
    for name in ("hooks", "{{cookiecutter.project_slug}}"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    shutil.copy(ROOT / "cookiecutter.json", folder)
    return folder


def contract() -> dict[str, set[str]]:
    """The modules of a data type and the names that shared modules ask for, by the table of the instructions."""
    rows = re.findall(r"^\| `([\w/]+)\.py` \|[^|]*\|(.*)\|$", INSTRUCTIONS.read_text(encoding="utf-8"), re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", names)) for module, names in rows}
