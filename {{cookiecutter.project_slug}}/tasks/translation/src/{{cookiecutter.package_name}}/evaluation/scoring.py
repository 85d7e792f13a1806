"""Translation: scores with intervals, the figures that explain them, and the baselines to beat.

Targets are texts, (num_examples,); predictions hold `translation`, texts or their UTF-8, and from the network also
`confidence` and `pieces`, each (num_examples,).
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..pairs import nearest, overlap
from ..reporting import plots
from ..reporting.report import Block, Figure, Table
from ..task import Target
from .bootstrap import Floats, Metric, resampled_weights, summarize
from .outcomes import OUTPUT

BASELINES = ("copy", "translation_memory")
METRICS = {
    "bleu": Metric("BLEU", greater_is_better=True),
    "chrf": Metric("chrF", greater_is_better=True),
    "exact_match": Metric("Exact matches", greater_is_better=True),
}

Texts = npt.NDArray[np.object_]
Predictions = Mapping[str, npt.NDArray[Any]]


def score(targets: Texts, predictions: Predictions) -> dict[str, float]:
    """Every metric by name: BLEU and chrF from 0 to 100, of all texts as one; the share of texts that are the same."""
    counts = terms(targets, predictions)
    return metrics(counts.sum(axis=0), len(targets))


def intervals(targets: Texts, predictions: Predictions, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Every metric's value with its bootstrap 95 % interval."""
    return summarize(score(targets, predictions), samples(targets, predictions, resamples, seed))


def samples(targets: Texts, predictions: Predictions, resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    counts = terms(targets, predictions)
    drawn = [metrics(each @ counts, len(targets)) for each in resampled_weights(len(targets), resamples, seed)]
    return {name: np.array([scores[name] for scores in drawn]) for name in METRICS}


def terms(targets: Texts, predictions: Predictions) -> Floats:
    """What the metrics need of each text, (num_examples, 1 + NUM_COUNTS): whether it is the same, then its counts."""
    pairs = zip(as_texts(predictions[OUTPUT]), as_texts(targets), strict=True)
    rows = [[one.strip() == other.strip(), *overlap.sentence_counts(one, other)] for one, other in pairs]
    return np.array(rows, float).reshape(-1, 1 + overlap.NUM_COUNTS)


def metrics(summed: Floats, num_examples: int) -> dict[str, float]:
    """The metrics from the sums of the terms, (1 + NUM_COUNTS,)."""
    counts = summed[1:]
    return {"bleu": overlap.bleu(counts), "chrf": float(overlap.chrf(counts)), "exact_match": summed[0] / num_examples}


def errors(targets: Texts, predictions: Predictions) -> Floats:
    """What ranks the worst translations: how much chrF each lacks, 0 to 1, (num_examples,)."""
    return 1 - overlap.chrf(terms(targets, predictions)[:, 1:]) / 100


def as_texts(values: npt.NDArray[Any]) -> list[str]:
    """Texts, or their UTF-8, as texts."""
    return [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values]


def baseline(
    train: tuple[Texts, Texts], evaluation: Texts, names: Collection[str] = BASELINES
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """What simple models make of the sources `evaluation`, given sources and targets of the training examples.

    copy gives the source back; translation_memory the target of the training source that is most like it.
    """
    predictions = {"copy": evaluation}
    if "translation_memory" in names:
        predictions["translation_memory"] = train[1][nearest.find(train[0], evaluation)]
    return {name: {OUTPUT: values} for name, values in predictions.items()}


def figures(target: Target, targets: Texts, predictions: Predictions) -> list[Block]:
    """How good the translations are, how sure the model was of them, and how long they are."""
    del target  # texts, whatever their pieces
    quality, outputs = 100 * (1 - errors(targets, predictions)), as_texts(predictions[OUTPUT])
    ratios = np.array([len(one) / max(1, len(other)) for one, other in zip(outputs, as_texts(targets), strict=True)])
    blocks: list[Block] = [
        Table("Signatures", ["Metric", "As sacrebleu writes it"], list(overlap.signatures().items())),
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
