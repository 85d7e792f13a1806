"""BLEU and chrF from counts of each sentence, so that scores of any part or resample are sums of what is known.

The counts and formulas are those of sacrebleu (Post 2018), whose signatures name them.
"""

from collections import Counter
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

TOKENIZER = "13a"  # how BLEU finds words; zh, or char for other languages that put no spaces between them
BLEU_METRIC, CHRF_METRIC = BLEU(tokenize=TOKENIZER), CHRF()
BLEU_ORDER, CHRF_ORDER = BLEU_METRIC.max_ngram_order, CHRF_METRIC.char_order
NUM_BLEU = 3 + 2 * BLEU_ORDER  # both lengths, the longest n-grams of the reference, matches and totals by order
NUM_COUNTS = NUM_BLEU + 3 * CHRF_ORDER  # totals of both sides and matches by order

Counts = npt.NDArray[np.float64]


@lru_cache(1 << 18)
def sentence_counts(translation: str, reference: str) -> tuple[int, ...]:
    """What both metrics need to know of a sentence, NUM_COUNTS numbers."""
    found = BLEU_METRIC.corpus_score([translation], [[reference]])
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


def bleu(counts: Counts) -> float:
    """BLEU of summed counts, 0 to 100; NaN if no reference is long enough for the longest n-grams."""
    sizes, matches, totals = np.split(counts[:NUM_BLEU], [3, 3 + BLEU_ORDER])
    ours, theirs, num_longest = (int(size) for size in sizes)
    if not num_longest:
        return float("nan")  # sacrebleu has 0, however good such short translations are
    return BLEU.compute_bleu(matches.tolist(), totals.tolist(), ours, theirs, smooth_method="exp").score


def chrf(counts: Counts) -> npt.NDArray[np.float64]:
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


def signatures() -> dict[str, str]:
    """How sacrebleu would name what is computed here: with its version, all that a comparison has to agree in."""
    for metric in (BLEU_METRIC, CHRF_METRIC):
        metric.corpus_score(["a"], [["a"]])  # only then the number of references is known
    return {"BLEU": str(BLEU_METRIC.get_signature()), "chrF": str(CHRF_METRIC.get_signature())}
