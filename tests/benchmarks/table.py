"""Measures every stage beside what one would use instead and beside the floor; prints a Markdown table of ratios.

    python tests/benchmarks/table.py --venv VENV [--data TABLE.csv] [--quick] [--setup] [--write] [--only serve rows]

VENV is an environment that `make setup` made for the problems of tables, images and series. TABLE.csv, if given, takes
the place of the generated table in collecting; its target column is called target. What fails becomes a row that says so.
--write puts the table into the README, between its two comment marks.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import stages
from contest import FLOOR, INSTEAD, MARK, OURS, hold
from machine import describe, versions
from plain_script import SCRIPT

FULL, QUICK = (100_000, 3), (10_000, 1)  # rows and repetitions
TIMEOUT = 300  # seconds of a row
BEGIN, END = "<!-- benchmarks begin -->", "<!-- benchmarks end -->"
ROWS = {  # as contests.py, which needs the environment of a project, has them
    "collect": ("collect", "tabular-classification"),
    "validate": ("validate", "tabular-classification"),
    "adapt": ("adapt", "tabular-classification"),
    "batches": ("input pipeline, rows", "tabular-classification"),
    "images": ("input pipeline, images", "image-classification"),
    "series": ("input pipeline, windows", "time-series-forecasting"),
    "training": ("training, an epoch", "tabular-classification"),
    "tuning": ("tuning, two trials", "tabular-classification"),
    "evaluate": ("evaluation", "tabular-classification"),
    "export": ("export", "tabular-classification"),
    "predict": ("predict, file to file", "tabular-classification"),
    "serve": ("serve, one row", "tabular-classification"),
}
AXES = {
    "rows": "tabular-classification",
    "columns": "tabular-classification",
    "classes": "tabular-classification",
    "files": "image-classification",
}
LIMIT = 1.3  # of a slope


def main() -> None:
    """Measures, prints and, if asked, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="a table to collect, with a target called target")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: about two minutes")
    parser.add_argument("--setup", action="store_true", help="measure make setup too, which needs the network")
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    parser.add_argument("--only", nargs="*", default=["bake", "all", *ROWS, *AXES], help="these rows")
    options = parser.parse_args()
    options.venv = options.venv.absolute()
    num_rows, repetitions = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        lines = contests(options, Path(folder), num_rows, repetitions)
    date = datetime.datetime.now(datetime.UTC).date() if sys.version_info >= (3, 11) else datetime.date.today()
    sizes = f"{num_rows:,} rows of 13 columns and the bundled samples, medians of {repetitions}"
    text = "\n".join([*lines, "", f"{describe()}; {versions(options.venv)}; {sizes}; {date}."])
    if options.write:
        write(text)


