"""Lays what was chosen over the project, drops the rest, and has the tests import the package by its name."""

import json
import re
import shutil
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")  # as data, so that nothing in an answer is ever run
OVERLAYS = {
    "data_types": [*ANSWERS["__extended"].get(ANSWERS["__data_type"], []), ANSWERS["__data_type"]],
    "tasks": [ANSWERS["__task"]],
    "samples": [ANSWERS["problem"]],
    "licenses": [ANSWERS["license"]],
}

for folder, chosen in OVERLAYS.items():
    for overlay in chosen:
        shutil.copytree(Path(folder, overlay), ".", dirs_exist_ok=True)
    shutil.rmtree(folder)

package_import = re.compile(r"^( *from )project\b", re.MULTILINE)
for test in Path("tests").glob("*.py"):
    source = test.read_text(encoding="utf-8")
    test.write_text(package_import.sub(rf"\g<1>{ANSWERS['package_name']}", source), encoding="utf-8")
