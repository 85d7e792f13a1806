"""The scores of several labels agree with scikit-learn, and their figures and baselines hold together."""

from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn import metrics as sklearn_metrics

from project import baselines, metrics
from project.core.errors import InputError
from project.data.resampling import Context, resampled_counts
from project.data.targets import learned
from project.evaluation import charts, criteria, scoring
from project.reporting.report import Figure, Table
from project.task import Target

from declared import Config

Examples: TypeAlias = tuple[np.ndarray, dict[str, np.ndarray]]
CONTEXT = Context(Config(), {})


def made_up(num_examples: int, num_labels: int, decimals: int = 6, seed: int = 0) -> Examples:
    """Labels and probabilities that are better than chance; few decimals make ties."""
    generator = np.random.default_rng(seed)
    targets = generator.random((num_examples, num_labels)) < np.linspace(0.6, 0.1, num_labels)
    logits = generator.normal(size=targets.shape) + 1.5 * targets - 1
    thresholds = np.broadcast_to(np.linspace(0.3, 0.6, num_labels).astype("float32"), targets.shape)
    probabilities = (1 / (1 + np.exp(-logits))).round(decimals).astype("float32")
    return targets, {"probabilities": probabilities, "thresholds": thresholds}


def by_scikit_learn(targets: np.ndarray, predictions: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, float]:
    """The same scores."""
    probabilities, options = predictions["probabilities"].astype(float), {"sample_weight": weights}
    answered, labels = probabilities >= predictions["thresholds"], range(targets.shape[1])
    f1 = {kind: sklearn_metrics.f1_score(targets, answered, average=kind, **options) for kind in ("micro", "macro")}
    losses = [sklearn_metrics.log_loss(targets[:, each], probabilities[:, each], **options) for each in labels]
    return {
        "map": sklearn_metrics.average_precision_score(targets, probabilities, average="macro", **options),
        "roc_auc": sklearn_metrics.roc_auc_score(targets, probabilities, average="macro", **options),
        "micro_f1": f1["micro"],
        "macro_f1": f1["macro"],
        "subset_accuracy": sklearn_metrics.accuracy_score(targets, answered, **options),
        "hamming_loss": sklearn_metrics.hamming_loss(targets, answered, **options),
        "log_loss": float(np.mean(losses)),
    }


@pytest.mark.parametrize("decimals", [6, 1])
def test_scores_and_their_resamples_equal_scikit_learn(decimals: int) -> None:
    targets, predictions = made_up(400, 5, decimals)
    predictions["probabilities"] = predictions["probabilities"].clip(0.01, 0.99)
    found = metrics.score(targets, predictions, CONTEXT)
    assert found == pytest.approx(by_scikit_learn(targets, predictions, np.ones(400)), abs=1e-6)
    drawn = metrics.samples(targets, predictions, CONTEXT, 2)
    for place, weights in enumerate(resampled_counts(400, 2, 0)):
        expected = by_scikit_learn(targets, predictions, weights)
        assert {name: values[place] for name, values in drawn.items()} == pytest.approx(expected, abs=1e-6)


def made_up_slices(num_examples: int = 400) -> tuple[pd.DataFrame, np.ndarray, dict[str, np.ndarray]]:
    """Predictions for rain and snow; snow is found always in the north, and half of the time in the south."""
    rows = np.arange(num_examples)
    is_missed = (rows % 4 == 1) & (rows % 8 == 1)
    targets = np.stack([rows % 2 == 0, rows % 4 < 2], axis=1)
    probabilities = np.where(targets, 0.9, 0.1)
    probabilities[is_missed, 1] = 0.2
    thresholds = np.broadcast_to([0.5, 0.3], targets.shape)
    examples = pd.DataFrame({"place": np.where(rows % 2, "south", "north")})
    return examples, targets, {"probabilities": probabilities, "thresholds": thresholds}


@pytest.mark.parametrize(
    ("criterion", "missed", "met", "told"),
    [
        ("snow:recall", 0.75, 0.6, "Recall of snow at least 0.75 by the lower bound: 0.75, bound"),
        ("worst:place:snow:recall", 0.5, 0.3, "in every slice by place at least 0.5 by the lower bound: 0.5, bound"),
        ("gap:place:snow:recall", 0.5, 0.7, "Gap in Recall of snow by place at most 0.5 by the upper bound: 0.5"),
        ("snow:recall", "linear", "prior", "Recall of snow better than linear (0.75) by the bound of the gain"),
    ],
)
def test_a_criterion_is_of_one_label(criterion: str, missed: float | str, met: float | str, told: str) -> None:
    examples, targets, predictions = made_up_slices()
    simple = {"prior": {**predictions, "probabilities": 0 * predictions["probabilities"]}, "linear": predictions}
    for required, passes in ((missed, False), (met, True)):
        config = Config(criteria={criterion: required})
        context = Context(config, {"labels": ["rain", "snow"]})
        result = {
            "num_examples": len(targets),
            "metrics": scoring.intervals(targets, predictions, context, 100),
            "baseline": {name: metrics.score(targets, each, context) for name, each in simple.items()},
            **criteria.measure(context, examples, targets, predictions, simple),
        }
        (entry,) = criteria.judge(config, result)
        assert entry["passed"] is passes
        assert told in criteria.lines([entry])[0] or passes
        assert criteria.covered(config, result)
        assert criteria.covered(config, {**result, "metrics": {}}) == criterion.startswith(("worst", "gap"))


