"""Figures and tables of translations: quality, length and confidence."""

import numpy as np

from .. import metrics
from ..metrics import Predictions, Texts
from ..reporting import plots
from ..reporting.report import Block, Figure, Table
from ..task import Target


def remarks(target: Target, targets: Texts, predictions: Predictions) -> list[str]:
    """What a good score can hide, in sentences: a model that always says the same."""
    del target, targets
    outputs = metrics.as_texts(predictions[metrics.OUTPUT])
    constant = len(outputs) > 1 and len(set(outputs)) == 1
    return [f"The model translates every example as {outputs[0]!r}."] if constant else []


def figures(target: Target, targets: Texts, predictions: Predictions) -> list[Block]:
    """The distributions of quality and length, and confidence against quality."""
    del target  # the metrics compare texts
    quality, outputs = 100 * (1 - metrics.errors(targets, predictions)), metrics.as_texts(predictions[metrics.OUTPUT])
    ratios = np.array(
        [len(one) / max(1, len(other)) for one, other in zip(outputs, metrics.as_texts(targets), strict=True)]
    )
    blocks: list[Block] = [
        Table("Signatures", ["Metric", "Signature of sacrebleu"], list(metrics.signatures(targets).items())),
        Figure(
            "Quality of the translations",
            plots.histogram(quality, "chrF of a translation"),
            f"chrF of each translation: half of them have at least {np.median(quality):.0f}.",
        ),
        Figure(
            "Length of the translations",
            plots.histogram(np.minimum(ratios, 3), "characters per character of the reference"),
            f"Length of translations by that of their references: the median ratio is {np.median(ratios):.2f}.",
            "Ratios above 3 are counted as 3; they occur when a model repeats itself.",
        ),
    ]
    if "confidence" in predictions:
        confidence = predictions["confidence"].astype(float)
        figure = Figure(
            "Confidence and quality",
            plots.scatter(confidence, quality, "confidence", "chrF of a translation"),
            "chrF of each translation against its confidence, the mean probability of its tokens.",
        )
        blocks.append(figure)
    return blocks
