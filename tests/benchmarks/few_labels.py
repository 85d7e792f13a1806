"""Draws the table of few labels in .github/BENCHMARKS.md as curves of accuracy by labels a class, one chart a set.

    python tests/benchmarks/few_labels.py

Runs where matplotlib is, as in the environment of a generated project. Writes .github/few-labels.png. Where a cell has
several numbers, by seed, the curve goes through their mean.
"""

from __future__ import annotations

import re
import statistics
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

FOLDER = Path(__file__).resolve().parents[2] / ".github"
TITLE = "## Few labels"
CURVES = {"kept by default": "#0072b2", "from scratch": "#d55e00", "linear baseline": "#595959"}


class Row(NamedTuple):
    """Accuracies of a set with so many labels a class, in the order of CURVES."""

    name: str
    labels: int
    accuracies: list[float]


def main() -> None:
    rows = read((FOLDER / "BENCHMARKS.md").read_text(encoding="utf-8"))
    names = list(dict.fromkeys(row.name for row in rows))
    figure, charts = plt.subplots(1, len(names), figsize=(2.6 * len(names), 2.8), sharey=True, layout="constrained")
    for chart, name in zip(charts, names, strict=True):
        own = [row for row in rows if row.name == name]
        for place, (label, color) in enumerate(CURVES.items()):
            values = [row.accuracies[place] for row in own]
            chart.plot([row.labels for row in own], values, marker="o", markersize=4, color=color, label=label)
        chart.set_xscale("log")
        chart.set_xticks([row.labels for row in own], [str(row.labels) for row in own])
        chart.minorticks_off()
        chart.set_title(name, fontsize=9)
        chart.set_ylim(0, 1)
        chart.grid(alpha=0.3)
        chart.spines[["top", "right"]].set_visible(False)
    charts[0].set_ylabel("accuracy")
    figure.supxlabel("labels a class", fontsize=9)
    figure.legend(*charts[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(CURVES), frameon=False)
    figure.savefig(FOLDER / "few-labels.png", dpi=150)


def read(page: str) -> list[Row]:
    """The rows of the first table below TITLE.

    Raises:
        SystemExit: there are none.
    """
    lines = dropwhile(lambda line: "|" not in line, page.partition(TITLE)[2].partition("\n## ")[0].splitlines())
    table = takewhile(lambda line: "|" in line, lines)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    rows = [Row(name, int(labels.split(",")[0]), list(map(mean, found))) for name, labels, _, *found in cells[2:]]
    if not rows:
        raise SystemExit(f"BENCHMARKS.md has no table below {TITLE!r}")
    return rows


def mean(cell: str) -> float:
    """The mean of the numbers of a cell."""
    return statistics.fmean(float(number) for number in re.findall(r"[\d.]+", cell))


if __name__ == "__main__":
    main()
