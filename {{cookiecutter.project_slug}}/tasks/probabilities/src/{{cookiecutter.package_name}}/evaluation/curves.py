"""Figures of probabilities: curves of each class or label against the rest, and calibration."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..reporting import plots
from ..reporting.report import Block, Figure

CALIBRATION_BINS = 15

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]


def curve_figures(
    names: Sequence[str], members: Booleans, probabilities: Floats, nouns: tuple[str, str] = ("class", "classes")
) -> list[Block]:
    """ROC and precision-recall curves of the most frequent classes; `members` says which examples are of which.

    Both arrays are (num_examples, num_names); `nouns` is what a name is called, and several.
    """
    counts = members.sum(axis=0)
    ranked = np.argsort(-counts, kind="stable").tolist()
    drawn = [each for each in ranked if 0 < counts[each] < len(members)][: plots.MAX_SERIES]
    roc, recall, areas, precisions = curves(names, members, probabilities, drawn)
    texts = [
        "; ".join(f"{names[each]} {value:.3f}" for each, value in zip(drawn, values, strict=True))
        for values in (areas, precisions)
    ]
    kinds = ("Area under the curve", "Average precision")
    notes = [f"{kind} of {text}." for kind, text in zip(kinds, texts, strict=True)]
    if len(drawn) > 1:
        which = f"Every {nouns[0]}"
        if len(drawn) < len(names):  # of classes that are equally frequent, some may be left out
            which = f"{len(drawn)} of {len(names)} {nouns[1]}, none of which is rarer than those left out"
        notes = [f"{which}, one against the rest. The legend begins with the {kind.lower()}." for kind in kinds]
    return [
        Figure(
            "ROC curve",
            plots.lines(roc, "false positive rate", "true positive rate", diagonal=True, unit_axes=True),
            f"Receiver operating characteristic. Areas under the curves: {texts[0]}.",
            notes[0],
        ),
        Figure(
            "Precision-recall curve",
            plots.lines(recall, "recall", "precision", unit_axes=True),
            f"Precision against recall. Average precision: {texts[1]}.",
            notes[1],
        ),
    ]


def curves(
    names: Sequence[str], members: Booleans, probabilities: Floats, drawn: Sequence[int]
) -> tuple[list[plots.Line], list[plots.Line], list[float], list[float]]:
    """ROC and precision-recall curves of the names at these places, areas under the first and average precisions."""
    from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

    roc, recall, areas, precisions = list[plots.Line](), list[plots.Line](), list[float](), list[float]()
    for each in drawn:
        is_positive, scores = members[:, each], probabilities[:, each]
        false_positives, true_positives, _ = roc_curve(is_positive, scores)
        precision, found, _ = precision_recall_curve(is_positive, scores)
        areas.append(auc(false_positives, true_positives))
        precisions.append(average_precision_score(is_positive, scores))
        roc.append(plots.Line(f"{areas[-1]:.3f} {names[each]}", false_positives, true_positives))
        recall.append(plots.Line(f"{precisions[-1]:.3f} {names[each]}", found, precision))
    return roc, recall, areas, precisions


def calibration_figure(predicted: Floats, is_true: Booleans, labels: tuple[str, str]) -> Figure:
    """The calibration curve: the share of positives by predicted probability, both (num_examples,).

    `labels` are those of the axes.
    """
    from sklearn.calibration import calibration_curve

    shares, means = calibration_curve(
        is_true, predicted.clip(0, 1), n_bins=CALIBRATION_BINS, strategy="quantile", pos_label=True
    )
    return Figure(
        "Calibration curve",
        plots.lines([plots.Line("model", means, shares)], *labels, diagonal=True, marks=True, unit_axes=True),
        f"In {len(means)} bins of equal size, predicted probability and observed share differ by "
        f"{np.abs(means - shares).mean():.3f} on average.",
        "On the dotted line, the model is calibrated; below it, it is overconfident. Its temperature was set on these "
        "validation examples, so that new examples may lie a little further away.",
    )
