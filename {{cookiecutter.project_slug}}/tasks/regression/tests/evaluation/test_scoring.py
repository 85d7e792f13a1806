"""The regression scores agree with scikit-learn, and their scores, figures and baselines hold together."""

from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from project import baselines, metrics
from project.data.resampling import Context
from project.evaluation import charts, criteria, scoring
from project.reporting.report import Figure
from project.task import Target

import problem
from declared import Config

Examples: TypeAlias = tuple[np.ndarray, dict[str, np.ndarray]]
CONTEXT = Context(Config(), {})


def made_up(num_examples: int, seed: int = 0) -> Examples:
    """Targets far from zero, predictions with an error of 1 and intervals of 1.645 to each side."""
    generator = np.random.default_rng(seed)
    predicted = generator.normal(50, 4, num_examples)
    targets = predicted + generator.normal(size=num_examples)
    return targets, {"prediction": predicted, "low": predicted - 1.645, "high": predicted + 1.645}


def test_scores_equal_scikit_learn() -> None:
    targets, predictions = made_up(500)
    predicted = predictions["prediction"]
    expected = {
        "rmse": sklearn_metrics.mean_squared_error(targets, predicted) ** 0.5,
        "mae": sklearn_metrics.mean_absolute_error(targets, predicted),
        "r2": sklearn_metrics.r2_score(targets, predicted),
        "mape": sklearn_metrics.mean_absolute_percentage_error(targets, predicted),
        "coverage": np.mean(np.abs(targets - predicted) <= 1.645),
        "interval_width": 3.29,
    }
    found = metrics.score(targets, predictions, CONTEXT)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_several_targets_are_scored_each_by_itself_and_together() -> None:
    (prices, one), (days, other) = made_up(300), made_up(300, 1)
    days, known = np.where(np.arange(300) % 4, days / 7, np.nan), np.arange(300) % 4 > 0
    targets, scale = np.stack([prices, days], axis=1), (4.0, 0.5)
    other = {name: values / 7 for name, values in other.items()}
    predictions = {name: np.stack([one[name], other[name]], axis=1) for name in one}
    predictions["scale"] = np.broadcast_to(scale, targets.shape)
    context = Context(Config(), {"prediction": ["price", "days"]})
    weights = np.random.default_rng(2).random(300)
    found = metrics.score(targets, predictions, context, weights=weights)
    days_known = {name: values[known] for name, values in other.items()}
    alone = [
        metrics.score(prices, one, CONTEXT, weights=weights),
        metrics.score(days[known], days_known, CONTEXT, weights=weights[known]),
    ]
    for name in problem.METRICS:
        assert found[f"price:{name}"] == pytest.approx(alone[0][name])
        assert found[f"days:{name}"] == pytest.approx(alone[1][name])
        units = scale if name in ("rmse", "mae", "interval_width") else (1, 1)
        assert found[name] == pytest.approx((alone[0][name] / units[0] + alone[1][name] / units[1]) / 2)
    assert metrics.METRICS["days:rmse"].label == "RMSE of days"
    assert "days:fame" not in metrics.METRICS
    drawn = metrics.samples(targets, predictions, context, 50)
    np.testing.assert_allclose(drawn["price:mae"], metrics.samples(prices, one, CONTEXT, 50)["mae"])
    features = np.random.default_rng(3).normal(size=(300, 2))
    simple = baselines.baseline((features, targets), features)
    np.testing.assert_allclose(simple["mean"]["prediction"][0], np.nanmean(targets, axis=0))
    own = baselines.baseline((features[known], days[known]), features)
    np.testing.assert_allclose(simple["linear"]["prediction"][:, 1], own["linear"]["prediction"])
    target = Target((50.0, 7.0), scale, ("price", "days"))
    blocks = charts.figures(target, targets, predictions)
    assert [block.title for block in blocks if isinstance(block, Figure)][::4] == [
        "price: Predicted and true values",
        "days: Predicted and true values",
    ]


