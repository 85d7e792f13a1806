"""How labels follow from probabilities: by what mistakes cost, or by a threshold that meets a constraint.

A label is the class with the largest probability after each is multiplied by a factor. Of two classes, the factors t
for class 0 and 1 - t for class 1, the positive one, answer class 1 from a probability of t on. Of more, the cost of
missing each class is its factor, which makes the expected cost smallest (Elkan 2001). If it matters which wrong class
is answered, the label is the one of the least expected cost by a matrix. Of classes that have an order, and neither
costs nor a threshold, the label is the median class, which makes the expected error in ranks smallest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ..core.errors import InputError, RefusedError
from ..settings.task import CONSTRAINT
from . import resampling
from .resampling import Floats, divide

MISSED, FALSE_ALARM = "missed", "false alarm"  # what mistakes of two classes are called in `costs`
ARROW = "->"  # from the true class to the answered one in `costs`
MEDIAN = "median"  # the rule of classes that have an order
MORE = 1 + 1e-6  # times the probability of the median class, so that it also is the largest among equal ones
SYNONYMS = {"recall": "sensitivity", "ppv": "precision"}
SPREAD = 0.5  # of the error in log-odds that probabilities are expected to have before examples are seen
SMALLEST = 1e-6  # probability of which log-odds are taken
RESAMPLES = 200  # for the interval of the threshold
AT_ONCE = 50
SHOWN = 10  # classes in a message

Integers = npt.NDArray[np.integer]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Decision:
    """How labels are chosen, if not as the most probable class."""

    rule: str
    """`costs`, a number, or a constraint, as in the settings; `median` of classes that have an order."""
    positive: str
    """The name of class 1 of two; empty if there are more."""
    costs: tuple[float, ...] | None
    """Of missing each class, in the order of the outputs."""
    factors: tuple[float, ...]
    """By which the probability of each class is multiplied before the largest is taken."""
    threshold: float | None = None
    """The probability from which the positive class is answered, with its 95 % bootstrap interval."""
    low: float | None = None
    high: float | None = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    """The cost of each answer (column) for each true class (row), if wrong answers for a class differ in cost."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Decision":
        """From JSON, which has lists for tuples."""
        values: dict[str, Any] = {
            name: tuple(tuple(each) if isinstance(each, list) else each for each in value)
            if isinstance(value, list)
            else value
            for name, value in fields.items()
        }
        return cls(**values)

    def at(self, threshold: float, low: float | None = None, high: float | None = None) -> "Decision":
        """The same with another threshold; the factors are what 32 bits hold, as in the exported graph."""
        factors = tuple(float(np.float32(factor)) for factor in (threshold, 1 - threshold))
        return replace(self, factors=factors, threshold=threshold, low=low, high=high)

    def weigh(self, probabilities: npt.NDArray[np.floating], *, is_tuned: bool = True) -> npt.NDArray[np.floating]:
        """What is largest for the class that is answered, (num_examples, num_classes).

        Models for which nothing was tuned decide as the costs ask. A median class and the most probable one swap their
        probabilities.
        """
        if self.matrix:
            return probabilities @ self.gains
        if not self.is_median:
            return probabilities * (self.gains if is_tuned or not self.costs else np.array(self.costs, "float32"))
        rows, below = np.arange(len(probabilities)), np.cumsum(probabilities, axis=1)
        median, largest = (below < below[:, -1:] / 2).sum(axis=1), probabilities.argmax(axis=1)
        found = probabilities.astype("float32")
        found[rows, largest] = probabilities[rows, median]
        found[rows, median] = probabilities[rows, largest] * MORE
        return found

    @property
    def is_median(self) -> bool:
        """Whether labels are median classes instead of those with the largest probability after the factors."""
        return self.rule == MEDIAN

    @property
    def gains(self) -> npt.NDArray[np.float32]:
        """The factors, (num_classes,), or how much cheaper than the worst each answer is, by true class in rows."""
        if self.matrix is None:
            return np.array(self.factors, "float32")
        costs = np.array(self.matrix, "float32")
        return costs.max(axis=1, keepdims=True) - costs

    def cost_of(self, targets: Integers, predicted: Integers) -> Floats:
        """The cost of each example, (num_examples,), for its class number and the answered one."""
        if self.matrix:
            return np.array(self.matrix)[targets, predicted]
        return np.array(self.costs)[targets] * (predicted != targets)

    @property
    def constraint(self) -> tuple[str, float] | None:
        """What has to reach which value, if that is the rule."""
        found = CONSTRAINT.fullmatch(self.rule)
        return (SYNONYMS.get(found[1], found[1]), float(found[2])) if found else None

    def __str__(self) -> str:
        """The decision as a sentence."""
        if self.is_median:
            return "Each label is the median class: at least half of the probability is of it and lower classes."
        if self.matrix:
            return (
                "Each label is the class of the least expected cost, which depends on the true and the answered class."
            )
        if self.threshold is None:
            return "Each label is the class whose probability times its cost of being missed is the largest."
        bounds = f" (95 % interval {self.low:.3g} to {self.high:.3g})" if self.low is not None else ""
        how = f"by the costs {self.costs[1]:g} if missed and {self.costs[0]:g} for a false alarm" if self.costs else ""
        how = how or (f"for {self.rule} on the validation split" if self.constraint else "as the setting says")
        return f'The answer is "{self.positive}" from a probability of {self.threshold:.3g}{bounds} on, {how}.'


