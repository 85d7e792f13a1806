"""Tables and figures of a classifier: scores by class, confusion matrix, ROC, precision-recall and calibration."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..metrics import Predictions
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Table
from ..task import Target
from . import curves

MAX_CONFUSIONS = 20  # rows of the table of confusions
CLASSES_SHOWN = 5  # in a sentence

Integers = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]
Booleans = npt.NDArray[np.bool_]


def figures(target: Target, targets: Integers, predictions: Predictions) -> list[Block]:
    """Scores by class, confusion matrix, curves and calibration, for class numbers (num_examples,)."""
    from sklearn.metrics import confusion_matrix  # here, since it takes a second to import

    names, probabilities = [str(name) for name in target.classes], predictions["probabilities"].astype(float)
    predicted = metrics.predicted_classes(predictions)
    confusion = confusion_matrix(targets, predicted, labels=range(len(names)))
    return [
        *(decision_blocks(target, targets, predictions) if target.decision else []),
        *(referral_blocks(target, targets, predictions) if target.referral else []),
        class_table(names, targets, probabilities, predicted),
        *confusion_blocks(names, confusion),
        *class_curves(names, targets, probabilities),
        class_calibration(names, targets, probabilities),
    ]


def remarks(target: Target, targets: Integers, predictions: Predictions) -> list[str]:
    """How labels are chosen, if not as usual, and what a good score can hide: classes without examples or answers."""
    said = [str(each) for each in (target.decision, target.referral) if each]
    answers = metrics.predicted_classes(predictions)
    counts, predicted = (np.bincount(each, minlength=len(target.classes)) for each in (targets, answers))
    if target.decision and target.decision.positive:
        found, name = int((answers * targets).sum()), target.decision.positive
        true = f"{found:,} of {counts[1]:,} examples of {name} are found"
        said.append(f"{true}, and {predicted[1] - found:,} of {predicted[1]:,} answers {name} are wrong.")
    absent = [str(target.classes[each]) for each in np.flatnonzero(counts == 0)]
    if absent:
        none = f"None of the {len(targets):,} examples is of class {first_of(absent)}"
        said.append(f"{none}: the scores do not tell how well such examples are recognised.")
    missed = np.flatnonzero((predicted == 0) & (counts > 0))
    if len(missed):
        shown = first_of([f"{target.classes[each]} ({counts[each]:,})" for each in missed])
        missing = f"Never predicted, with their number among {len(targets):,} examples: {shown}"
        said.append(f"{missing}; `class_weight` balanced finds more of rare classes.")
    return said


def first_of(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - CLASSES_SHOWN} more" if len(names) > CLASSES_SHOWN else ""
    return ", ".join(names[:CLASSES_SHOWN]) + more


def decision_blocks(target: Target, targets: Integers, predictions: Predictions) -> list[Block]:
    """How labels are chosen: what happens at the operating point, and what would at others."""
    from ..data import decisions

    decision, predicted = target.decision, metrics.predicted_classes(predictions)
    if decision is None or decision.threshold is None:
        return [str(decision), mistake_table(target, targets, predicted)]
    is_positive = targets == 1
    at = decisions.Thresholds.between(decision, predictions["probabilities"][:, 1], is_positive)
    rates = at.rates(np.ones((1, len(targets))))
    shares = [plots.Line(name, at.values, rates.named(name)[0]) for name in ("sensitivity", "specificity", "precision")]
    curves = [plots.Line("expected cost", at.values, rates.cost(decision.costs)[0])] if decision.costs else shares
    what = "Expected cost" if decision.costs else "Sensitivity, specificity and precision"
    benefits = net_benefits(predictions["probabilities"][:, 1], is_positive, decision.positive)
    axis = f"probability from which {decision.positive} is answered"
    return [
        str(decision),
        mistake_table(target, targets, predicted),
        Figure(
            f"{what} by threshold",
            plots.lines([*curves, chosen_line(decision.threshold, curves)], axis, what.lower()),
            f"{what} of thresholds between 0 and 1; {decision.threshold:.3g} is chosen.",
            "Of the same examples on which the threshold was chosen, so that others may do a little worse.",
        ),
        Figure(
            "Decision curve",
            plots.lines([*benefits, chosen_line(decision.threshold, benefits)], axis, "net benefit"),
            f"Net benefit of the model by threshold, beside that of always and never answering {decision.positive}.",
            "The share of examples that are rightly caught, less that of false alarms, each of which counts as much as "
            "the threshold says. Where the model is below one of the dashed lines, it is better not used.",
        ),
    ]


def net_benefits(probabilities: Floats, is_positive: Booleans, positive: str) -> list[plots.Line]:
    """The net benefit by threshold of the model, and of always and never answering the positive class."""
    from ..data import decisions

    grid = np.linspace(0.01, 0.99, 99)
    benefit, everyone = (
        decisions.Thresholds.of(grid, scores, is_positive).rates(np.ones((1, len(scores)))).net_benefit(grid)[0]
        for scores in (probabilities, np.ones(len(probabilities)))
    )
    shown = everyone > -max(benefit.max(), 0.01)  # further down it is of no use
    return [
        plots.Line("model", grid, benefit),
        plots.Line(f"always {positive}", grid[shown], everyone[shown], dashed=True),
        plots.Line(f"never {positive}", grid, np.zeros(len(grid)), dashed=True),
    ]


def referral_blocks(target: Target, targets: Integers, predictions: Predictions) -> list[Block]:
    """Which examples are referred, and what the error among the answered would be if others were."""
    from ..data import referral

    weighted = predictions.get("weighted", predictions["probabilities"])
    doubts = np.partition(referral.tails(weighted), -2, axis=1)[:, -2]
    order, is_possible = np.argsort(doubts, kind="stable"), predictions["is_possible"]
    is_wrong, numbers = weighted.argmax(axis=1) != targets, np.arange(1, len(targets) + 1)
    errors, shares = is_wrong[order].cumsum() / numbers, numbers / len(targets)
    is_answered = is_possible.sum(axis=1) == 1
    num_answered = int(is_answered.sum())
    curve = plots.Line("error among the answered", shares, errors)
    point = chosen_line(num_answered / len(targets), [curve])
    rows: list[list[str | float]] = []
    for code, name in enumerate(target.classes):
        own = targets == code
        counts = [own, own & ~is_answered, own & is_answered & is_wrong, own & is_possible[:, code]]
        rows.append([str(name), *(int(each.sum()) for each in counts)])
    columns = ["Class", "Examples", "Referred", "Answered wrongly", "Among the possible"]
    error = f"; {errors[num_answered - 1]:.3g} of these are wrong" if num_answered else ""
    return [
        str(target.referral),
        Table(
            "Referred examples", columns, rows, f"{is_possible.sum(axis=1).mean():.2f} classes are possible on average."
        ),
        Figure(
            "Error by the share that is answered",
            plots.lines(
                [curve, point], "share of examples that are answered, the surest first", "share of wrong answers"
            ),
            f"The risk-coverage curve: {shares[num_answered - 1] if num_answered else 0:.3g} are answered{error}.",
            "Of the same examples on which it was chosen what is referred, so that others may do a little worse.",
        ),
    ]


def chosen_line(threshold: float, curves: Sequence[plots.Line]) -> plots.Line:
    """A vertical line at the chosen threshold, as high as the curves."""
    values = np.concatenate([np.asarray(curve.y, float) for curve in curves])
    return plots.Line(f"chosen: {threshold:.3g}", [threshold] * 2, [np.nanmin(values), np.nanmax(values)], dashed=True)


def mistake_table(target: Target, targets: Integers, predicted: Integers) -> Table:
    """How many examples of each class are missed and falsely answered, and what that costs."""
    costs = target.decision.costs if target.decision else None
    paid = target.decision.cost_of(targets, predicted) if target.decision and costs else np.zeros(len(targets))
    rows: list[list[str | float]] = []
    for code, name in enumerate(target.classes):
        missed = int(((targets == code) & (predicted != code)).sum())
        row: list[str | float] = [str(name), int((targets == code).sum()), missed]
        row.append(int(((targets != code) & (predicted == code)).sum()))
        cost = float(paid[targets == code].sum())
        rows.append([*row, cost / missed if missed else costs[code], cost] if costs else row)
    columns = ["Class", "Examples", "Missed", "Falsely answered", *(["Cost of each missed", "Cost"] if costs else [])]
    return Table("Mistakes at the operating point", columns, rows)


def class_table(names: Sequence[str], targets: Integers, probabilities: Floats, predicted: Integers) -> Table:
    """Precision, recall, F1 and ROC AUC of every class."""
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

    labels = range(len(names))
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, predicted, labels=labels, zero_division=np.nan
    )
    areas = [
        roc_auc_score(targets == each, probabilities[:, each]) if 0 < support[each] < len(targets) else np.nan
        for each in labels
    ]
    headings: list[str | Column] = [
        "Class",
        "Examples",
        *(Column(n, ".3f") for n in ("Precision", "Recall", "F1", "ROC AUC")),
    ]
    columns = (values.tolist() for values in (support, precision, recall, f1, np.array(areas)))
    return Table("Scores by class", headings, list(zip(names, *columns, strict=True)))


def confusion_blocks(names: Sequence[str], confusion: Integers) -> list[Block]:
    """The confusion matrix, of many classes that of those with most mistakes, and their pairs as a table."""
    wide = len(names) > plots.FEW_CELLS
    off_diagonal = confusion * (1 - np.eye(len(names), dtype=int))
    mistakes = off_diagonal.sum(axis=0) + off_diagonal.sum(axis=1)
    drawn = np.sort(np.argsort(-mistakes, kind="stable")[: plots.MAX_CELLS])
    part = "" if len(drawn) == len(names) else f"Of {len(names)} classes, the {len(drawn)} with the most mistakes. "
    worst = np.argsort(-off_diagonal, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [(int(row), int(column)) for row, column in zip(*np.unravel_index(worst, confusion.shape), strict=True)]
    rows = [
        [names[row], names[column], int(confusion[row, column]), confusion[row, column] / confusion[row].sum()]
        for row, column in pairs
        if off_diagonal[row, column]
    ]
    matrix = Figure(
        "Confusion matrix",
        plots.heatmap(
            confusion[np.ix_(drawn, drawn)],
            [names[each] for each in drawn],
            "predicted class",
            "true class",
            confusion.sum(axis=1)[drawn],
        ),
        f"How often each of {len(names)} classes was predicted as each; {confusion.trace():,} of {confusion.sum():,} "
        "examples are on the diagonal, that is, correct.",
        f"{part}Shaded by the share of the true class.",
        wide,
    )
    columns: list[str | Column] = [
        "True class",
        "Predicted class",
        "Examples",
        Column("Share of the true class", ".1%"),
    ]
    return [matrix, Table("Most frequent confusions", columns, rows)] if wide else [matrix]


def class_curves(names: Sequence[str], targets: Integers, probabilities: Floats) -> list[Block]:
    """ROC and precision-recall curves of the most frequent classes; of two classes, those of class 1."""
    drawn = slice(1 if len(names) == 2 else 0, None)
    return curves.curve_figures(
        names[drawn], np.eye(len(names), dtype=bool)[targets][:, drawn], probabilities[:, drawn]
    )


def class_calibration(names: Sequence[str], targets: Integers, probabilities: Floats) -> Figure:
    """The calibration curve of class 1 if there are two, else of the predicted class."""
    if len(names) == 2:
        axes = (f"probability of {names[1]}", f"share of {names[1]}")
        return curves.calibration_figure(probabilities[:, 1], targets == 1, axes)
    axes = ("probability of the predicted class", "share of correct predictions")
    return curves.calibration_figure(probabilities.max(axis=1), probabilities.argmax(axis=1) == targets, axes)
