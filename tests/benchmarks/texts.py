"""Scores the default network for texts on official test parts, through a generated project's own stages.

    python tests/benchmarks/texts.py --data DIR --venv DIR [--sets banking77] [--seed 0] [--output FOLDER]

DIR holds a folder for each set, with one table called ..._train and one called ..._test in it; 15 % of the training
part are for validation. Nothing is tuned. Prints a Markdown table; beside the network stands a logistic regression on
TF-IDF weights, fitted to the same examples. Of a set whose name ends in _joined, one to three texts are joined, which
have all their labels, and the score is the mean average precision.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections import Counter
from pathlib import Path

import stages

TARGETS = {"snips_intents": "intent", "banking77": "category", "imdb_20k": "label", "banking77_joined": "category"}
JOINED = "_joined"
VALIDATION = 0.15  # of the training part


def main() -> None:
    options = stages.options(__doc__, TARGETS)
    print("| set | examples | score | TF-IDF, logistic regression | training, s |\n|---|---|---|---|---|")
    for name in options.sets:
        problem, metric, simplest = "text-classification", "accuracy", "majority"
        if name.endswith(JOINED):
            problem, metric, simplest = "text-multilabel-classification", "map", "prior"
        project = stages.bake(problem, name, options.output)
        arguments = prepare(options.data, project, name, options.seed)
        arguments += [f"--criteria={json.dumps({'log_loss': simplest, metric: 'linear'})}"]
        result = stages.judge(project, options.venv, arguments)
        linear = result.verdict["baseline"]["linear"][metric]
        scores = f"{result.score(metric):.4f} | {linear:.4f}"
        print(f"| {name} | {result.num_examples} | {scores} | {result.seconds:.0f} |", flush=True)


def prepare(data: Path, project: Path, name: str, seed: int) -> list[str]:
    """Writes the table of a set; returns the settings for it."""
    fractions = write_table(data, name, project / stages.TABLE, seed)
    arguments = [f"--source={stages.TABLE}", f"--target={TARGETS[name]}", "--time=part", "--ignore=part"]
    return [*arguments, f"--split-fractions={json.dumps(fractions)}", f"--seed={seed}"]


def write_table(data: Path, name: str, path: Path, seed: int) -> list[float]:
    """Writes the rows of both parts, those for validation between them, numbered in time; returns the parts' shares."""
    draw = random.Random(seed)  # noqa: S311
    rows, header = [], []
    for place, part in ((0, "train"), (2, "test")):
        (file,) = (data / name.removesuffix(JOINED)).glob(f"*_{part}.csv.gz")
        with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
            header, *body = csv.reader(stream)
        if name.endswith(JOINED):
            body = join(body, draw)
        rows += [(*row, 1 if place == 0 and draw.random() < VALIDATION else place) for row in body]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([(*header, "part"), *rows])
    counts = Counter(row[-1] for row in rows)
    return [counts[part] / len(rows) for part in range(3)]


def join(rows: list[list[str]], draw: random.Random) -> list[list[str]]:
    """One to three rows, of a text and its label, as one: the texts, and all labels."""
    draw.shuffle(rows)
    joined = []
    while rows:
        texts, labels = zip(*(rows.pop() for _ in range(min(len(rows), draw.randint(1, 3)))), strict=True)
        joined.append([" ".join(texts), "|".join(sorted({*labels}))])
    return joined


if __name__ == "__main__":
    main()