@pytest.mark.parametrize(
    ("criterion", "missed", "met"),
    [("worst:place:price:rmse", 2.9, 4.0), ("gap:place:price:mae", 1.0, 4.0), ("worst:place:days:rmse", 0.5, 2.0)],
)
def test_a_criterion_of_slices_is_of_one_target(criterion: str, missed: float, met: float) -> None:
    rows = np.arange(200)
    examples = pd.DataFrame({"place": np.where(rows % 2, "south", "north")})
    targets = np.stack([np.zeros(200), np.where(rows % 20 > 1, np.nan, 0.0)], axis=1)  # 10 of each place have days
    sizes = np.random.default_rng(0).normal(size=200)
    predictions = {"prediction": np.stack([np.where(rows % 2, 3 * sizes, sizes), sizes], axis=1)}
    predictions["scale"] = np.ones((200, 2))
    for required, passes in ((missed, False), (met, ":days:" not in criterion)):
        config = Config(target="price, days", criteria={criterion: required})
        context = Context(config, {"prediction": ["price", "days"]})
        measured = criteria.measure(context, examples, targets, predictions, {})
        (entry,) = criteria.judge(config, {"num_examples": 200, "metrics": {}, "baseline": {}, **measured})
        assert entry["passed"] is passes
        (line,) = criteria.lines([entry])
        assert ("too small to be judged: north (10), south (10)" in line) == (":days:" in criterion), line
    assert ("RMSE of price in every slice by place" in line) == (criterion == "worst:place:price:rmse")


def test_what_is_undefined_is_left_out() -> None:
    targets, predictions = np.array([0.0, 1.0, 2.0]), {"prediction": np.array([0.1, 1.1, 2.2])}
    assert not {"mape", "coverage", "interval_width"} & metrics.score(targets, predictions, CONTEXT).keys()
    assert np.isnan(metrics.score(np.ones(3), predictions, CONTEXT)["r2"])


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    truth = metrics.score(*made_up(1_000_000, seed=1), CONTEXT)
    names = ("rmse", "mae", "r2", "mape", "coverage")
    held = np.zeros(len(names))
    for seed in range(100):
        summary = scoring.intervals(*made_up(300, seed + 2), CONTEXT, 100)
        held += [summary[name]["low"] <= truth[name] <= summary[name]["high"] for name in names]
    assert held.min() >= 83  # of 100; 95 are expected, less for so few resamples
    assert held.mean() <= 99


def test_a_model_that_always_predicts_the_same_is_told() -> None:
    target, truth = Target(0.0, 1.0), np.array([1.0, 2.0, 3.0])
    assert charts.remarks(target, truth, {"prediction": np.full(3, 2.5)}) == [
        "The model predicts 2.5 for every example."
    ]
    assert charts.remarks(target, truth, {"prediction": truth}) == []


def test_errors_are_absolute() -> None:
    assert metrics.errors(np.array([1.0, -3.0]), {"prediction": np.array([2.0, 1.0])}).tolist() == [1, 4]


@pytest.mark.parametrize("num_examples", [1, 5, 4_000])
def test_every_figure_is_described(num_examples: int) -> None:
    targets, predictions = made_up(num_examples)
    blocks = charts.figures(Target(50.0, 4.0), targets, predictions)
    drawn = [block for block in blocks if isinstance(block, Figure)]
    assert len(drawn) == 4
    assert all(figure.description and figure.svg.startswith("<svg") for figure in drawn)
    assert max(len(figure.svg) for figure in drawn) < 100_000
    assert "was set on others of the validation split" in drawn[-1].note


def test_baselines_learn_from_numbers_and_categories() -> None:
    generator = np.random.default_rng(0)
    features = pd.DataFrame(
        {
            "number": generator.normal(size=600),
            "category": pd.Categorical([("a", "b", None)[place] for place in generator.integers(3, size=600)]),
        }
    )
    targets = (features["number"] + 2.0 * (features["category"] == "a")).to_numpy("float64")
    predictions = baselines.baseline((features[:400], targets[:400]), features[400:])
    errors = {name: metrics.score(targets[400:], each, CONTEXT)["rmse"] for name, each in predictions.items()}
    assert list(errors) == ["mean", "linear", "gradient_boosting"]
    assert max(errors["linear"], errors["gradient_boosting"]) < 0.5 * errors["mean"]


def test_baselines_count_examples_by_weight() -> None:
    generator = np.random.default_rng(0)
    features = pd.DataFrame({"number": generator.normal(size=400)})
    targets = features["number"].to_numpy() ** 3
    counts = generator.integers(0, 3, 400)
    repeated = np.repeat(np.arange(400), counts)
    weighted = baselines.baseline((features, targets), features, ["linear"], counts.astype(float))
    expected = baselines.baseline((features.iloc[repeated], targets[repeated]), features, ["linear"])
    for name, rough in (("mean", 1e-9), ("linear", 0.02)):  # numbers are scaled by their spread without weights
        np.testing.assert_allclose(weighted[name]["prediction"], expected[name]["prediction"], atol=rough)