def contests(options: argparse.Namespace, folder: Path, num_rows: int, repetitions: int) -> list[str]:
    """Measures row by row, and prints each as it comes."""
    lines: list[str] = []

    def add(*more: str) -> None:
        lines.extend(more)
        print("\n".join(more), flush=True)

    add(
        "| | ours | instead | time | instead ÷ ours | floor | time | ours ÷ floor |",
        "|---|---|---|---|---|---|---|---|",
    )
    if "bake" in options.only:
        add(*table_rows("bake", bake_contest(folder, repetitions)))
    if options.setup:
        venv = folder / "environment"
        project = stages.bake("tabular-classification", "Set up", folder)
        command = ["make", f"VENV={venv}", "setup"]
        add(*table_rows("setup", hold({OURS: lambda: run(command, project, 3_600)}, 1)))
    wanted = {**{name: ROWS[name][1] for name in ROWS}, **AXES, "all": "tabular-classification"}
    prepared: dict[str, Any] = {}
    source = folder / "table.csv"
    run(
        [str(options.venv / "bin" / "python"), str(Path(__file__).with_name("tables.py")), str(source), str(num_rows)],
        folder,
    )
    for problem in dict.fromkeys(wanted[name] for name in options.only if name in wanted):
        try:
            prepared[problem] = prepare(problem, folder, options.venv, source)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (its rows will say so)
            prepared[problem] = f"{problem} could not be prepared: {error}"[:200]
    for name in [name for name in ROWS if name in options.only]:
        title, problem = ROWS[name]
        data = options.data.absolute() if options.data and name == "collect" else source
        add(*table_rows(title, child(name, prepared[problem], options.venv, data, num_rows, repetitions)))
    if "all" in options.only:
        add(*table_rows("make all, the sample", whole(folder, options.venv, repetitions)))
    axes = [axis for axis in AXES if axis in options.only]
    if axes:
        add("", "| growth with | sizes | " + " | ".join(GROWING) + " |", "|---|---|" + "---|" * len(GROWING))
        for axis in axes:
            add(growth_row(axis, child(axis, prepared[AXES[axis]], options.venv, source, num_rows // 2, 1)))
    if FAILURES:
        add("", *(f"- failed: {failure}" for failure in FAILURES))
    return lines


FAILURES: list[str] = []  # what failed and why, below the table
GROWING = ("collect", "validate", "adapt", "evaluate")


def prepare(problem: str, folder: Path, venv: Path, source: Path) -> Path:
    """A project whose model is trained and exported: on the table, or on the bundled sample."""
    project = stages.bake(problem, f"Measured {problem}", folder)
    is_table = problem == "tabular-classification"
    arguments = [f"--source={source}", "--target=target", "--epochs=2"] if is_table else []
    (project / "benchmark.json").write_text(json.dumps(arguments), encoding="utf-8")
    names = ("collect", "validate", "train", "evaluate", "accept", "export") if is_table else ("collect",)
    stages.run(project, venv, names, arguments)
    return project


def child(row: str, project: Any, venv: Path, source: Path, num_rows: int, repetitions: int) -> dict[str, Any]:
    """The result of a row that is measured in a process of the environment."""
    if isinstance(project, str):
        return {"failed": {"": project}}
    script = Path(__file__).with_name("contests.py")
    command = [str(venv / "bin" / "python"), "-W", "ignore", str(script), row, "--project", str(project)]
    command += ["--source", str(source), "--rows", str(num_rows), "--repetitions", str(repetitions)]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": {"": f"took more than {TIMEOUT} s"}}
    for line in reversed(finished.stdout.splitlines()):
        if line.startswith(MARK):
            result: dict[str, Any] = json.loads(line.removeprefix(MARK))
            return result
    return {"failed": {"": (finished.stderr.strip().splitlines() or ["no result"])[-1][:200]}}


def bake_contest(folder: Path, repetitions: int) -> dict[str, Any]:
    """Baking a project beside copying it."""
    project = stages.bake("tabular-classification", "First", folder)

    def bake() -> None:
        with tempfile.TemporaryDirectory() as other:
            stages.bake("tabular-classification", "First", Path(other))

    def copy() -> None:
        with tempfile.TemporaryDirectory() as other:
            shutil.copytree(project, Path(other) / "copy")

    return hold({OURS: bake, f"{FLOOR}: copying the project": copy}, repetitions)


def whole(folder: Path, venv: Path, repetitions: int) -> dict[str, Any]:
    """`make all` on the bundled sample, beside a script as in the examples of Keras, and one import of Keras."""
    project = stages.bake("tabular-classification", "Whole", folder)
    script = folder / "plain_script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    python, ready = str(venv / "bin" / "python"), venv / ".complete"

    def make() -> None:
        shutil.rmtree(project / "artifacts", ignore_errors=True)
        run(["make", f"VENV={venv}", f"--old-file={ready}", "all"], project)

    def again() -> None:
        run(["make", f"VENV={venv}", f"--old-file={ready}", "all"], project)

    (table,) = (project / "data" / "raw").glob("*.csv")
    contestants = {
        OURS: make,
        f"{INSTEAD}: one script of plain Keras": lambda: run([python, str(script), str(table)], folder),
        f"{FLOOR}: importing Keras once": lambda: run([python, "-c", "import keras"], folder),
        f"{INSTEAD}: a second make all, nothing changed": again,
    }
    return hold(contestants, repetitions)


def run(command: list[str], folder: Path, timeout: float = TIMEOUT) -> None:
    """Runs a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "PYTHONPATH")}
    finished = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    if finished.returncode:
        raise RuntimeError((finished.stderr.strip().splitlines() or ["failed"])[-1])


def table_rows(title: str, result: dict[str, Any]) -> list[str]:
    """A row per contestant that one would use instead; what failed says so in its place."""
    seconds, failed = result.get("seconds", {}), result["failed"]
    FAILURES.extend(f"{title}: {name.partition(': ')[2] or name}: {why}" for name, why in failed.items())
    if OURS not in seconds:
        reason = "; ".join(f"{name} {why}".strip() for name, why in failed.items()).replace("|", "/")
        return [f"| {title} | failed: {reason} | | | | | | |"]
    ours, names = seconds[OURS], [*seconds, *failed]
    floor = next((name for name in names if name.startswith(FLOOR)), "")
    rivals = [name for name in names if name.startswith(INSTEAD)] or [""]
    lines = []
    for place, rival in enumerate(rivals):
        cells = [title if not place else "", shown(ours) if not place else ""]
        cells += [*compared(rival, seconds, failed, lambda theirs: theirs / ours)]
        cells += [*compared(floor if not place else "", seconds, failed, lambda least: ours / least)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def compared(name: str, seconds: dict[str, float], failed: dict[str, str], ratio: Any) -> tuple[str, str, str]:
    """The name of a contestant, its time and a ratio."""
    label = name.partition(": ")[2]
    if name in failed:
        return label, "failed", ""
    return (label, shown(seconds[name]), f"{ratio(seconds[name]):.2f}") if name else ("", "", "")


def shown(seconds: float) -> str:
    """A duration in a readable unit."""
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{seconds * 1e3:.3g} ms"


def growth_row(axis: str, result: dict[str, Any]) -> str:
    """The slopes along an axis."""
    if "slopes" not in result:
        return f"| {axis} | failed: {'; '.join(result['failed'].values())} |" + " |" * len(GROWING)
    slopes = [f"{slope:.2f}" + (" (!)" if slope > LIMIT else "") for slope in map(result["slopes"].get, GROWING)]
    return f"| {axis} | {', '.join(f'{size:,}' for size in result['sizes'])} | {' | '.join(slopes)} |"


def write(text: str) -> None:
    """Puts the table between the marks of the README.

    Raises:
        SystemExit: the marks are not there.
    """
    path = stages.ROOT / "README.md"
    readme = path.read_text(encoding="utf-8")
    if BEGIN not in readme or END not in readme:
        raise SystemExit(f"README.md lacks the marks {BEGIN} and {END}")
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    path.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", readme), encoding="utf-8")
    print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
