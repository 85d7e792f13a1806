"""Translation: what is measured of translations.

Targets are texts, (num_examples,); predictions hold `translation`, texts or their UTF-8, and from the network also
`confidence` and `pieces`, each (num_examples,). Weights are (num_weightings, num_examples), and a metric is
(num_weightings,).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from .data import resampling
from .data import targets as target_texts
from .data.resampling import Context, Floats, Metric, divide, mean

Texts = npt.NDArray[np.object_]
Predictions = Mapping[str, npt.NDArray[Any]]

TOKENIZER = "auto"  # how sacrebleu splits texts into words: 13a, zh, ja-mecab, char ...; auto: by their script
CHRF_METRIC = CHRF()
BLEU_ORDER, CHRF_ORDER = target_texts.BLEU_ORDER, CHRF_METRIC.char_order
NUM_BLEU = 3 + 2 * BLEU_ORDER  # both lengths, the longest n-grams of the reference, matches and totals by order
NUM_COUNTS = NUM_BLEU + 3 * CHRF_ORDER  # totals of both sides and matches by order
Counts = npt.NDArray[np.float64]
Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its label
OUTPUT = "translation"


def bleu(targets: Texts, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The BLEU of all texts as one corpus, 0 to 100 (Papineni et al. 2002)."""
    per_text = divide(weights, weights.mean(axis=1, keepdims=True))  # 1 on average, since sacrebleu takes whole counts
    return np.array([bleu_of_counts(each) for each in per_text @ terms(targets, predictions)[:, 1:]])


def chrf(targets: Texts, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The chrF of all texts as one corpus, 0 to 100 (Popovic 2015)."""
    return chrf_of_counts(weights @ terms(targets, predictions)[:, 1:])


def exact_match(targets: Texts, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The share of translations that equal their reference."""
    return mean(terms(targets, predictions)[:, 0], weights)


METRICS = {
    "bleu": Metric("BLEU", greater_is_better=True, function=bleu, range=(0, 100)),
    "chrf": Metric("chrF", greater_is_better=True, function=chrf, range=(0, 100)),
    "exact_match": Metric("Exact matches", greater_is_better=True, function=exact_match, range=(0, 1), format=".1%"),
}


def score(
    targets: Texts,
    predictions: Predictions,
    context: Context,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Every metric by name; `weights` are sample weights, (num_examples,)."""
    return resampling.score(metrics, targets, predictions, context, weights)


def samples(
    targets: Texts,
    predictions: Predictions,
    context: Context,
    resamples: int,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    return resampling.samples(metrics, targets, predictions, context, resamples, weights=weights)


def errors(targets: Texts, predictions: Predictions) -> Floats:
    """What the largest errors are ranked by: how much chrF each translation lacks, 0 to 1, (num_examples,)."""
    return 1 - chrf_of_counts(terms(targets, predictions)[:, 1:]) / 100


def terms(targets: Texts, predictions: Predictions) -> Floats:
    """What the metrics need of each text, (num_examples, 1 + NUM_COUNTS): whether it is equal, then its counts."""
    references = as_texts(targets)
    tokenizer, pairs = tokenizer_of(references), zip(as_texts(predictions[OUTPUT]), references, strict=True)
    rows = [[one.strip() == other.strip(), *sentence_counts(one, other, tokenizer)] for one, other in pairs]
    return np.array(rows, float).reshape(-1, 1 + NUM_COUNTS)


def as_texts(values: npt.NDArray[Any]) -> list[str]:
    """Texts, or their UTF-8, as texts."""
    return [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values]


def tokenizer_of(references: Sequence[str]) -> str:
    """The tokenizer of these references."""
    return target_texts.bleu_tokenizer(references) if TOKENIZER == "auto" else TOKENIZER


@lru_cache
def bleu_metric(tokenizer: str) -> BLEU:
    """BLEU on words as a tokenizer of sacrebleu finds them."""
    return BLEU(tokenize=tokenizer, max_ngram_order=BLEU_ORDER)


@lru_cache(1 << 18)
def sentence_counts(translation: str, reference: str, tokenizer: str) -> tuple[int, ...]:
    """The counts of a sentence that both metrics sum, (NUM_COUNTS,)."""
    found = bleu_metric(tokenizer).corpus_score([translation], [[reference]])
    num_longest = max(0, found.ref_len - BLEU_ORDER + 1)
    counts = [found.sys_len, found.ref_len, num_longest, *found.counts, *found.totals]
    sides = ["".join(text.split()) for text in (translation, reference)]
    for order in range(1, CHRF_ORDER + 1):
        ours, theirs = (ngrams(side, order) for side in sides)
        num_theirs = theirs.total()
        counts += [ours.total() if num_theirs else 0, num_theirs, (ours & theirs).total()]
    return tuple(map(int, counts))


def ngrams(text: str, order: int) -> Counter[str]:
    """How often each run of so many characters occurs."""
    return Counter(text[start : start + order] for start in range(len(text) - order + 1))


def bleu_of_counts(counts: Counts) -> float:
    """BLEU of summed counts, 0 to 100; NaN if no reference is long enough for the longest n-grams."""
    sizes, matches, totals = np.split(counts[:NUM_BLEU], [3, 3 + BLEU_ORDER])
    ours, theirs, num_longest = (round(size) for size in sizes)
    if not num_longest:
        return float("nan")  # sacrebleu returns 0, however good such short translations are
    return BLEU.compute_bleu(matches.tolist(), totals.tolist(), ours, theirs, smooth_method="exp").score


def chrf_of_counts(counts: Counts) -> npt.NDArray[np.float64]:
    """The chrF (Popovic 2015) of counts (..., NUM_COUNTS), 0 to 100, (...)."""
    by_order = counts[..., NUM_BLEU:].reshape(*counts.shape[:-1], CHRF_ORDER, 3)
    ours, theirs, matches = np.moveaxis(by_order, -1, 0)
    is_counted = (ours > 0) & (theirs > 0)
    num_orders = np.maximum(is_counted.sum(axis=-1), 1)
    precision, recall = (
        np.where(is_counted, matches / np.maximum(side, 1), 0).sum(axis=-1) / num_orders for side in (ours, theirs)
    )
    weight = CHRF_METRIC.beta**2
    below = weight * precision + recall
    return 100 * (1 + weight) * precision * recall / np.where(below > 0, below, 1)


def signatures(targets: Texts) -> dict[str, str]:
    """The sacrebleu signatures of both metrics for these targets, which scores need in common to be comparable."""
    both = {"BLEU": bleu_metric(tokenizer_of(as_texts(targets))), "chrF": CHRF_METRIC}
    for metric in both.values():
        metric.corpus_score(["a"], [["a"]])  # only then the number of references is known
    return {name: str(metric.get_signature()) for name, metric in both.items()}


def as_scored(described: Mapping[str, Any], pairs: Sequence[Pair]) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True translations (num_examples,), those of the model, and how many pairs cannot be used.

    Both have to be texts.
    """
    del described  # every output has one
    usable = [
        (label, outputs[OUTPUT])
        for outputs, label in pairs
        if isinstance(label, str) and isinstance(outputs.get(OUTPUT), str)
    ]
    targets, translations = (np.array([pair[side] for pair in usable], object) for side in (0, 1))
    return targets, {OUTPUT: translations}, len(pairs) - len(usable)
