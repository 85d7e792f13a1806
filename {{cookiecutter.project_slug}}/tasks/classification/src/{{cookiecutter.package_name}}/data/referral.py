"""When a classifier answers `refer` instead of a class, and which classes are then possible.

The possible classes of an example are the most probable ones: the least probable are left out as long as they together
have at most the probability `doubt`. If one class is left, it is the answer. Validation examples decide the doubt.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..core.errors import InputError, RefusedError
from ..settings.base import REFER
from ..settings.task import GUARANTEE
from .decisions import Decision
from .resampling import Floats, divide

BETWEEN = "|"  # possible classes
RISK = 0.05  # that the error among the answered is larger than asked for, by an unlucky validation split
ALONE = 2.0  # the tail of the most probable class, which no doubt leaves out


@dataclass(frozen=True)
class Referral:
    """Which examples are referred."""

    rule: str
    """A share, or what is guaranteed, as in the settings."""
    doubt: float = 1.0
    """The probability that the classes left out may have together; from 1 on, nothing is referred."""
    is_weighted: bool = False
    """Whether probabilities are weighted by costs or a threshold, as for the label."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Referral":
        """From JSON."""
        return cls(**fields)

    @property
    def wish(self) -> tuple[str, float]:
        """What is asked for: share, risk or coverage, and how much of it."""
        found = re.fullmatch(GUARANTEE, self.rule)
        return (found[1] or found[3], float(found[2] or found[4])) if found else ("share", float(self.rule))

    def __str__(self) -> str:
        """The rule as a sentence."""
        kind, value = self.wish
        why = f"so that {100 * value:.3g} % of the validation examples are" if kind == "share" else f"for {self.rule}"
        if self.doubt >= 1:
            return f"No example has to be referred {why}."
        probability = f"{'weighted ' * self.is_weighted}probability of {1 - self.doubt:.6g}"
        return f"An example is referred unless one class has a {probability}, {why}."


def describe(rule: str, classes: Sequence[str | int], decision: Decision | None = None) -> Referral:
    """What the setting `refer` means for these classes and this way to choose labels, before training.

    Raises:
        InputError: the name of a class could be mistaken in an answer, or costs depend on what is answered.
    """
    if decision and decision.matrix:
        message = f"refer is {rule!r}, and costs name single wrong answers, by which no class is sure by itself"
        raise InputError(f"{message}: leave refer empty, or give the cost of missing each class")
    for name in map(str, classes):
        if name == REFER or BETWEEN in name:
            message = f"refer is {rule!r}, and a class is called {name!r}"
            raise InputError(f"{message}: rename it, since answers are {REFER}, or classes with {BETWEEN} between them")
    return Referral(rule, is_weighted=decision is not None)


def tails(weighted: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The probability of each class and all less probable ones, (num_examples, num_classes).

    Takes probabilities, times what else decides labels; ALONE stands for the most probable class.
    """
    shares = weighted / np.maximum(weighted.sum(axis=1, keepdims=True), np.finfo("float32").tiny)
    order = np.argsort(-shares, axis=1, kind="stable")
    ranked = np.take_along_axis(shares, order, axis=1)[:, ::-1].cumsum(axis=1)[:, ::-1]
    ranked[:, 0] = ALONE
    found = np.empty_like(shares)
    np.put_along_axis(found, order, ranked, axis=1)
    return found


def possible(weighted: npt.NDArray[np.floating], doubt: float) -> npt.NDArray[np.bool_]:
    """Which classes are possible, (num_examples, num_classes), as the exported graph says by their names."""
    return tails(weighted) > doubt


def choose(
    referral: Referral,
    weighted: npt.NDArray[np.floating],
    targets: npt.NDArray[np.integer],
    weights: Floats | None = None,
) -> Referral:
    """Chooses the doubt by validation examples: `weighted` as of `tails`, class numbers, sample weights if any.

    A share is that of the least sure examples. Coverage is that of split-conformal sets, with the deterministic score
    of adaptive prediction sets (Romano, Sesia and Candes 2020). The error among the answered is at most the risk with
    95 % confidence, by selection with guaranteed risk (Geifman and El-Yaniv 2017). Sample weights count by Kish's
    effective number of examples.

    Raises:
        RefusedError: there are too few examples, or too many errors, for what is asked.
    """
    kind, limit = referral.wish
    given, found = np.ones(len(targets)) if weights is None else weights, tails(weighted)
    own = found[np.arange(len(targets)), targets]
    values = own if kind == "coverage" else np.partition(found, -2, axis=1)[:, -2]
    levels, places = np.unique(values.astype("float64"), return_inverse=True)
    edges = np.concatenate([[-1], levels, [ALONE]])
    doubts = (edges[1:] + edges[:-1]) / 2  # all that differ: below, between and above the values

    def sums(each: Floats) -> Floats:
        """Of the examples whose value is not above each doubt."""
        return np.append(0, np.bincount(places, each, len(levels)).cumsum())

    below = sums(given)
    if kind == "share":
        chosen = int(np.searchsorted(below, (1 - limit) * below[-1] - 1e-9))
    elif kind == "coverage":
        chosen = for_coverage(limit, below, divide(below[-1] ** 2, sums(given**2)[-1]))
    else:
        sizes = divide(below**2, sums(given**2))
        chosen = for_risk(limit, sizes, divide(sums(given * (own != ALONE)), below))
    return replace(referral, doubt=float(np.float32(doubts[chosen])))


def for_coverage(least: float, below: Floats, size: Floats) -> int:
    """The place of the largest doubt with which sets hold the true class often enough (Vovk et al. 2005).

    `below`: the weight of examples whose class is left out at each doubt, of all of them the last.
    """
    spare = (1 - least) * (size + 1) - 1  # examples whose class may be left out
    if spare < -1e-9:
        needed = int(np.ceil(1 / (1 - least) - 1 - 1e-9))
        message = f"refer asks for coverage >= {least:g}, for which {needed:,} validation examples are needed"
        raise RefusedError(f"{message}, not {float(size):,.0f}: ask for less, or collect more")
    return int(np.searchsorted(below, spare * below[-1] / size + 1e-9, "right")) - 1


def for_risk(most: float, sizes: Floats, errors: Floats) -> int:
    """The place of the largest doubt among those tried at which the error is low enough, even by its upper bound.

    A bisection, all of whose tests hold together with the confidence of 95 %; `sizes`, `errors`: how many examples are
    answered at each doubt, and the share of them that is wrong.
    """
    low, high, chosen, best = 1, len(sizes) - 1, 0, 1.0
    tail = RISK / (int(np.log2(high)) + 1)
    while low <= high:
        middle = (low + high) // 2
        wrong, right = errors[middle] * sizes[middle], (1 - errors[middle]) * sizes[middle]
        bound = float(stats.beta.isf(tail, wrong + 1, right)) if right > 0 else 1.0  # Clopper and Pearson (1934)
        best = min(best, bound)
        low, high, chosen = (middle + 1, high, middle) if bound <= most else (low, middle - 1, chosen)
    if not chosen:
        message = f"refer asks for risk <= {most:g}, but on the validation split the error among the answered can only"
        raise RefusedError(f"{message} be said to be below {best:.3g}: ask for more risk, or collect more examples")
    return chosen
