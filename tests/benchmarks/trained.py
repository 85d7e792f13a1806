"""What benchmarks that look at a trained model share: they run in the environment of its project."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Trained(NamedTuple):
    """A project that has trained a model, with the settings of that training."""

    package: str
    config: Any
    model: Any

    def module(self, name: str) -> Any:
        """A module of the project, such as `data.loading`."""
        return importlib.import_module(f"{self.package}.{name}")


def enter(project: Path) -> Trained:
    """Makes a project the working directory, and loads its model."""
    project = project.resolve()
    package = next(project.glob("src/*/__init__.py")).parent.name
    os.chdir(project)
    sys.path.insert(0, str(project / "src"))
    settings = json.loads((project / "artifacts" / "training" / "run.json").read_text(encoding="utf-8"))["settings"]
    config = importlib.import_module(f"{package}.config").Config(**settings)
    return Trained(package, config, importlib.import_module(f"{package}.evaluation.inference").load_model(config))
