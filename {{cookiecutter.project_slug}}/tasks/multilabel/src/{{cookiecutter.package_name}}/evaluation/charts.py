"""Tables and figures of predicted labels: scores by label, labels that occur together, curves and calibration."""

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..data import probability
from ..data.resampling import divide
from ..metrics import Predictions
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Table
from ..task import Target
from . import curves

LABELS_SHOWN = 5  # in a sentence

Booleans = npt.NDArray[np.bool_]


def figures(target: Target, targets: Booleans, predictions: Predictions) -> list[Block]:
    """Scores by label, co-occurrence, curves and calibration, for true labels (num_examples, num_labels)."""
    probabilities = predictions["probabilities"].astype(float)
    pairs = ("probability of a label", "share of examples that have it")
    return [
        label_table(target, targets, predictions),
        co_occurrence(target, targets),
        *curves.curve_figures(target.labels, targets, probabilities, ("label", "labels")),
        curves.calibration_figure(probabilities.ravel(), targets.ravel(), pairs),
    ]


def remarks(target: Target, targets: Booleans, predictions: Predictions) -> list[str]:
    """How many labels are answered, and what a good score can hide: labels that never are."""
    answered = metrics.answers(predictions)
    true, given = (each.sum(axis=1).mean() for each in (targets, answered))
    said = [f"On average, an example has {true:.2f} labels, and {given:.2f} are answered."]
    missed = np.flatnonzero(~answered.any(axis=0) & targets.any(axis=0))
    if not len(missed):
        return said
    shown = ", ".join(f"{target.labels[each]} ({targets[:, each].sum():,})" for each in missed[:LABELS_SHOWN])
    more = f" and {len(missed) - LABELS_SHOWN} more" if len(missed) > LABELS_SHOWN else ""
    return [*said, f"Never answered, with their number among {len(targets):,} examples: {shown}{more}."]


def label_table(target: Target, targets: Booleans, predictions: Predictions) -> Table:
    """Threshold, precision, recall, F1 and average precision of every label."""
    weights = np.ones((1, len(targets)))
    found, true, answered = (each[0] for each in metrics.label_counts(targets, predictions, weights))
    columns = zip(targets.T, predictions["probabilities"].T, strict=True)
    areas = [probability.average_precision(*probability.counts_by_threshold(*each, weights))[0] for each in columns]
    scores = (divide(found, answered), divide(found, true), divide(2 * found, true + answered), np.array(areas))
    thresholds = np.array(target.thresholds or (np.nan,) * len(target.labels))
    headings: list[str | Column] = ["Label", "Examples", "Answered"]
    headings += [Column(n, ".3f") for n in ("Threshold", "Precision", "Recall", "F1", "Average precision")]
    values = (true.astype(int), answered.astype(int), thresholds, *scores)
    rows = [[name, *row] for name, *row in zip(target.labels, *(each.tolist() for each in values), strict=True)]
    note = (
        "A label is answered from its threshold on. Of the validation split, answers are by thresholds that the other "
    )
    return Table("Scores by label", headings, rows, f"{note}parts of it choose, so that they do not flatter.")


def co_occurrence(target: Target, targets: Booleans) -> Figure:
    """How often examples of one label have another one, too; of many labels the most frequent."""
    counts = targets.sum(axis=0)
    drawn = np.sort(np.argsort(-counts, kind="stable")[: plots.MAX_CELLS])
    chosen = targets[:, drawn].astype(int)
    together, names = chosen.T @ chosen, [target.labels[each] for each in drawn]
    part = "" if len(drawn) == len(counts) else f"Of {len(counts)} labels, the {len(drawn)} most frequent. "
    return Figure(
        "Labels that occur together",
        plots.heatmap(together, names, "of which also have", "examples with", counts[drawn]),
        f"How many examples with each of {len(counts)} labels have each other one.",
        f"{part}Shaded by the share of the examples with the label of the row; the diagonal is how many these are.",
        len(counts) > plots.FEW_CELLS,
    )
