"""Scores what `make train` keeps on official test parts beside the network from scratch, with all labels or with few.

    python tests/benchmarks/pretrained.py --data DIR --venv DIR [--sets banking77] [--labels-per-class 3] [--seed 0]

DIR holds the sets of files.py and texts.py. With --labels-per-class, so many examples of each class are for training,
as many for validation, and the test part is whole. Nothing is tuned. Prints a Markdown table; beside the accuracies
stands that of a logistic regression (on TF-IDF weights of texts, on a coarse view of images, on what is measured of
recordings) with the same examples. The log loss is that of what is kept, seconds are those of training, milliseconds
those of the exported model for one example. Where no weights can be had, what is kept is the network from scratch.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import Counter
from pathlib import Path

import files
import stages
import texts

PROBLEMS = {
    **{name: problem for name, problem in files.PROBLEMS.items() if name != "fsdd"},
    **{name: "text-classification" for name in texts.TARGETS if not name.endswith(texts.JOINED)},
}
HEADER = "| set | labels a class | kept | accuracy | from scratch | linear | log loss | training, s | one example, ms |"
COMPARED = '--criteria={"log_loss": "majority", "accuracy": "linear"}'  # so that accept scores the linear model


def main() -> None:
    few = {"--labels-per-class": {"type": int, "default": 0, "help": "0: all"}}
    options = stages.options(__doc__, PROBLEMS, few)
    print(f"{HEADER}\n|{'---|' * HEADER.count(' | ')}---|")
    for name in options.sets:
        project = stages.bake(PROBLEMS[name], name, options.output)
        prepare = texts.prepare if name in texts.TARGETS else files.prepare
        arguments = prepare(options.data, project, name, options.seed)
        if options.labels_per_class:
            target = texts.TARGETS.get(name, "label")
            fractions = keep_few(project / stages.TABLE, target, options.labels_per_class, options.seed)
            arguments = [each for each in arguments if not each.startswith("--split-fractions")]
            arguments.append(f"--split-fractions={fractions}")
        print(measure(name, project, options, arguments), flush=True)


def measure(name: str, project: Path, options: argparse.Namespace, arguments: list[str]) -> str:
    """A line of the table: what is kept, and the same without a pretrained network."""
    scratch = stages.judge(project, options.venv, [*arguments, COMPARED, "--backbone=none"])
    kept = stages.judge(project, options.venv, [*arguments, COMPARED])
    run = stages.read(project / "artifacts" / "training" / "run.json")
    chosen = run["hyperparameters"].get("network", "scratch")
    milliseconds = stages.latency(project, options.venv, arguments)
    linear = kept.verdict["baseline"]["linear"]["accuracy"]
    scores = " | ".join(f"{score:.4f}" for score in (kept.score("accuracy"), scratch.score("accuracy"), linear))
    labels = options.labels_per_class or "all"
    scores += f" | {kept.score('log_loss'):.3f}"
    return f"| {name} | {labels} | {chosen} | {scores} | {kept.seconds:.0f} | {milliseconds:.1f} |"


def keep_few(path: Path, target: str, most: int, seed: int) -> list[float]:
    """Leaves at most so many training and validation rows of each class in a table; returns the parts' shares."""
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    random.Random(seed).shuffle(rows)  # noqa: S311
    seen, kept, places = Counter[tuple[str, ...]](), list[list[str]](), [header.index(target), header.index("part")]
    for row in rows:
        label, part = (row[place] for place in places)
        seen[label, part] += 1
        if part == "2" or seen[label, part] <= most:
            kept.append(row)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *kept])
    counts = Counter(row[places[1]] for row in kept)
    return [counts[part] / len(kept) for part in sorted(counts)]


if __name__ == "__main__":
    main()
