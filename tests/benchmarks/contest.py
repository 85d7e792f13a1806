"""What the contests of table.py share: contestants take turns, so that a busy machine slows all alike."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

OURS, INSTEAD, FLOOR = "ours", "instead", "floor"  # how the names of contestants begin
MARK = "RESULT "

Contestant = Callable[[], object]


class Setting(NamedTuple):
    """What a contest is about: a project in which `make all` has run on `source`, and how much is measured."""

    project: Path
    source: Path
    rows: int
    repetitions: int

    @property
    def package(self) -> str:
        return next(self.project.glob("src/*/__init__.py")).parent.name

    def module(self, name: str) -> ModuleType:
        """A module of the project, by its place in the package such as `data.tables`."""
        if str(self.project / "src") not in sys.path:
            sys.path.insert(0, str(self.project / "src"))
        return importlib.import_module(f"{self.package}.{name}")

    def config(self, **settings: Any) -> Any:
        """The project's settings, as its stages were run with."""
        os.chdir(self.project)
        self.module("core.command").set_up_process()  # before TensorFlow is imported
        arguments = json.loads((self.project / "benchmark.json").read_text(encoding="utf-8"))
        written = self.module("core.command").load_settings(self.module("config").Config, arguments)
        return written.model_copy(update=settings)


def hold(contestants: dict[str, Contestant], repetitions: int, num_warm_ups: int = 1) -> dict[str, Any]:
    """The seconds of each contestant in turns after warm-up rounds; one that fails says why."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    failed: dict[str, str] = {}
    for turn in range(num_warm_ups + repetitions):
        for name, run in contestants.items():
            if name in failed:
                continue
            gc.collect()
            started = time.perf_counter()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    measured = run()
            except (Exception, SystemExit) as error:
                failed[name] = f"{type(error).__name__}: {error}"[:120]
                continue
            if turn >= num_warm_ups:  # a contestant that measures itself gives its seconds
                seconds[name].append(measured if isinstance(measured, float) else time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in seconds.items() if name not in failed}
    return {"seconds": medians, "failed": failed}