def describe(costs: Mapping[str, float], threshold: str, classes: Sequence[str | int]) -> Decision:
    """What the settings `costs` and `threshold` mean for these classes, before training; without both, the median.

    Raises:
        InputError: the costs name what is no class, or there are more than two classes for a threshold.
    """
    if not (costs or threshold):
        return Decision(MEDIAN, "", None, (1.0,) * len(classes))
    names, is_binary = [str(name) for name in classes], len(classes) == 2
    shown, positive = ", ".join(names[:SHOWN]), names[1] if is_binary else ""
    if threshold and not is_binary:
        message = f"threshold is {threshold!r}, but there are {len(names)} classes ({shown}) and it is for two"
        raise InputError(f"{message}: give `costs`, the cost of missing each class")
    aliases = {MISSED: names[1], FALSE_ALARM: names[0], **dict(zip(names, names, strict=True))} if is_binary else {}
    pairs = {name: pair_of(name) for name in costs if name not in names and ARROW in name}
    named = {aliases.get(name, name): cost for name, cost in costs.items() if name not in pairs}
    unknown = sorted({*named, *(each for pair in pairs.values() for each in pair)} - set(names))
    if unknown or len(named) + len(set(pairs.values())) < len(costs):
        also = f", or {MISSED!r} and {FALSE_ALARM!r}" if is_binary else ""
        wrong = f"costs names {unknown[0]!r}" if unknown else f"costs names a class twice: {', '.join(costs)}"
        raise InputError(f"{wrong}; expected the classes {shown}{also}")
    right = [name for name, (true, answered) in pairs.items() if true == answered]
    if right:
        raise InputError(f"costs names {right[0]!r}, which is no mistake: leave it out, right answers cost nothing")
    if threshold:
        decision = Decision(threshold, positive, None, (1.0, 1.0))
        return decision if decision.constraint else decision.at(float(threshold))
    if is_binary:  # each class has one wrong answer
        named |= {true: costs[name] for name, (true, _) in pairs.items()}
    missing = tuple(float(named.get(name, 1)) for name in names)
    decision = Decision("costs", positive, missing, tuple(float(np.float32(cost)) for cost in missing))
    if pairs and not is_binary:
        matrix = np.repeat(np.array(missing)[:, None], len(names), axis=1) * (1 - np.eye(len(names)))
        for name, (true, answered) in pairs.items():
            matrix[names.index(true), names.index(answered)] = costs[name]
        return replace(decision, matrix=tuple(map(tuple, matrix.tolist())))
    return decision.at(asked_by(missing)) if is_binary else decision


def pair_of(name: str) -> tuple[str, str]:
    """The true class and the answered one of an entry of the costs."""
    true, _, answered = name.partition(ARROW)
    return true.strip(), answered.strip()


