"""The choice between networks: `make train` fits each, and keeps the best on the validation split."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import metrics, task
from ..config import Config
from ..data import loading, tables
from ..data.resampling import Context
from . import serving_model
from .fit import Candidate
from .serving_model import Prepared

SURELY = 1.96  # standard errors: 95 % of a normal distribution
TAILS = (0.025, 0.975)  # of a 95 % interval


def best(config: Config, prepared: Prepared, candidates: Sequence[Candidate]) -> tuple[Candidate, list[dict[str, Any]]]:
    """The best by the primary metric, and what is reported of each: score with 95 % interval, weights, seconds.

    Of those that are at most a standard error of the paired difference behind the best, the one with the fewest trained
    weights is chosen, or else the first: the one-standard-error rule (Breiman et al. 1984) on a paired bootstrap. The
    weights of a frozen network are not fitted to these data, and do not count. One from scratch has to be better than
    a pretrained one by SURELY standard errors: the latter is more robust on other data (Hendrycks et al. 2019).
    """
    examples = loading.read_examples(config, "validation")
    truths, weights = (
        task.actual(prepared.target, examples[config.target_columns]),
        tables.sample_weights(config, examples),
    )
    metric, context = metrics.METRICS[config.metric], Context(config, task.output_parts(prepared.target))
    values, drawn = list[float](), list[np.ndarray]()
    for each in candidates:
        predictions, only = serving_model.predict(each.complete, examples), {config.metric: metric}
        values.append(metrics.score(truths, predictions, context, only, weights).get(config.metric, np.nan))
        samples = metrics.samples(truths, predictions, context, config.resamples, only, weights)
        drawn.append(samples.get(config.metric, np.full(config.resamples, np.nan)))
    trained = [sum(int(np.prod(weight.shape)) for weight in each.complete.trainable_weights) for each in candidates]
    is_pretrained = np.array([bool(each.origin) for each in candidates])
    sign = 1 if metric.greater_is_better else -1
    chosen = simplest_of_the_best(sign * np.array(values), np.array(drawn), trained, is_pretrained)
    rows = [
        {
            "name": each.name,
            "value": value,
            **dict(zip(("low", "high"), map(float, np.nanquantile(samples, TAILS)), strict=True)),
            "num_weights": each.complete.count_params(),
            "num_trained": trained[place],
            "seconds": round(each.seconds, 1),
            "chosen": place == chosen,
        }
        for place, (each, value, samples) in enumerate(zip(candidates, values, drawn, strict=True))
    ]
    for row in rows:
        score = "{value:.4g} [{low:.4g}, {high:.4g}] in {seconds:.0f} s".format(**row)
        print(f"{row['name']}: {metric.label} {score}{', which is kept' if row['chosen'] else ''}")
    return candidates[chosen], rows


def simplest_of_the_best(values: np.ndarray, drawn: np.ndarray, sizes: Sequence[int], is_pretrained: np.ndarray) -> int:
    """The place of that of least size within a standard error of the best.

    Pretrained ones may be SURELY standard errors behind one from scratch.
    `values` (num_candidates,) are greater where better, `drawn` (num_candidates, resamples) are paired resamples.
    """
    leader = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
    deviations = np.nanstd(drawn - drawn[leader], axis=1)  # 0 for the best itself
    margins = np.where(is_pretrained & ~is_pretrained[leader], SURELY, 1.0)
    equal = np.flatnonzero(values >= values[leader] - margins * deviations)
    return int(min(equal, key=lambda place: sizes[place], default=leader))
