"""notebooks/explore.ipynb: its cells run as they stand, on a project that has been through the stages."""

import json
from pathlib import Path
from typing import Any

import pytest

from project.settings import sample
from project.settings.base import ENVIRONMENT_PREFIX

from declared import Config

ROOT = Path(__file__).resolve().parents[1]


def test_every_cell_runs(finished: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    written = finished.model_dump(mode="json")
    for name in {*finished.model_dump(exclude_defaults=True), *sample.ELSEWHERE}:  # defaults for the sample alone
        value = written[name]
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", text)
    monkeypatch.chdir(ROOT)
    notebook = json.loads((ROOT / "notebooks" / "explore.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile(cell, "explore.ipynb", "exec"), names)  # noqa: S102 (our own cells)
    assert names["config"].model_dump() == finished.model_dump()
    assert len(names["worst"]) == 10
    assert f"example {names['worst'][0] + 1} of the validation split" in capsys.readouterr().out
    assert all(cell["outputs"] == [] for cell in notebook["cells"] if cell["cell_type"] == "code")
