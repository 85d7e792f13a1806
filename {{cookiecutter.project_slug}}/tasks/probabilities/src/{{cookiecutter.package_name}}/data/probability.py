"""What tasks with probabilities share: splits with rare classes, how examples are ranked, head and temperature."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..config import Config
from ..core.errors import InputError
from ..settings.base import SPLITS
from .resampling import Floats, divide

if TYPE_CHECKING:
    import keras

ROUNDING = 1e-9  # of shares that are equal
TEMPERATURE_DEVIATION = 0.25  # of the logarithm, before the validation split is seen


def mean_over_classes(values: Floats) -> Floats:
    """The mean of values (num_weightings, num_classes) without NaN; NaN where nothing is left."""
    is_defined = np.isfinite(values)
    return divide(np.where(is_defined, values, 0).sum(axis=1), is_defined.sum(axis=1))


def counts_by_threshold(
    is_positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating], weights: Floats
) -> tuple[Floats, Floats]:
    """Positives and negatives between thresholds by descending score, each (num_weightings, num_thresholds)."""
    order = np.argsort(-scores, kind="stable")
    ordered, positive = scores[order], is_positive[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # equal scores share a threshold
    has_positive = np.add.reduceat(positive, starts, dtype=int) > 0
    # Neighbouring thresholds without positives between them count the same together.
    starts = starts[np.r_[True, has_positive[1:] | has_positive[:-1]]]
    sorted_weights = weights[:, order]
    positives = np.add.reduceat(sorted_weights * positive, starts, axis=1)
    return positives, np.add.reduceat(sorted_weights, starts, axis=1) - positives


def area_under_roc(positives: Floats, negatives: Floats) -> Floats:
    """The share of pairs of a positive and a negative in the right order, ties counting half, (num_weightings,)."""
    num_negatives = negatives.sum(axis=1)
    below = num_negatives[:, None] - np.cumsum(negatives, axis=1) + negatives / 2
    return divide((positives * below).sum(axis=1), positives.sum(axis=1) * num_negatives)


def average_precision(positives: Floats, negatives: Floats) -> Floats:
    """The precision at each threshold, weighted by the recall that it adds, (num_weightings,)."""
    precision = divide(np.cumsum(positives, axis=1), np.cumsum(positives + negatives, axis=1))
    return divide(np.nansum(positives * precision, axis=1), positives.sum(axis=1))


def best_at(positives: Floats, negatives: Floats, metric: str, least: float) -> Floats:
    """The largest sensitivity of all thresholds whose specificity is at least so much, or the reverse.

    `metric` names the one that is wanted; returns (num_weightings,). NaN where there are no positives or no negatives.
    """
    found = np.pad(np.cumsum(positives, axis=1), ((0, 0), (1, 0)))  # from the threshold that finds none
    alarms = np.pad(np.cumsum(negatives, axis=1), ((0, 0), (1, 0)))
    rates = [divide(found, found[:, -1:]), 1 - divide(alarms, alarms[:, -1:])]
    wanted, given = rates if metric == "sensitivity" else rates[::-1]
    best = np.where(given >= least - ROUNDING, wanted, 0).max(axis=1)
    return np.where(np.isfinite(rates[0] + rates[1]).all(axis=1), best, np.nan)


def head(features: "keras.KerasTensor", num_outputs: int, first: np.ndarray | None = None) -> "keras.KerasTensor":
    """Logits: (batch, width), or (batch, members, width) of an ensemble, to (batch, members, num_outputs).

    Training begins with the biases `first`, (num_outputs,), or with 0.

    Raises:
        InputError: features of another rank.
    """
    import keras  # here, since metrics are also read by stages that need no network

    if len(features.shape) == 2:
        features = keras.layers.RepeatVector(1)(features)  # one member
    if len(features.shape) != 3 or None in features.shape[1:]:
        message = (
            f"output_head got features of shape {features.shape}; it takes (batch, width), or (batch, members, width)"
        )
        raise InputError(f"{message} of an ensemble: pool or flatten the other axes")
    members = features.shape[1]
    layer = keras.layers.EinsumDense(
        "bmw,mwc->bmc", (members, num_outputs), bias_axes="mc", dtype=keras.config.floatx(), name="logits"
    )
    logits = layer(features)
    if first is not None:
        layer.bias.assign(np.broadcast_to(first, layer.bias.shape))
    return logits


def expected_temperature(model: Any) -> float:
    """The temperature that a network says it needs, before the validation split is seen: 1 if it says nothing."""
    return float(getattr(model, "expected_temperature", 1.0))


def best_temperature(log_loss: Callable[[float], float], num_examples: int, expected: float = 1.0) -> float:
    """The temperature with the smallest log loss of so many examples (Guo et al. 2017).

    A weak prior around what is `expected` keeps a few examples that are all predicted right from making the model
    overconfident.
    """
    from scipy import optimize

    def penalised(log_temperature: float) -> float:
        away = (log_temperature - np.log(expected)) / TEMPERATURE_DEVIATION
        return log_loss(np.exp(log_temperature)) + 0.5 * away**2 / num_examples

    best = optimize.minimize_scalar(penalised, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(best.x))


def with_rare(config: Config, several: Sequence[np.ndarray], draws: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """The splits with an example of each class or label in each of them, where there are enough, (num_examples,) str.

    `several` are the places of the examples of each, the rarest first, as in iterative stratification (Sechidis et al.
    2011). A split that lacks it takes an example from the one that has most of them. But splits were drawn by a hash of
    each example, its number in `draws`, and only what they lack is taken: the example that was drawn nearest to them.
    So it keeps its split when others are added, unless it was taken and an added example is drawn into the same split:
    then it returns. No training example is taken since others were added, while each split has what it had.
    """
    ends = np.cumsum((0, *config.split_fractions))
    places = (splits[:, None] == np.array(SPLITS, object)).argmax(axis=1)
    wanted = [place for place, share in enumerate(config.split_fractions) if share]
    for rows in several:
        for place in wanted:
            if (places[rows] == place).any():
                continue
            sizes = {each: len(np.unique(draws[rows][places[rows] == each])) for each in wanted}
            donor = max(wanted, key=lambda each, sizes=sizes: sizes[each])  # type: ignore[misc]
            if sizes[donor] < 2:
                continue
            own = draws[rows][places[rows] == donor]
            nearest = own[np.maximum(ends[place] - own, own - ends[place + 1]).argmin()]
            places[draws == nearest] = place  # with those that are the same, or of the same group
    return np.array(SPLITS, object)[places]
