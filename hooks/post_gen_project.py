"""Lays what was chosen over the project, drops the rest, and has the tests import the package by its name.

Then it records the template and the answers in .cruft.json, from which `cruft update` brings later changes in.
"""

from __future__ import annotations  # cookiecutter may run on an older Python than the project

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")  # as data, so that nothing in an answer is ever run
DATA_TYPE, SCALE = ANSWERS["__data_type"], ANSWERS["scale"].replace(" ", "_")
EXTENDED = ANSWERS["__extended"].get(DATA_TYPE, [])
LARGE = ANSWERS["__larger_than_memory"].get(DATA_TYPE, []) if SCALE == "cluster" else []
if LARGE:
    EXTENDED = [*(layer for layer in EXTENDED if layer != "in_memory"), *LARGE]
OVERLAYS = {  # whole files, each in one layer
    "scales": [SCALE, *(["cluster_in_memory"] if SCALE == "cluster" and not LARGE else [])],
    "operations": [ANSWERS["operations"]],
    "data_types": [*EXTENDED, DATA_TYPE],
    "tasks": [*ANSWERS["__shared_by_tasks"].get(ANSWERS["__task"], []), ANSWERS["__task"]],
    "samples": [ANSWERS["problem"]],
    "licenses": [ANSWERS["license"]],
}


def ask_git(repository: Path, *question: str) -> str | None:
    """What git answers about the template, if that is a repository and git is there."""
    if not (repository / ".git").exists():
        return None
    command = ["git", "-C", str(repository), *question]
    try:
        return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None


def record() -> dict[str, object]:
    """Which template made the project of which answers, as cruft reads it; passwords in an address stay out."""
    address, commit = ANSWERS["_template"], None
    folder = Path(os.environ.get("PWD", ""), ANSWERS["_repo_dir"])  # as cookiecutter saw it from where it was called
    if (folder / "cookiecutter.json").is_file():
        is_local = ANSWERS["_repo_dir"] == address
        address = str(folder.resolve()) if is_local else ask_git(folder, "remote", "get-url", "origin") or address
        commit = ask_git(folder, "rev-parse", "HEAD")
    answers = {name: answer for name, answer in ANSWERS.items() if not name.startswith("_")}
    return {
        "template": re.sub(r"^(https?://)[^/@]*@", r"\1", address),
        "commit": commit or f"v{ANSWERS['_template_version']}",
        "checkout": ANSWERS.get("_checkout") or None,
        "context": {"cookiecutter": {**answers, "_template_version": ANSWERS["_template_version"]}},
        "directory": None,
    }


for group, chosen in OVERLAYS.items():
    for overlay in chosen:
        shutil.copytree(Path(group, overlay), ".", dirs_exist_ok=True)
    shutil.rmtree(group)

for room in ANSWERS["__without"][ANSWERS["operations"]]:
    for path in [path for pattern in ANSWERS["__rooms"][room] for path in Path().glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()

package_import = re.compile(r"^( *from )project\b", re.MULTILINE)
for test in Path("tests").rglob("*.py"):
    source = test.read_text(encoding="utf-8")
    test.write_text(package_import.sub(rf"\g<1>{ANSWERS['package_name']}", source), encoding="utf-8")

if "_commit" not in ANSWERS:  # cruft tells by it what it bakes from, and writes the record itself
    content = json.dumps(record(), ensure_ascii=False, indent=2)
    Path(".cruft.json").write_text(f"{content}\n", encoding="utf-8")
