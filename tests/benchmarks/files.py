"""Scores the default networks for images and audio on official test parts, through a generated project's own stages.

    python tests/benchmarks/files.py --data DIR --venv DIR [--sets cifar10_jpg_12k fsdd] [--output FOLDER]

DIR holds a folder with a zip archive for each set, in which the files lie below train and test, sorted by class. A part
called val is for validation; else it is 15 % of the training part. Nothing is tuned. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import time
import zipfile
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = {
    "fashion_mnist_png": "image-classification",
    "cifar10_jpg_12k": "image-classification",
    "fruits360_3body": "image-classification",
    "fsdd": "audio-classification",
    "arabic_speech_commands_10": "audio-classification",
}
PARTS = ("train", "val", "test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True, help="an environment that make setup made for the problem")
    parser.add_argument("--sets", nargs="*", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=None, help="keep the projects here")
    options = parser.parse_args()
    folder, venv = options.output or Path(mkdtemp()), options.venv.resolve()
    print("| set | examples | accuracy | training, s |\n|---|---|---|---|")
    for name in options.sets:
        num_examples, accuracy, seconds = measure(name, options.data / name, venv, folder, options.seed)
        print(f"| {name} | {num_examples} | {accuracy:.4f} | {seconds:.0f} |", flush=True)


def measure(name: str, data: Path, venv: Path, folder: Path, seed: int) -> tuple[int, float, float]:
    """How many examples there are, the accuracy on the official test part, and the seconds of training."""
    answers = {"problem": PROBLEMS[name], "project_name": name.replace("_", " ")}
    project = Path(cookiecutter(str(ROOT), no_input=True, extra_context=answers, output_dir=str(folder)))
    (archive,) = data.glob("*.zip")
    zipfile.ZipFile(archive).extractall(project / "data" / "raw" / "files")
    fractions = write_table(project / "data" / "raw", seed)
    arguments = ["--source=data/raw/table.csv", "--target=label", "--time=part", "--group=", "--name-pattern="]
    arguments += [f"--split-fractions={json.dumps(fractions)}", f"--seed={seed}"]
    for stage in ("collect", "train", "accept"):
        command = [venv / "bin" / "python", "-m", f"{next(project.glob('src/*')).name}.{stage}", *arguments]
        started = time.perf_counter()
        finished = subprocess.run(
            command, cwd=project, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True, text=True, check=False
        )
        if finished.returncode:
            raise SystemExit(f"{stage} failed: {finished.stderr[-2000:]}")
        if stage == "train":
            seconds = time.perf_counter() - started
    verdict = json.loads((project / "artifacts" / "acceptance" / "verdict.json").read_text(encoding="utf-8"))
    rows = json.loads((project / "artifacts" / "examples" / "provenance.json").read_text(encoding="utf-8"))["rows"]
    return sum(rows.values()), verdict["metrics"]["accuracy"]["value"], seconds


def write_table(folder: Path, seed: int) -> list[float]:
    """Writes the paths with their classes and parts, numbered in time; returns the parts' shares."""
    paths = sorted(path for path in (folder / "files").rglob("*.*") if path.parent.parent.name in PARTS)
    draw = random.Random(seed)  # noqa: S311
    has_validation = any(path.parent.parent.name == "val" for path in paths)
    rows = []
    for path in paths:
        part = path.parent.parent.name
        if part == "train" and not has_validation and draw.random() < 0.15:
            part = "val"
        rows.append((str(path.relative_to(folder)), path.parent.name, PARTS.index(part)))
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "part"), *rows])
    counts = Counter(part for _, _, part in rows)
    return [counts[part] / len(rows) for part in range(len(PARTS))]


if __name__ == "__main__":
    main()
