"""What the benchmarks of quality share: they bake a project and judge its model by the project's own stages."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[2]
TABLE = "data/raw/table.csv"  # in a project


class Result(NamedTuple):
    """What a model has shown: the verdict on the test split, the number of examples, and the seconds of training."""

    verdict: dict[str, Any]
    num_examples: int
    seconds: float

    def score(self, metric: str) -> float:
        """The value of a metric on the test split."""
        return float(self.verdict["metrics"][metric]["value"])


def options(
    description: str | None, sets: Iterable[str], more: dict[str, dict[str, Any]] | None = None
) -> argparse.Namespace:
    """The options of a benchmark of these sets, and `more` by name; `venv` and `output` are folders that exist."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True, help="an environment that make setup made for the problem")
    parser.add_argument("--sets", nargs="*", default=list(sets), choices=list(sets))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=None, help="keep the projects here")
    for name, arguments in (more or {}).items():
        parser.add_argument(name, **arguments)
    chosen = parser.parse_args()
    chosen.venv, chosen.output = chosen.venv.resolve(), chosen.output or Path(mkdtemp())
    return chosen


def bake(problem: str, name: str, folder: Path, scale: str = "one machine") -> Path:
    """A project for a problem, called after a set."""
    answers = {"problem": problem, "project_name": name.replace("_", " "), "scale": scale}
    return Path(cookiecutter(str(ROOT), no_input=True, extra_context=answers, output_dir=str(folder)))


def judge(project: Path, venv: Path, arguments: list[str]) -> Result:
    """Collects, trains and faces the test split; that the criteria are not met is a result like others.

    Raises:
        SystemExit: a stage failed.
    """
    seconds = run(project, venv, ("collect", "train", "accept"), arguments)
    rows = read(project / "artifacts" / "examples" / "provenance.json")["rows"]
    return Result(read(project / "artifacts" / "acceptance" / "verdict.json"), sum(rows.values()), seconds["train"])


def latency(project: Path, venv: Path, arguments: list[str]) -> float:
    """The milliseconds that one example takes by the exported model, which is exported whatever its score is."""
    run(project, venv, ("accept", "export"), [*arguments, '--criteria={"accuracy": 0}'])
    (described,) = (project / "artifacts" / "export").glob("*/*/assets.extra/model.json")
    return float(read(described)["measured"]["milliseconds"])


def run(project: Path, venv: Path, names: Iterable[str], arguments: list[str]) -> dict[str, float]:
    """Runs stages, each alone in a process; gives the seconds that each took.

    Raises:
        SystemExit: a stage failed.
    """
    seconds = {}
    for stage in names:
        started = time.perf_counter()
        python(project, venv, ["-m", package(project), stage, "--only", *arguments])
        seconds[stage] = time.perf_counter() - started
    return seconds


def package(project: Path) -> str:
    """The name of a project's package."""
    return next(project.glob("src/*/__init__.py")).parent.name


def python(project: Path, venv: Path, arguments: list[str]) -> str:
    """What Python prints with these arguments in a project; that a model is rejected is no failure."""
    source_path = os.pathsep.join(["src", os.environ.get("PYTHONPATH", "")])
    command: list[Any] = [venv / "bin" / "python", *arguments]
    finished = subprocess.run(
        command, cwd=project, env={**os.environ, "PYTHONPATH": source_path}, capture_output=True, text=True, check=False
    )
    if finished.returncode and "the model is rejected" not in finished.stderr:
        raise SystemExit(f"{arguments[:2]} failed: {finished.stderr[-2000:]}")
    return finished.stdout


def read(path: Path) -> dict[str, Any]:
    """What a JSON file holds."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
