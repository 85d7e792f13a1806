"""Tables and figures that show where a classifier is right, wrong and overconfident."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..data.resampling import Floats
from ..metrics import Predictions
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Table
from ..task import Target

MAX_CONFUSIONS = 20  # rows of the table of confusions

Integers = npt.NDArray[np.integer]


def blocks(names: Sequence[str], targets: Integers, probabilities: npt.NDArray[Any]) -> list[Block]:
    """Takes class numbers (num_examples,) and probabilities (num_examples, num_classes)."""
    cells = targets * len(names) + probabilities.argmax(axis=1)
    confusion = np.bincount(cells, minlength=len(names) ** 2).reshape(len(names), -1)
    ranked = metrics.ranked_classes(len(names))
    counts = {each: metrics.rank(probabilities[:, each], targets == each).tally() for each in ranked}
    return [
        class_table(names, confusion, counts),
        *confusion_blocks(names, confusion),
        *curve_figures(names, counts),
        calibration_figure(names, targets, probabilities),
    ]


def class_table(names: Sequence[str], confusion: Integers, counts: Mapping[int, Floats]) -> Table:
    """Precision, recall, F1 and ROC AUC of every class."""
    hits, support, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    columns = [
        names,
        support.tolist(),
        metrics.divide(hits, predicted).tolist(),
        metrics.divide(hits, support).tolist(),
        metrics.divide(2 * hits, support + predicted).tolist(),
        [float(metrics.roc_auc(counts.get(place, counts[1]))) for place in range(len(names))],
    ]
    headings: list[str | Column] = [
        "Class",
        Column("Examples", hint="of this class in the split"),
        Column("Precision", ".3f", "share of the predictions of this class that are right"),
        Column("Recall", ".3f", "share of the examples of this class that are found"),
        Column("F1", ".3f", "harmonic mean of precision and recall"),
        Column("ROC AUC", ".3f", "chance that an example of the class is ranked above one of another class"),
    ]
    return Table("Scores by class", headings, list(zip(*columns, strict=True)))


def confusion_blocks(names: Sequence[str], confusion: Integers) -> list[Block]:
    """The confusion matrix and, as it shows no numbers for many classes, its largest entries as a table."""
    wide = len(names) > plots.MAX_LABELLED_CELLS
    off_diagonal = confusion * (1 - np.eye(len(names), dtype=int))
    worst = np.argsort(-off_diagonal, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [(int(row), int(column)) for row, column in zip(*np.unravel_index(worst, confusion.shape), strict=True)]
    rows = [
        [names[row], names[column], int(confusion[row, column]), confusion[row, column] / confusion[row].sum()]
        for row, column in pairs
        if off_diagonal[row, column]
    ]
    matrix = Figure(
        "Confusion matrix",
        plots.heatmap(confusion, names, "predicted class", "true class"),
        f"How often each of {len(names)} classes was predicted as each; {confusion.trace():,} of {confusion.sum():,} "
        "examples are on the diagonal, that is, right.",
        "Shaded by the share of the true class.",
        wide,
    )
    columns: list[str | Column] = [
        "True class",
        "Predicted class",
        "Examples",
        Column("Share of the true class", ".1%"),
    ]
    return [matrix, Table("Most frequent confusions", columns, rows)] if wide else [matrix]


def curve_figures(names: Sequence[str], counts: Mapping[int, Floats]) -> list[Block]:
    """ROC and precision-recall curves of the most frequent classes."""
    drawn = sorted(counts, key=lambda each: -counts[each][:, 1].sum())[: plots.MAX_SERIES]
    points = {each: metrics.curves(counts[each]) for each in drawn if counts[each].sum(axis=0).all()}
    areas = {each: (metrics.roc_auc(counts[each]), metrics.average_precision(counts[each])) for each in points}
    roc = [plots.Line(f"{areas[each][0]:.3f} {names[each]}", points[each][0], points[each][1]) for each in points]
    recall = [plots.Line(f"{areas[each][1]:.3f} {names[each]}", points[each][1], points[each][2]) for each in points]
    texts = ["; ".join(f"{names[each]} {areas[each][place]:.3f}" for each in points) for place in (0, 1)]
    notes = [
        f"{kind} of {text}." for kind, text in zip(("Area under the curve", "Average precision"), texts, strict=True)
    ]
    if len(points) > 1:
        which = f"The {len(drawn)} most frequent of {len(counts)} classes, e" if len(counts) > len(drawn) else "E"
        notes = [f"{which}ach against the rest; before its name the {kind}." for kind in ("area", "average precision")]
    return [
        Figure(
            "ROC",
            plots.lines(roc, "false positive rate", "true positive rate", diagonal=True, unit_axes=True),
            f"Receiver operating characteristic. Areas under the curves: {texts[0]}.",
            notes[0],
        ),
        Figure(
            "Precision and recall",
            plots.lines(recall, "recall", "precision", unit_axes=True),
            f"Precision against recall. Average precision: {texts[1]}.",
            notes[1],
        ),
    ]


def calibration_figure(names: Sequence[str], targets: Integers, probabilities: npt.NDArray[Any]) -> Figure:
    """How often the model is right when it says how sure it is."""
    if len(names) == 2:
        stated, came_true = probabilities[:, 1], targets == 1
        labels = (f"probability of {names[1]}", f"share of {names[1]}")
    else:
        stated, came_true = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
        labels = ("probability of the predicted class", "share of right predictions")
    bins = metrics.equal_bins(stated)
    sizes = np.bincount(bins)
    filled = sizes > 0
    x, y = (np.bincount(bins, values)[filled] / sizes[filled] for values in (stated, came_true))
    return Figure(
        "Calibration",
        plots.lines([plots.Line("model", x, y)], *labels, diagonal=True, marks=True, unit_axes=True),
        f"In {filled.sum()} bins of equal size, stated probability and what came true differ by "
        f"{np.abs(x - y).mean():.3f} on average.",
        "On the dotted line, what the model states is what happens; below it, the model is overconfident.",
    )


def figures(target: Target, targets: Integers, predictions: Predictions) -> list[Block]:
    """Tables and figures that show where the model is right, wrong and overconfident."""
    return blocks([str(name) for name in target.classes], targets, predictions["probabilities"])
