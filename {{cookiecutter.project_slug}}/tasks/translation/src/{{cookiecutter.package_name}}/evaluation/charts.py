"""Figures and tables that show how good translations are."""

import numpy as np

from .. import metrics
from ..metrics import Predictions, Texts
from ..reporting import plots
from ..reporting.report import Block, Figure, Table
from ..task import Target


def figures(target: Target, targets: Texts, predictions: Predictions) -> list[Block]:
    """How good the translations are, how sure the model was of them, and how long they are."""
    del target  # texts, whatever their pieces
    quality, outputs = 100 * (1 - metrics.errors(targets, predictions)), metrics.as_texts(predictions[metrics.OUTPUT])
    ratios = np.array(
        [len(one) / max(1, len(other)) for one, other in zip(outputs, metrics.as_texts(targets), strict=True)]
    )
    blocks: list[Block] = [
        Table("Signatures", ["Metric", "As sacrebleu writes it"], list(metrics.signatures().items())),
        Figure(
            "Quality of the translations",
            plots.histogram(quality, "chrF of a translation"),
            f"chrF of each translation: half of them have at least {np.median(quality):.0f}.",
        ),
        Figure(
            "Length of the translations",
            plots.histogram(np.minimum(ratios, 3), "characters per character of the reference"),
            f"Lengths beside those of the references: the median ratio is {np.median(ratios):.2f}.",
            "Above 3 counts as 3: a model that does not find an end repeats itself.",
        ),
    ]
    if "confidence" in predictions:
        confidence = predictions["confidence"].astype(float)
        figure = Figure(
            "Confidence and quality",
            plots.scatter(confidence, quality, "confidence", "chrF of a translation"),
            "chrF of each translation against the mean probability of its pieces: what the model is not sure of is "
            "worth a look by a person.",
        )
        blocks.append(figure)
    return blocks
