"""Measures every stage beside what one would use instead and beside the floor; prints a Markdown table of ratios.

    python tests/benchmarks/table.py --venv VENV [--data TABLE.csv] [--quick] [--setup] [--write] [--only serve rows]

VENV is an environment that `make setup` made for the problems of tables, images and series. TABLE.csv, if given, takes
the place of the generated table in collecting; its target is called target. What fails becomes a row that says so.
--write puts the table into .github/BENCHMARKS.md, between its two comment marks.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import comparison
import stages
import whole_projects
from contest import MARK
from machine import describe, versions
from whole_projects import TABLE, Measured, run

FULL, QUICK = (100_000, 3), (10_000, 1)  # rows and repetitions
BEGIN, END = "<!-- benchmarks begin -->", "<!-- benchmarks end -->"
IMAGES, SERIES = "image-classification", "time-series-forecasting"
CONTESTS = {  # that contests.py holds, in the environment of a project
    "collect": ("collect", TABLE),
    "validate": ("validate", TABLE),
    "adapt": ("adapt", TABLE),
    "batches": ("input pipeline, rows", TABLE),
    "images": ("input pipeline, images", IMAGES),
    "series": ("input pipeline, windows", SERIES),
    "training": ("training, an epoch", TABLE),
    "tuning": ("tuning, two trials", TABLE),
    "evaluate": ("evaluation", TABLE),
    "export": ("export, proven", TABLE),
    "predict": ("predict, file to file", TABLE),
    "serve": ("serve, one row", TABLE),
}
AXES = {"rows": TABLE, "columns": TABLE, "classes": TABLE, "files": IMAGES}


def main() -> None:
    """Measures, prints and, if asked, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="a table to collect, with a target called target")
    parser.add_argument("--quick", action="store_true", help="small sizes, once")
    parser.add_argument("--setup", action="store_true", help="measure make setup too, which needs the network")
    parser.add_argument("--write", action="store_true", help="write the table into .github/BENCHMARKS.md")
    names = ["bake", *CONTESTS, "all", *AXES]
    parser.add_argument("--only", nargs="*", default=names, choices=names, help="these rows")
    options = parser.parse_args()
    if not (options.venv / "bin" / "python").exists():
        parser.error(f"--venv is {options.venv}, which is no environment: make one by `make setup` in a project")
    if options.data and not options.data.is_file():
        parser.error(f"--data is {options.data}, which is no file")
    with tempfile.TemporaryDirectory() as folder:
        sizes = QUICK if options.quick else FULL
        measured = Measured(Path(folder), options.venv.absolute(), Path(folder) / "table.csv", *sizes)
        write_table(measured)
        lines = measure(measured, options)
    today = datetime.datetime.now(datetime.timezone.utc).date()  # noqa: UP017 (Python 3.10 has no UTC)
    facts = f"{sizes[0]:,} rows of 13 columns and the bundled samples, medians of {sizes[1]}; {today}."
    lines += ["", f"{describe()}; {versions(measured.venv)}; {facts}"]
    print("\n".join(lines[-2:]))
    if options.write:
        write("\n".join(lines))


def measure(measured: Measured, options: argparse.Namespace) -> list[str]:
    """The lines of the tables, which are printed as they come."""
    lines: list[str] = []
    notes: list[str] = []

    def add(more: list[str], title: str = "", result: dict[str, Any] | None = None) -> None:
        lines.extend(more)
        notes.extend(comparison.failures(title, result or {}))
        if more:
            print("\n".join(more), flush=True)

    add(comparison.HEADER)
    projects: dict[str, Path | str] = {}
    names = ["setup"] * options.setup + [name for name in options.only if name not in AXES]
    for name in names:
        title, result = contest(name, measured, projects, options.data)
        add(comparison.rows(title, result), title, result)
    axes = [axis for axis in options.only if axis in AXES]
    add(comparison.GROWTH_HEADER if axes else [])
    for axis in axes:
        smaller = measured._replace(rows=max(measured.rows // 2, 20_000))  # of less, only noise would be seen
        result = child(axis, project_for(AXES[axis], measured, projects), smaller)
        add([comparison.growth_row(axis, result)], f"growth with {axis}", result)
    add(["", *notes] if notes else [])
    return lines


def contest(
    name: str, measured: Measured, projects: dict[str, Path | str], data: Path | None
) -> tuple[str, dict[str, Any]]:
    """The title and the result of a row."""
    here = {
        "setup": ("setup", whole_projects.set_up),
        "bake": ("bake", whole_projects.bake),
        "all": ("make all, the sample", whole_projects.make_all),
    }
    if name in here:
        title, run_here = here[name]
        try:
            return title, run_here(measured)
        except (Exception, SystemExit) as error:
            return title, {"failed": {"": f"{error}"[:200]}}
    title, problem = CONTESTS[name]
    project = project_for(problem, measured, projects)
    return title, child(name, project, measured._replace(source=data.absolute()) if data else measured)


def project_for(problem: str, measured: Measured, projects: dict[str, Path | str]) -> Path | str:
    """A project that is ready to be measured, made at the first call; or why there is none."""
    if problem not in projects:
        try:
            projects[problem] = prepare(problem, measured)
        except (Exception, SystemExit) as error:
            projects[problem] = f"{problem} could not be prepared: {error}"[:200]
    return projects[problem]


def prepare(problem: str, measured: Measured) -> Path:
    """A project whose model is trained and exported on the table, or whose bundled sample is collected."""
    project = stages.bake(problem, f"Measured {problem}", measured.folder)
    arguments = [f"--source={measured.source}", "--target=target", "--epochs=2"] if problem == TABLE else []
    (project / "benchmark.json").write_text(json.dumps(arguments), encoding="utf-8")
    names = ("collect", "validate", "train", "evaluate", "accept", "export") if problem == TABLE else ("collect",)
    stages.run(project, measured.venv, names, arguments)
    return project


def child(row: str, project: Path | str, measured: Measured) -> dict[str, Any]:
    """The result of a row that is measured in a process of the environment."""
    if isinstance(project, str):
        return {"failed": {"": project}}
    command = [measured.venv / "bin" / "python", "-W", "ignore", Path(__file__).with_name("contests.py"), row]
    command += ["--project", project, "--source", measured.source]
    command += ["--rows", measured.rows, "--repetitions", measured.repetitions]
    try:
        printed = run([str(word) for word in command], project)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {"failed": {"": f"{error}"[-200:]}}
    result: dict[str, Any] = json.loads(printed.rpartition(MARK)[2])
    return result


def write_table(measured: Measured) -> None:
    """Writes the generated table."""
    python, script = measured.venv / "bin" / "python", Path(__file__).with_name("tables.py")
    run([str(python), str(script), str(measured.source), str(measured.rows)], measured.folder)


def write(text: str) -> None:
    """Puts the table between the marks of .github/BENCHMARKS.md.

    Raises:
        SystemExit: the marks are not there.
    """
    path = stages.ROOT / ".github" / "BENCHMARKS.md"
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        raise SystemExit(f"{path.name} lacks the marks {BEGIN} and {END}")
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    path.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page), encoding="utf-8")
    print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
