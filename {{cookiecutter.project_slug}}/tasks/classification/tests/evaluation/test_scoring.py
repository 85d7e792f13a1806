"""The classification scores agree with scikit-learn, and their scores, figures and baselines hold together."""

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from project import baselines, metrics
from project.core.errors import InputError
from project.data import resampling
from project.data.resampling import Context, resampled_counts
from project.evaluation import charts, criteria, learning_curve, scoring
from project.reporting import plots
from project.reporting.report import Figure, Table
from project.settings import evaluation
from project.task import Target, describe_target

from declared import Config

Examples: TypeAlias = tuple[np.ndarray, dict[str, np.ndarray]]
CONTEXT = Context(Config(), {})


def made_up(num_examples: int, num_classes: int, decimals: int = 6, seed: int = 0) -> Examples:
    """Targets and probabilities that are better than chance; few decimals make ties."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(num_classes, size=num_examples).astype("int32")
    logits = generator.normal(size=(num_examples, num_classes)) + 1.5 * np.eye(num_classes)[targets]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return targets, {"probabilities": probabilities.round(decimals).astype("float32")}


@pytest.mark.parametrize("num_classes", [2, 3, 12])
@pytest.mark.parametrize("decimals", [6, 1])
def test_scores_equal_scikit_learn(num_classes: int, decimals: int) -> None:
    targets, predictions = made_up(500, num_classes, decimals)
    probabilities = predictions["probabilities"].astype(float)
    predicted, onehot = probabilities.argmax(axis=1), np.eye(num_classes)[targets]
    ranked = slice(1, 2) if num_classes == 2 else slice(None)
    squares = ((probabilities - onehot) ** 2).sum(axis=1).mean()
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(targets, predicted),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(targets, predicted),
        "macro_f1": sklearn_metrics.f1_score(targets, predicted, average="macro"),
        "roc_auc": sklearn_metrics.roc_auc_score(onehot[:, ranked], probabilities[:, ranked], average="macro"),
        "pr_auc": sklearn_metrics.average_precision_score(onehot[:, ranked], probabilities[:, ranked], average="macro"),
        "log_loss": -np.log(np.maximum(probabilities[np.arange(500), targets], np.finfo("float32").eps)).mean(),
        "brier": squares / 2 if num_classes == 2 else squares,
    }
    found = metrics.score(targets, predictions, CONTEXT)
    assert found.pop("ece") == pytest.approx(calibration_error(targets, probabilities), abs=1e-6)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_scores_of_a_class_equal_scikit_learn_and_are_criteria() -> None:
    targets, predictions = made_up(500, 3)
    names = ["none", "skin", "lung"]
    weights, own = np.random.default_rng(1).random(500), predictions["probabilities"][:, 2].astype(float)
    predictions["weighted"] = predictions["probabilities"] * [1, 1, 3]  # as costs have it
    answered, truth = predictions["weighted"].argmax(axis=1) == 2, targets == 2
    expected = {
        "recall": sklearn_metrics.recall_score(truth, answered, sample_weight=weights),
        "precision": sklearn_metrics.precision_score(truth, answered, sample_weight=weights),
        "specificity": sklearn_metrics.recall_score(~truth, ~answered, sample_weight=weights),
        "roc_auc": sklearn_metrics.roc_auc_score(truth, own, sample_weight=weights),
        "pr_auc": sklearn_metrics.average_precision_score(truth, own, sample_weight=weights),
        "log_loss": sklearn_metrics.log_loss(truth, own, sample_weight=weights),
    }
    assert expected.keys() == metrics.OF_CLASS.keys()
    context = Context(Config(criteria={f"lung:{name}": 0.5 for name in expected}), {"probabilities": names})
    found = metrics.score(targets, predictions, context, weights=weights)
    assert {name: found[f"lung:{name}"] for name in expected} == pytest.approx(expected, abs=1e-6)
    examples = pd.DataFrame({"sex": np.where(np.arange(500) % 2, "f", "m")})
    for required, passes in ((0.95, False), (0.5, True)):
        config = Config(criteria={"lung:recall": required, "worst:sex:lung:recall": required})
        context = Context(config, {"probabilities": names})
        scored = {"num_examples": 500, "metrics": scoring.intervals(targets, predictions, context, 100), "baseline": {}}
        measured = criteria.measure(context, examples, targets, predictions, {})
        assert [each["passed"] for each in criteria.judge(config, scored | measured)] == [passes, passes]
    with pytest.raises(InputError, match="'lang', which the model does not predict; it predicts: none, lung"):
        describe_target(Config(criteria={"lang:recall": 0.5}), pd.Series(["none", "lung", "none"] * 3))


def calibration_error(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The definition, bin by bin."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    bins = np.searchsorted(np.quantile(confidence, np.arange(1, 15) / 15), confidence, side="right")
    return sum(abs((confidence - correct)[bins == each].mean()) * (bins == each).mean() for each in np.unique(bins))


@pytest.mark.parametrize("decimals", [6, 1])
def test_scores_at_an_operating_point_are_those_of_the_roc_curve(decimals: int) -> None:
    targets, predictions = made_up(500, 2, decimals)
    weights = np.random.default_rng(1).random(500)
    curve = sklearn_metrics.roc_curve(targets, predictions["probabilities"][:, 1], sample_weight=weights)
    alarms, found = curve[0], curve[1]
    names = ["sensitivity@specificity=0.9", "specificity@sensitivity=.95"]
    expected = [found[1 - alarms >= 0.9].max(), (1 - alarms)[found >= 0.95].max()]
    config = Config(metric=names[0], criteria=f"{names[0]}=0.6,worst:sex:{names[1]}=0.5")
    scores = metrics.score(targets, predictions, Context(config, {}), weights=weights)
    assert [scores[name] for name in names] == pytest.approx(expected, abs=1e-9)
    assert evaluation.parts(f"worst:sex:{names[1]}") == ("worst", "sex", names[1])
    of_one = metrics.METRICS[f"yes:{names[0]}"].function
    context = Context(config, {"probabilities": ["no", "yes"]})
    assert of_one(targets, predictions, weights[None], context) == pytest.approx(expected[:1], abs=1e-9)
    for wrong in ("sensitivity@specificity", "recall@precision=0.9", "sensitivity@specificity=9"):
        with pytest.raises(ValueError, match="at an operating point, such as sensitivity@"):
            Config(metric=wrong)


def test_where_all_are_right_the_bound_says_how_few_they_are() -> None:
    targets = np.array([1] * 3 + [0] * 17)
    predictions = {"probabilities": np.eye(2)[targets].astype("float32")}
    names = ["accuracy", "sensitivity", "specificity", "roc_auc", "log_loss"]
    chosen = {name: metrics.METRICS[name] for name in names}
    found = scoring.intervals(targets, predictions, CONTEXT, 50, chosen)
    lows = {name: found[name]["low"] for name in names[:3]}
    assert lows == pytest.approx(
        {"accuracy": 0.025 ** (1 / 20), "sensitivity": 0.025 ** (1 / 3), "specificity": 0.8049}, abs=1e-4
    )
    assert found["roc_auc"]["low"] == 1  # of which a single example says nothing
    weights = np.where(np.arange(20) < 2, 1.0, 1e-6)  # of the three, two count
    weighted = scoring.intervals(targets, predictions, CONTEXT, 50, chosen, weights)
    assert weighted["sensitivity"]["low"] == pytest.approx(0.025 ** (1 / 2), abs=1e-4)
    config = Config(criteria={"sensitivity": 0.8})
    entry = criteria.judge(config, {"metrics": found, "num_examples": 20})[0]
    assert (entry["passed"], entry["value"]) == (False, 1)
    assert criteria.judge(config.model_copy(update={"criteria_on": "value"}), {"metrics": found})[0]["passed"]


def test_a_class_that_is_absent_is_left_out_of_averages() -> None:
    targets, predictions = made_up(200, 4)
    kept = targets != 2
    found = metrics.score(targets[kept], {"probabilities": predictions["probabilities"][kept]}, CONTEXT)
    assert all(np.isfinite(value) for value in found.values())
    summary = scoring.intervals(
        targets[kept][:20], {"probabilities": predictions["probabilities"][kept][:20]}, CONTEXT, 50
    )
    assert all(np.isfinite(list(entry.values())).all() for entry in summary.values())


@pytest.mark.parametrize("num_classes", [2, 3])
def test_intervals_hold_the_truth_as_often_as_they_say(num_classes: int) -> None:
    truth = metrics.score(*made_up(100_000, num_classes, seed=1), CONTEXT)
    names = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "pr_auc", "log_loss", "brier")
    held = np.zeros(len(names))
    for seed in range(100):
        summary = scoring.intervals(*made_up(300, num_classes, seed=seed + 2), CONTEXT, 100)
        held += [summary[name]["low"] <= truth[name] <= summary[name]["high"] for name in names]
    assert held.min() >= 83  # of 100; 95 are expected, less for so few resamples
    assert held.mean() <= 99


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("decimals", [6, 1])
def test_resamples_equal_scikit_learn_with_sample_weights(num_classes: int, decimals: int) -> None:
    targets, predictions = made_up(300, num_classes, decimals)
    probabilities, onehot = predictions["probabilities"], np.eye(num_classes)[targets]
    ranked = slice(1, 2) if num_classes == 2 else slice(None)
    drawn = metrics.samples(targets, predictions, CONTEXT, 3)
    for place, weights in enumerate(resampled_counts(300, 3, 0)):
        expected = {
            "accuracy": sklearn_metrics.accuracy_score,
            "balanced_accuracy": sklearn_metrics.balanced_accuracy_score,
            "macro_f1": lambda true, predicted, **weights: sklearn_metrics.f1_score(
                true, predicted, average="macro", **weights
            ),
        }
        for name, function in expected.items():
            value = function(targets, probabilities.argmax(axis=1), sample_weight=weights)
            assert drawn[name][place] == pytest.approx(value), name
        for name, area in (
            ("roc_auc", sklearn_metrics.roc_auc_score),
            ("pr_auc", sklearn_metrics.average_precision_score),
        ):
            value = area(onehot[:, ranked], probabilities[:, ranked], sample_weight=weights)
            assert drawn[name][place] == pytest.approx(value), name


def test_intervals_of_a_sample_are_as_wide_as_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = made_up(4_000, 2)
    chosen = {name: metrics.METRICS[name] for name in ("accuracy", "roc_auc", "log_loss")}
    whole = scoring.intervals(*examples, CONTEXT, 300, chosen)
    monkeypatch.setattr(resampling, "MAX_EXAMPLES", 1_000)
    part = scoring.intervals(*examples, CONTEXT, 300, chosen)
    for name, interval in whole.items():
        assert part[name]["value"] == interval["value"]
        widths = [each["high"] - each["low"] for each in (part[name], interval)]
        assert 0.75 < widths[0] / widths[1] < 1.33, name


def test_errors_rank_confident_mistakes_first() -> None:
    predictions = {"probabilities": np.array([[0.9, 0.1], [0.2, 0.8], [1.0, 0.0]])}
    errors = metrics.errors(np.array([0, 0, 1]), predictions)
    assert errors.argsort().tolist() == [0, 1, 2]
    assert np.isfinite(errors).all()


@pytest.mark.parametrize("num_classes", [2, 3, 15])
def test_every_figure_is_described(num_classes: int) -> None:
    targets, predictions = made_up(300, num_classes)
    target = Target(tuple(f"$class_{each}$ <b>" for each in range(num_classes)), (1.0,) * num_classes)
    blocks = charts.figures(target, targets, predictions)
    drawn = [block for block in blocks if isinstance(block, Figure)]
    assert len(drawn) == 4
    assert all(figure.description and figure.svg.startswith("<svg") and "<b>" not in figure.svg for figure in drawn)
    assert "Its temperature was set on these validation examples" in drawn[-1].note


def test_scores_of_the_positive_class_equal_scikit_learn() -> None:
    targets, predictions = made_up(500, 2)
    predicted = predictions["probabilities"].argmax(axis=1)
    found = metrics.score(targets, predictions, Context(Config(beta=2.0), {}))
    confusion = sklearn_metrics.confusion_matrix(targets, predicted)
    (true_negative, false_positive), (false_negative, true_positive) = confusion
    assert found["sensitivity"] == pytest.approx(true_positive / (true_positive + false_negative))
    assert found["specificity"] == pytest.approx(true_negative / (true_negative + false_positive))
    assert found["ppv"] == pytest.approx(true_positive / (true_positive + false_positive))
    assert found["npv"] == pytest.approx(true_negative / (true_negative + false_negative))
    assert found["f_beta"] == pytest.approx(sklearn_metrics.fbeta_score(targets, predicted, beta=2))
    assert found["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(targets, predicted))
    assert "top_k_accuracy" not in found


def test_scores_of_ordered_classes_equal_scikit_learn() -> None:
    targets, predictions = made_up(500, 5)
    predicted, weights = predictions["probabilities"].argmax(axis=1), np.random.default_rng(1).random(500)
    context = Context(Config(order=("a", "b", "c", "d", "e")), {})
    found = metrics.score(targets, predictions, context, weights=weights)
    expected = sklearn_metrics.cohen_kappa_score(targets, predicted, weights="quadratic", sample_weight=weights)
    assert found["quadratic_kappa"] == pytest.approx(expected)
    expected = sklearn_metrics.mean_absolute_error(targets, predicted, sample_weight=weights)
    assert found["rank_error"] == pytest.approx(expected)
    assert not {"quadratic_kappa", "rank_error"} & metrics.score(targets, predictions, CONTEXT).keys()


def test_scores_of_many_classes_equal_scikit_learn() -> None:
    targets, predictions = made_up(500, 12)
    found = metrics.score(targets, predictions, Context(Config(top_k=3), {}))
    predicted = predictions["probabilities"].argmax(axis=1)
    assert found["mcc"] == pytest.approx(sklearn_metrics.matthews_corrcoef(targets, predicted))
    expected = sklearn_metrics.top_k_accuracy_score(targets, predictions["probabilities"], k=3)
    assert found["top_k_accuracy"] == pytest.approx(expected)
    assert "sensitivity" not in found


def test_of_many_classes_those_with_mistakes_are_drawn_with_numbers() -> None:
    names = [f"class {each}" for each in range(150)]
    confusion = np.eye(150, dtype=int) * 9
    confusion[149, 3], confusion[70, 71] = 1_234, 5
    matrix, table = charts.confusion_blocks(names, confusion)
    assert isinstance(matrix, Figure)
    assert isinstance(table, Table)
    assert matrix.note.startswith("Of 150 classes, the 20 with the most mistakes. ")
    assert all(text in matrix.svg for text in ("1,234", ">5<", "class 149", "class 3", "class 70", "class 71"))
    assert "class 148" not in matrix.svg
    assert [row[:3] for row in table.rows] == [["class 149", "class 3", 1_234], ["class 70", "class 71", 5]]
    targets = np.repeat(np.arange(12), 10)
    roc, _ = charts.class_curves(names[:12], targets, np.eye(12)[targets])
    assert isinstance(roc, Figure)
    assert roc.note.startswith("10 of 12 classes, none of which is rarer than those left out, one against the rest.")


def test_classes_that_are_never_predicted_are_told() -> None:
    target = Target(("well", "ill", "away"), (1.0, 1.0, 1.0))
    predictions = {"probabilities": np.array([[0.9, 0.1, 0.0]] * 20)}
    _, told = charts.remarks(target, np.array([0] * 19 + [1]), predictions)
    assert told.startswith("Never predicted, with their number among 20 examples: ill (1); `class_weight` balanced")
    assert charts.remarks(target, np.repeat([0, 1, 2], [18, 1, 1]), predictions)[0].startswith("Never predicted")


def test_classes_without_examples_are_told() -> None:
    predictions = {"probabilities": np.array([[0.9, 0.1]] * 20)}
    target = Target(("well", "ill"), (1.0, 1.0))
    (told,) = charts.remarks(target, np.zeros(20, int), predictions)
    assert told.startswith("None of the 20 examples is of class ill: the scores do not tell")
    assert charts.remarks(target, np.repeat([0, 1], 10), {"probabilities": np.eye(2)[np.repeat([0, 1], 10)]}) == []


def test_figures_of_a_split_with_one_class_only() -> None:
    predictions = {"probabilities": np.array([[0.9, 0.1], [0.7, 0.3]])}
    assert len(charts.figures(Target(("no", "yes"), (1.0, 1.0)), np.array([0, 0]), predictions)) == 5


def test_baselines_learn_from_numbers_and_categories() -> None:
    generator = np.random.default_rng(0)
    features = pd.DataFrame(
        {
            "number": np.where(generator.random(600) < 0.1, np.nan, generator.normal(size=600)),
            "empty": np.nan,
            "category": pd.Categorical(generator.choice(["a", "b", "c"], 600)),
            "many": pd.Categorical([f"value {place % 400}" for place in range(600)]),
        }
    )
    targets = ((features["number"].fillna(0) > 0) | (features["category"] == "a")).to_numpy().astype("int32")
    unseen = features.iloc[400:].assign(category=pd.Categorical(["z"] * 100 + ["a"] * 100))
    predictions = baselines.baseline((features[:400], targets[:400]), unseen)
    accuracies = {name: metrics.score(targets[400:], each, CONTEXT)["accuracy"] for name, each in predictions.items()}
    assert list(accuracies) == ["majority", "linear", "gradient_boosting"]
    assert min(accuracies["linear"], accuracies["gradient_boosting"]) > accuracies["majority"] + 0.05
    assert all(each["probabilities"].sum(axis=1) == pytest.approx(np.ones(200)) for each in predictions.values())


def test_baselines_take_a_plain_matrix() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(300, 4)).astype("float32")
    targets = (features[:, 0] > 0).astype("int32")
    predictions = baselines.baseline((features, targets), features)
    assert metrics.score(targets, predictions["linear"], CONTEXT)["accuracy"] > 0.9


def test_baselines_count_examples_by_weight() -> None:
    generator = np.random.default_rng(0)
    features = pd.DataFrame({"number": generator.normal(size=400)})
    targets = (features["number"] + generator.normal(size=400) > 0).to_numpy("int32")
    counts = generator.integers(0, 3, 400)
    repeated = np.repeat(np.arange(400), counts)
    weighted = baselines.baseline((features, targets), features, weights=counts.astype(float))
    expected = baselines.baseline((features.iloc[repeated], targets[repeated]), features)
    for name, rough in (("majority", 1e-9), ("linear", 0.02)):  # numbers are scaled by their spread without weights
        found, wanted = (each[name]["probabilities"] for each in (weighted, expected))
        np.testing.assert_allclose(found, wanted, atol=rough)
    flags = (counts > 0).astype(float)
    without, left_out = (
        baselines.baseline((features[kept], targets[kept]), features, ["gradient_boosting"], weights)
        for kept, weights in ((np.ones(400, bool), flags), (counts > 0, None))
    )
    np.testing.assert_allclose(
        without["gradient_boosting"]["probabilities"], left_out["gradient_boosting"]["probabilities"], atol=1e-6
    )


def test_a_learning_curve_says_what_a_doubling_has_changed() -> None:
    targets = np.arange(1000) % 2
    drawn = []
    for right in (700, 800, 900):  # of 1,000 examples
        answers = np.where(np.arange(1000) < right, targets, 1 - targets)
        drawn.append({"probabilities": np.eye(2)[answers]})
    config = Config(metric="accuracy")
    context = Context(config, {"probabilities": ["no", "yes"]})
    found = learning_curve.measure(context, "linear", [100, 200, 400], targets, drawn, None)
    assert [point["value"] for point in found["points"]] == [0.7, 0.8, 0.9]
    assert found["doubling"]["value"] == pytest.approx(0.1)
    assert 0.08 < found["doubling"]["low"] < 0.1 < found["doubling"]["high"] < 0.12
    (figure, _) = learning_curve.blocks(config, {"learning_curve": found})
    assert "Each doubling has changed Accuracy by +0.1 [" in str(figure)
    assert not learning_curve.measure(context, "majority", [100, 200, 400], targets, drawn[:1] * 3, None)


def test_no_learning_curve_goes_beyond_what_a_metric_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[list[float]]()

    def draw(curves: list[plots.Line], *_: Any, **__: Any) -> str:
        drawn.extend(np.asarray(curve.y, float).tolist() for curve in curves)
        return ""

    monkeypatch.setattr(plots, "lines", draw)
    points = [{"examples": 100 * 2**n, "value": v, "low": v, "high": v} for n, v in enumerate((0.8, 0.9, 0.97))]
    found = {"model": "linear", "points": points, "doubling": {"value": 0.085, "low": 0.08, "high": 0.09}}
    learning_curve.blocks(Config(metric="accuracy"), {"learning_curve": found})
    assert drawn == [[0.8, 0.9, 0.97], [0.97, 1.0]]


def test_the_learning_curve_is_left_out_where_a_part_has_a_single_class() -> None:
    rows, config = pd.DataFrame(index=range(400)), Config(metric="accuracy", time="", group="")
    targets = np.arange(400) % 2
    weighed = list[float]()

    def predict(names: list[str], weights: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        weighed.append(weights.sum())
        return {
            name: {"probabilities": np.eye(2)[np.where(np.arange(400) < weights.sum(), targets, 0)]} for name in names
        }

    def refuse(names: list[str], weights: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        raise ValueError("This solver needs samples of at least 2 classes")

    context = Context(config, {"probabilities": ["no", "yes"]})
    result = {"baseline": {"majority": {"accuracy": 0.5}, "linear": {"accuracy": 1.0}, "gradient_boosting": {}}}
    simple = {"linear": {"probabilities": np.eye(2)[targets]}}
    found = learning_curve.of_baseline(context, rows, None, predict, simple, (targets, None), result)
    assert weighed == [100, 200], "of all examples there are predictions"
    assert (found["model"], [point["value"] for point in found["points"]]) == ("linear", [0.625, 0.75, 1.0])
    assert learning_curve.of_baseline(context, rows, None, refuse, simple, (targets, None), result) == {}
