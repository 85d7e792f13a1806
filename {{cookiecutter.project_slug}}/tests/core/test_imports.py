"""No stage waits for libraries that it does not use, and nothing happens at import."""

import json
import subprocess
import sys
from pathlib import Path

from project.core import command
from project.settings.base import PACKAGE

SOURCE = Path(command.__file__).parents[2]
HEAVY = {
    *("apache_beam", "fastapi", "keras", "keras_tuner", "matplotlib", "pandas", "scipy", "sklearn", "tensorflow"),
    "tensorflow_data_validation",
}
MAY_IMPORT: dict[str, set[str]] = {
    "serve": set(),
    "versions": set(),
    "rollback": set(),
    "collect": {"pandas", "scipy"},
    "report": {"pandas", "scipy"},
}
LIST_IMPORTS = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
hooks = [type(hook).__module__ for hook in (*sys.meta_path, *sys.path_hooks)] + [sys.excepthook.__module__]
print(json.dumps([sorted(name for name in sys.modules if "." not in name), hooks]))
"""


def imported(module: str) -> tuple[set[str], set[str]]:
    """The libraries that are imported with a module, and the modules that hold hooks of Python's own machinery."""
    code = f"import sys\nsys.path.insert(0, {str(SOURCE)!r})\n{LIST_IMPORTS}"
    printed = subprocess.run([sys.executable, "-c", code, module], capture_output=True, text=True, check=True).stdout
    names, hooks = json.loads(printed)
    return set(names) & HEAVY, {hook.partition(".")[0] for hook in hooks}


def test_a_stage_imports_only_what_it_uses() -> None:
    for stage, allowed in MAY_IMPORT.items():
        if stage in command.summaries():
            names, hooks = imported(f"{PACKAGE}.stages.{stage}")
            assert names <= allowed, stage
            assert PACKAGE not in hooks, stage


def test_the_package_costs_nothing() -> None:
    assert imported(PACKAGE)[0] == set()


def test_an_import_that_is_there_is_seen() -> None:
    assert "pandas" in imported(f"{PACKAGE}.stages.collect")[0]