def test_scores_of_a_label_equal_scikit_learn() -> None:
    targets, predictions = made_up(400, 3, 2)
    names = [f"snow:{name}" for name in metrics.OF_LABEL]
    context = Context(Config(criteria=dict.fromkeys(names, 0.5)), {"labels": ["fog", "snow", "rain"]})
    weights = np.random.default_rng(2).random(400)
    found = metrics.score(targets, predictions, context, weights=weights)
    truth, scores, options = targets[:, 1], predictions["probabilities"][:, 1], {"sample_weight": weights}
    answered = scores >= predictions["thresholds"][:, 1]
    expected = {
        "recall": sklearn_metrics.recall_score(truth, answered, **options),
        "precision": sklearn_metrics.precision_score(truth, answered, **options),
        "f1": sklearn_metrics.f1_score(truth, answered, **options),
        "average_precision": sklearn_metrics.average_precision_score(truth, scores, **options),
        "roc_auc": sklearn_metrics.roc_auc_score(truth, scores, **options),
        "log_loss": sklearn_metrics.log_loss(truth, scores.astype(float), **options),
    }
    assert {name: found[f"snow:{name}"] for name in expected} == pytest.approx(expected, abs=1e-6)
    unknown = Context(context.config, {"labels": ["fog"]})
    assert found.keys() - metrics.score(targets, predictions, unknown).keys() == {*names}


def test_criteria_of_what_is_no_label_are_refused_with_those_there_are() -> None:
    examples, targets, predictions = made_up_slices()
    config = Config(criteria={"snw:recall": 0.5})
    for refused in (
        lambda: criteria.measure(Context(config, {"labels": ["rain", "snow"]}), examples, targets, predictions, {}),
        lambda: learned(config, pd.Series(["rain|snow", "rain", "snow"] * 5)),
    ):
        with pytest.raises(InputError, match="'snw', which the model does not predict; it predicts: rain, snow"):
            refused()
    with pytest.raises(ValidationError, match="NAME:recall, one of recall, precision, f1"):
        Config(criteria={"snow:macro_f1": 0.5})


def test_a_label_that_is_absent_is_left_out_of_averages() -> None:
    targets, predictions = made_up(200, 3)
    targets[:, 1] = False
    others = {name: values[:, ::2] for name, values in predictions.items()}
    for name in ("map", "roc_auc"):
        assert metrics.score(targets, predictions, CONTEXT)[name] == pytest.approx(
            metrics.score(targets[:, ::2], others, CONTEXT)[name]
        )


@pytest.mark.parametrize("num_labels", [1, 3, 25])
def test_the_page_has_a_row_for_each_label_and_counts_those_that_occur_together(num_labels: int) -> None:
    targets, predictions = made_up(300, num_labels)
    names = tuple(f"$label_{each}$ <b>" for each in range(num_labels))
    table, together, *others = charts.figures(Target(names, (0.5,) * num_labels), targets, predictions)
    assert isinstance(table, Table)
    assert isinstance(together, Figure)
    assert [row[:3] for row in table.rows] == [
        [name, *counts]
        for name, *counts in zip(names, targets.sum(axis=0), metrics.answers(predictions).sum(axis=0), strict=True)
    ]
    assert all(f">{count}<" in together.svg for count in targets.sum(axis=0)[:20])
    figures = [together, *(each for each in others if isinstance(each, Figure))]
    assert len(figures) == 4
    assert all(figure.description and figure.svg.startswith("<svg") and "<b>" not in figure.svg for figure in figures)


def test_labels_that_are_never_answered_are_told() -> None:
    targets = np.array([[True, False]] * 19 + [[True, True]])
    predictions = {"probabilities": np.array([[0.9, 0.1]] * 20), "thresholds": np.full((20, 2), 0.5)}
    said = charts.remarks(Target(("war", "opera"), (0.5, 0.5)), targets, predictions)
    assert said[0] == "On average, an example has 1.05 labels, and 1.00 are answered."
    assert said[1] == "Never answered, with their number among 20 examples: opera (1)."


def test_baselines_learn_each_label_and_the_prior_of_those_that_are_always_the_same() -> None:
    generator = np.random.default_rng(0)
    features = pd.DataFrame(
        {"number": generator.normal(size=600), "category": pd.Categorical(generator.choice(["a", "b"], 600))}
    )
    targets = np.stack([features["number"] > 0, features["category"] == "a", np.zeros(600)], axis=1).astype(bool)
    predictions = baselines.baseline((features[:400], targets[:400]), features[400:])
    assert list(predictions) == ["prior", "linear", "gradient_boosting"]
    scores = {name: metrics.score(targets[400:], each, CONTEXT)["map"] for name, each in predictions.items()}
    assert scores["prior"] == pytest.approx(targets[400:, :2].mean(axis=0).mean())
    assert min(scores["linear"], scores["gradient_boosting"]) > 0.99
    assert all((each["probabilities"][:, 2] == 0).all() for each in predictions.values())
    half = np.repeat([1.0, 0.0], 200)
    weighted, expected = (
        baselines.baseline((features[:kept], targets[:kept]), features[400:], ["linear"], weights)["linear"]
        for kept, weights in ((400, half), (200, None))
    )
    np.testing.assert_allclose(weighted["probabilities"], expected["probabilities"], atol=0.02)
