"""On what a benchmark ran, without the name of the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PACKAGES = ("tensorflow", "keras", "tensorflow-data-validation", "scikit-learn")
CODE = f"""
import platform
from importlib import metadata
print("Python " + platform.python_version(), *(f"{{name}} {{metadata.version(name)}}" for name in {PACKAGES}), sep=", ")
"""


def describe() -> str:
    """Cores, memory and the model of the processor."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cores} cores of {processor()}, {memory:.0f} GiB"


def processor() -> str:
    """The model of the processor, as Linux tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "an unknown model"


def versions(venv: Path) -> str:
    """The versions of the stack in an environment."""
    command = [str(venv / "bin" / "python"), "-c", CODE]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    return finished.stdout.strip() or "unknown versions"