def asked_by(costs: Sequence[float]) -> float:
    """The threshold that costs least if probabilities are calibrated; `costs` are those of missing class 0 and 1."""
    return costs[0] / sum(costs)


def choose(
    decision: Decision, probabilities: npt.NDArray[np.floating], targets: Integers, weights: Floats | None = None
) -> Decision:
    """The operating point of validation examples: probabilities (num_examples, num_classes), class numbers, weights.

    Of two classes with costs, it is what the costs ask of the probabilities, as these examples correct them. To count
    what mistakes cost at each threshold would be less sure: a few mistakes of the costly kind would decide. With a
    constraint, it is the threshold that meets it and spoils the opposite least: specificity for sensitivity or npv,
    else sensitivity; its interval holds 95 % of what resamples find best, of 20,000 examples if there are more. Nothing
    is chosen where the threshold is given, or there are more classes.

    Raises:
        RefusedError: no threshold meets the constraint, other than one that always gives the same answer.
    """
    if not decision.positive or not (decision.costs or decision.constraint):
        return decision
    given = np.ones(len(targets)) if weights is None else weights
    if decision.costs:
        return decision.at(*corrected(asked_by(decision.costs), probabilities[:, 1], targets == 1, given))
    at = Thresholds.between(decision, probabilities[:, 1], targets == 1)
    threshold = float(at.best(decision, given[None])[0])
    if np.isnan(threshold):
        raise RefusedError(at.why_not(decision, given))
    part: Integers = np.arange(len(targets))
    if len(targets) > resampling.MAX_EXAMPLES:
        part = resampling.random_part(len(targets), 1, 0)
        at = Thresholds.between(decision, probabilities[part, 1], targets[part] == 1)
    counts, drawn = resampling.resampled_counts(len(part), RESAMPLES, 0), []
    while chunk := list(islice(counts, AT_ONCE)):
        drawn.append(at.best(decision, np.stack(chunk) * given[part]))
    found = np.concatenate(drawn)
    low, high = np.nanquantile(found, (0.025, 0.975)) if np.isfinite(found).any() else (threshold, threshold)
    return decision.at(threshold, min(float(low), threshold), max(float(high), threshold))


def corrected(
    asked: float, probabilities: npt.NDArray[np.floating], is_positive: Booleans, weights: Floats
) -> tuple[float, float, float]:
    """The predicted probability at which examples really are positive as often as `asked`, with its 95 % interval.

    Logistic recalibration (Cox 1958, Platt 1999): the true log-odds are a line of the predicted ones. Normal priors
    expect the line to say what was predicted, so that few examples hardly move it. The interval is by the delta method.
    """
    scores = special.logit(np.clip(probabilities.astype("float64"), SMALLEST, 1 - SMALLEST))
    matrix, weights = np.stack([np.ones(len(scores)), scores], axis=1), weights / weights.mean()
    expected = np.array([0.0, 1.0])  # intercept and slope of what was predicted

    def loss(line: Floats) -> tuple[float, Floats]:
        log_odds, away = matrix @ line, (line - expected) / SPREAD**2
        losses = np.logaddexp(0, log_odds) - is_positive * log_odds
        gradient = matrix.T @ (weights * (special.expit(log_odds) - is_positive)) + away
        return float(weights @ losses + away @ (line - expected) / 2), gradient

    limits = [(None, None), (0.1, None)]  # higher probabilities are never less true
    line = optimize.minimize(loss, expected, jac=True, method="L-BFGS-B", bounds=limits).x
    place = (special.logit(asked) - line[0]) / line[1]
    shares = special.expit(matrix @ line)
    curvature = (matrix.T * (weights * shares * (1 - shares))) @ matrix + np.eye(2) / SPREAD**2
    slopes = np.array([1, place]) / line[1]
    error = 1.96 * np.sqrt(slopes @ np.linalg.solve(curvature, slopes))
    threshold, low, high = special.expit([place, place - error, place + error]).clip(SMALLEST, 1 - SMALLEST).tolist()
    return threshold, low, high


