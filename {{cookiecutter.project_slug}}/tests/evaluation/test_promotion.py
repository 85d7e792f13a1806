"""Whether a challenger may replace the champion: as good is good enough, worse by more than the margin is not."""

import keras
import numpy as np
import pytest

from project import task
from project.data import loading
from project.data.resampling import Context
from project.evaluation import inference, scoring
from project.evaluation.scoring import Comparison

from declared import Config


@pytest.fixture(scope="module")
def examined(finished: Config, complete: keras.Model) -> tuple[Context, np.ndarray, dict[str, np.ndarray]]:
    """Settings and names of classes, the targets of the training examples, and what the model predicts for them."""
    examples = loading.read_examples(finished, "train")
    targets = task.actual(inference.target_of(complete), examples[finished.target])
    return inference.context_of(finished, complete), targets, inference.predict(complete, examples)


def tolerating(context: Context, margin: float) -> Context:
    """The same with another margin."""
    return context._replace(config=context.config.model_copy(update={"promotion_margin": margin}))


def shuffled(predictions: dict[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """The same predictions, a share of which stands at the wrong examples."""
    random = np.random.default_rng(0)
    num_examples = len(next(iter(predictions.values())))
    order = np.arange(num_examples)
    moved = random.permutation(num_examples)[: int(share * num_examples)]
    order[moved] = random.permutation(moved)
    return {name: values[order] for name, values in predictions.items()}


def test_a_model_is_as_good_as_itself(examined: tuple[Context, np.ndarray, dict[str, np.ndarray]]) -> None:
    context, targets, predictions = examined
    comparison = scoring.compare(tolerating(context, 0.0), targets, predictions, predictions)
    assert comparison.is_not_inferior
    assert set(comparison.gains[context.config.metric].values()) == {0.0}


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_a_worse_model_does_not_hold_up(
    examined: tuple[Context, np.ndarray, dict[str, np.ndarray]], share: float
) -> None:
    context, targets, predictions = examined
    comparison = scoring.compare(context, targets, predictions, shuffled(predictions, share))
    assert not comparison.is_not_inferior
    assert comparison.gains[context.config.metric]["high"] < 0
    assert "may be worse by" in scoring.reason(context.config, comparison, accepted=True)
    assert scoring.compare(context, targets, shuffled(predictions, share), predictions).is_not_inferior


def test_a_margin_lets_a_slightly_worse_model_pass(
    examined: tuple[Context, np.ndarray, dict[str, np.ndarray]],
) -> None:
    context, targets, predictions = examined
    worse = shuffled(predictions, 0.05)

    def compare(margin: float) -> Comparison:
        return scoring.compare(tolerating(context, margin), targets, predictions, worse)

    assert not compare(0.0).is_not_inferior
    assert compare(3.0).is_not_inferior


def test_the_criteria_come_first(examined: tuple[Context, np.ndarray, dict[str, np.ndarray]]) -> None:
    context, targets, predictions = examined
    comparison = scoring.compare(context, targets, shuffled(predictions, 1.0), predictions)
    assert comparison.is_not_inferior
    assert "does not meet the success criteria" in scoring.reason(context.config, comparison, accepted=False)
