"""No stage waits for libraries that it does not use: each import takes up to seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from project.core import quiet

HEAVY = {
    *("apache_beam", "fastapi", "keras", "keras_tuner", "matplotlib", "pandas", "scipy", "sklearn", "tensorflow"),
    "tensorflow_data_validation",
}
STATISTICS = {"apache_beam", "pandas", "scipy", "tensorflow", "tensorflow_data_validation"}
# In the order of what they may import, so that one process shows it of all
MAY_IMPORT: dict[tuple[str, ...], set[str]] = {
    ("environment", "doctor", "serve", "freshness", "versions", "rollback"): set(),
    ("collect", "runs", "index"): {"pandas", "scipy"},
    ("validate",): STATISTICS,
    ("predict", "accept", "export"): STATISTICS | {"keras"},
    ("evaluate",): STATISTICS | {"keras", "matplotlib"},
}
LIST_IMPORTS = """
import importlib, json, sys
package, stages, heavy = json.loads(sys.argv[1])
imported = {}
for stage in stages:
    importlib.import_module(f"{package}.{stage}")
    imported[stage] = sorted(set(heavy) & set(sys.modules))
print(json.dumps(imported))
"""


def run(code: str, *arguments: str) -> str:
    """What code prints in a process of its own."""
    source = str(Path(quiet.__file__).parents[2])
    command = [sys.executable, "-c", f"import sys\nsys.path.insert(0, {source!r})\n{code}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_stage_imports_only_what_it_uses() -> None:
    allowed = {stage: names for stages, names in MAY_IMPORT.items() for stage in stages}
    imported = json.loads(run(LIST_IMPORTS, json.dumps([quiet.__package__, list(allowed), sorted(HEAVY)])))
    assert {stage: set(names) - allowed[stage] for stage, names in imported.items()} == {
        stage: set() for stage in allowed
    }
    assert "keras" in imported["predict"]  # an import that is there is seen


def test_a_library_is_absent_only_for_a_while(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("unwanted_library", "wanted_library"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with quiet.absent("unwanted_library"):
        __import__("wanted_library")
        with pytest.raises(ModuleNotFoundError):
            __import__("unwanted_library")
    __import__("unwanted_library")
    with quiet.absent("unwanted_library"):
        __import__("unwanted_library")  # what is imported already stays
    monkeypatch.delitem(sys.modules, "unwanted_library")
    monkeypatch.delitem(sys.modules, "wanted_library")