class Rates(NamedTuple):
    """Sums of weights at each threshold, each (num_weightings, num_thresholds)."""

    caught: Floats
    missed: Floats
    false_alarms: Floats
    passed: Floats

    def named(self, name: str) -> Floats:
        """A share by its name in a constraint; NaN where there is nothing to divide by."""
        kept, lost = {
            "sensitivity": (self.caught, self.missed),
            "specificity": (self.passed, self.false_alarms),
            "precision": (self.caught, self.false_alarms),
            "npv": (self.passed, self.missed),
        }[name]
        return divide(kept, kept + lost)

    def cost(self, costs: Sequence[float]) -> Floats:
        """The mean cost of an example; `costs` are those of missing class 0 and class 1."""
        return divide(costs[0] * self.false_alarms + costs[1] * self.missed, sum(self))

    def net_benefit(self, thresholds: Floats) -> Floats:
        """Caught examples less false alarms, which count by the odds of the threshold (Vickers and Elkin 2006)."""
        return divide(self.caught - self.false_alarms * thresholds / (1 - thresholds), sum(self))

    @property
    def is_trivial(self) -> Booleans:
        """Whether all answers are the same."""
        return (self.caught + self.false_alarms == 0) | (self.missed + self.passed == 0)


class Thresholds(NamedTuple):
    """Thresholds of the probability of class 1, and examples in the order of that probability."""

    values: Floats
    """Ascending, (num_thresholds,)."""
    below: Integers
    """How many examples are not above each, (num_thresholds,)."""
    order: Integers
    is_positive: Booleans
    """In that order, (num_examples,)."""

    @classmethod
    def of(cls, values: Floats, probabilities: npt.NDArray[np.floating], is_positive: Booleans) -> "Thresholds":
        """Given thresholds, and the probability of class 1 of each example, (num_examples,)."""
        order = np.argsort(probabilities, kind="stable")
        return cls(values, np.searchsorted(probabilities[order], values, "right"), order, is_positive[order])

    @classmethod
    def between(
        cls, decision: Decision, probabilities: npt.NDArray[np.floating], is_positive: Booleans
    ) -> "Thresholds":
        """All that differ: halfway between neighbouring probabilities, and what costs ask of perfect probabilities."""
        edges = np.concatenate([[0.0], np.unique(probabilities.astype("float64")), [1.0]])
        own = [asked_by(decision.costs)] if decision.costs else []
        values = np.unique(np.concatenate([(edges[1:] + edges[:-1]) / 2, own]))
        return cls.of(values[(values > 0) & (values < 1)], probabilities.astype("float64"), is_positive)

    def rates(self, weights: Floats) -> Rates:
        """What happens at each threshold, by weights (num_weightings, num_examples)."""
        ordered = weights[:, self.order]
        missed, passed = (
            np.pad(np.cumsum(ordered * each, axis=1), ((0, 0), (1, 0)))
            for each in (self.is_positive, ~self.is_positive)
        )
        found = missed[:, self.below], passed[:, self.below]
        return Rates(missed[:, -1:] - found[0], found[0], passed[:, -1:] - found[1], found[1])

    def best(self, decision: Decision, weights: Floats) -> Floats:
        """The threshold that meets the constraint, for each weighting, (num_weightings,); NaN where none does."""
        rates = self.rates(weights)
        name, least = decision.constraint or ("sensitivity", 0.0)
        is_met = (rates.named(name) >= least - 1e-12) & ~rates.is_trivial
        from_above = name in ("sensitivity", "npv")  # the higher the threshold, the fewer false alarms
        places = is_met.shape[1] - 1 - is_met[:, ::-1].argmax(axis=1) if from_above else is_met.argmax(axis=1)
        return np.where(is_met.any(axis=1), self.values[places], np.nan)

    def why_not(self, decision: Decision, weights: Floats) -> str:
        """Why no threshold meets the constraint."""
        name, _ = decision.constraint or ("sensitivity", 0.0)
        rates = self.rates(weights[None])
        most = np.nan_to_num(np.where(rates.is_trivial, -1, rates.named(name)), nan=-1).max(initial=-1)
        reached = f"is at most {most:.3g}" if most >= 0 else "is not defined"
        message = f"threshold asks for {decision.rule} in finding {decision.positive!r}, but on the validation split it"
        return f"{message} {reached}, unless all answers are the same: ask for less, or improve the model"
