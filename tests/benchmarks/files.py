"""Scores the default networks for images and audio on official test parts, through a generated project's own stages.

    python tests/benchmarks/files.py --data DIR --venv DIR [--sets cifar10_jpg_12k fsdd] [--output FOLDER]

DIR holds a folder with a zip archive for each set, in which the files lie below train and test, sorted by class. A part
called val is for validation; else it is 15 % of the training part. Nothing is tuned. Prints a Markdown table.
"""

from __future__ import annotations

import csv
import json
import random
import zipfile
from collections import Counter
from pathlib import Path

import stages

PROBLEMS = {
    "fashion_mnist_png": "image-classification",
    "cifar10_jpg_12k": "image-classification",
    "fruits360_3body": "image-classification",
    "fsdd": "audio-classification",
    "arabic_speech_commands_10": "audio-classification",
}
PARTS = ("train", "val", "test")


def main() -> None:
    options = stages.options(__doc__, PROBLEMS)
    print("| set | examples | accuracy | training, s |\n|---|---|---|---|")
    for name in options.sets:
        project = stages.bake(PROBLEMS[name], name, options.output)
        arguments = prepare(options.data, project, name, options.seed)
        result = stages.judge(project, options.venv, arguments)
        print(f"| {name} | {result.num_examples} | {result.score('accuracy'):.4f} | {result.seconds:.0f} |", flush=True)


def prepare(data: Path, project: Path, name: str, seed: int) -> list[str]:
    """Unpacks a set, and writes the table of its files; returns the settings for it."""
    (archive,) = (data / name).glob("*.zip")
    zipfile.ZipFile(archive).extractall(project / "data" / "raw" / "files")
    fractions = write_table(project / "data" / "raw", seed)
    arguments = [f"--source={stages.TABLE}", "--target=label", "--time=part", "--group=", "--name-pattern="]
    return [*arguments, f"--split-fractions={json.dumps(fractions)}", f"--seed={seed}"]


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
