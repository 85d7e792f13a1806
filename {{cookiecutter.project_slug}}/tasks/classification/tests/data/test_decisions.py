"""How labels follow from probabilities: right thresholds on made-up arrays, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from project import metrics, task
from project.core import command
from project.core.errors import InputError, RefusedError
from project.data import decisions
from project.data.resampling import Context
from project.evaluation import charts
from project.reporting.report import Figure, Table

from declared import Config

CLASSES = ("well", "ill")
CONTEXT = Context(Config(costs={"missed": 9}), {"probabilities": CLASSES})


def made_up(num_examples: int = 400, seed: int = 0, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (num_examples, 2), of which some are equal, and class numbers that mostly follow them."""
    random = np.random.default_rng(seed)
    scores = random.beta(1, 4, num_examples).round(decimals).clip(0.01, 0.99)
    return np.stack([1 - scores, scores], axis=1).astype("float32"), (random.random(num_examples) < scores).astype(int)


def decide(probabilities: np.ndarray, decision: decisions.Decision) -> np.ndarray:
    """Class numbers as the exported graph computes them, (num_examples,)."""
    target = task.Target(CLASSES, (1.0, 1.0), decision)
    decoder = task.Decode(task.asdict(target))
    logits = np.log(probabilities)[:, None]  # of one member
    decoder.build(logits.shape)
    decoder.decide(decision)
    outputs = task.Decode.from_config(decoder.get_config())
    outputs.build(logits.shape)
    outputs.set_weights(decoder.get_weights())
    found = outputs(logits)
    codes = np.array([CLASSES.index(label.decode()) for label in found["label"].numpy()])
    np.testing.assert_allclose(found["probability"], probabilities[np.arange(len(codes)), codes], rtol=1e-5)
    return codes


@pytest.mark.parametrize(("missed", "false_alarm"), [(20, 1), (1, 1), (1, 8)])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_labels_and_scores_follow_from_the_chosen_threshold(
    missed: float, false_alarm: float, is_weighted: bool
) -> None:
    probabilities, targets = made_up()
    weights = np.random.default_rng(1).integers(1, 4, len(targets)).astype(float) if is_weighted else None
    wish = decisions.describe({"missed": missed, "false alarm": false_alarm}, "", CLASSES)
    chosen = decisions.choose(wish, probabilities, targets, weights)
    assert chosen.low is not None
    assert chosen.high is not None
    assert 0 < chosen.low < (chosen.threshold or 0) < chosen.high < 1
    assert chosen.low < false_alarm / (missed + false_alarm) < chosen.high  # probabilities are calibrated
    codes = decide(probabilities, chosen)
    np.testing.assert_array_equal(codes, probabilities[:, 1] > chosen.threshold)
    found = np.where(targets == 1, missed, false_alarm) * (codes != targets)
    outputs = {"label": codes, "probabilities": probabilities}  # as a model gives them
    target = task.Target(CLASSES, (1.0, 1.0), chosen)
    context = Context(Config(costs={"missed": missed, "false alarm": false_alarm}), {"probabilities": CLASSES})
    scores = metrics.score(targets, task.aligned(outputs, target, target), context, weights=weights)
    assert scores["expected_cost"] == pytest.approx(np.average(found, weights=weights))
    assert scores["accuracy"] == pytest.approx(np.average(codes == targets, weights=weights))


def test_more_examples_make_the_threshold_surer_and_bring_it_to_what_theory_says() -> None:
    wish = decisions.describe({"missed": 4}, "", CLASSES)
    few, many = (decisions.choose(wish, *made_up(number, decimals=6)) for number in (200, 30_000))
    assert (many.high or 0) - (many.low or 0) < ((few.high or 0) - (few.low or 0)) / 2
    assert many.threshold == pytest.approx(1 / (1 + 4), abs=0.01)  # probabilities are calibrated
    scores = np.array([0.1, 0.2, 0.3, 0.6])
    fewest = decisions.choose(wish, np.stack([1 - scores, scores], axis=1), np.array([0, 0, 0, 1]))
    assert fewest.threshold == pytest.approx(0.2, abs=0.05)


def test_wrong_probabilities_are_corrected() -> None:
    probabilities, targets = made_up(20_000, decimals=6)
    odds = probabilities[:, 1] / probabilities[:, 0]
    shifted = 5 * odds**1.4 / (1 + 5 * odds**1.4)  # as balanced class weights do, and too sure of itself
    wish = decisions.describe({"missed": 4}, "", CLASSES)
    chosen = decisions.choose(wish, np.stack([1 - shifted, shifted], axis=1), targets)
    right = 5 * 0.25**1.4 / (1 + 5 * 0.25**1.4)
    assert chosen.threshold == pytest.approx(right, abs=0.02)
    assert chosen.low is not None
    assert chosen.high is not None
    assert chosen.low < right < chosen.high


def test_the_interval_holds_what_theory_says_as_often_as_it_says() -> None:
    wish = decisions.describe({"missed": 4}, "", CLASSES)
    found = [decisions.choose(wish, *made_up(500, seed, 6)) for seed in range(100)]
    assert sum((each.low or 0) < 0.2 < (each.high or 0) for each in found) >= 93


@pytest.mark.parametrize(
    ("rule", "scored", "other"),
    [
        ("sensitivity >= 0.95", (1, "recall_score"), (0, "recall_score")),
        ("recall>=.5", (1, "recall_score"), (0, "recall_score")),
        ("specificity >= 0.9", (0, "recall_score"), (1, "recall_score")),
        ("precision >= 0.5", (1, "precision_score"), (1, "recall_score")),
        ("npv >= 0.9", (0, "precision_score"), (0, "recall_score")),
    ],
)
def test_a_constraint_is_met_at_the_least_expense_of_the_opposite(
    rule: str, scored: tuple[int, str], other: tuple[int, str]
) -> None:
    probabilities, targets = made_up()
    codes = decide(probabilities, decisions.choose(decisions.describe({}, rule, CLASSES), probabilities, targets))

    def both(predicted: np.ndarray) -> tuple[float, float]:
        found = (
            getattr(sklearn.metrics, name)(targets, predicted, pos_label=label, zero_division=0)
            for label, name in (scored, other)
        )
        return next(found), next(found)

    least = float(rule.partition(">=")[2])
    tried = [both((probabilities[:, 1] >= each).astype(int)) for each in np.linspace(0.015, 0.985, 98)]
    assert both(codes)[0] >= least
    assert both(codes)[1] == pytest.approx(max(value for reached, value in tried if reached >= least))


def test_a_given_threshold_is_kept() -> None:
    probabilities, targets = made_up()
    wish = decisions.describe({}, "0.3", CLASSES)
    assert decisions.choose(wish, probabilities, targets) == wish
    near = np.abs(probabilities[:, 1] - 0.3) < 0.001
    np.testing.assert_array_equal(decide(probabilities, wish)[~near], (probabilities[:, 1] > 0.3)[~near])
    assert str(wish) == 'The answer is "ill" from a probability of 0.3 on, as the setting says.'


def test_the_cost_of_missing_each_of_many_classes_decides() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([1, 1, 1], 500)
    decision = decisions.describe({"c": 5, "a": 2}, "", "abc")
    assert decisions.choose(decision, probabilities, random.integers(3, size=500)) == decision
    target = task.Target(("a", "b", "c"), (1.0, 1.0, 1.0), decision)
    predictions = task.aligned({"probabilities": probabilities}, target, target)
    costs = (2 * probabilities[:, 0], probabilities[:, 1], 5 * probabilities[:, 2])  # of what is not answered
    expected = np.stack([costs[1] + costs[2], costs[0] + costs[2], costs[0] + costs[1]]).argmin(axis=0)
    np.testing.assert_array_equal(metrics.predicted_classes(predictions), expected)


def test_of_many_classes_the_answer_of_the_least_expected_cost_is_given() -> None:
    costs = np.array([[0, 2, 7], [1, 0, 1], [5, 0.5, 0]])  # true classes in rows
    wish = {"a": 2, "a -> c": 7, "c": 5, "c->b": 0.5}
    decision = decisions.describe(wish, "", "abc")
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], 500).astype("float32")
    expected = (probabilities @ costs).argmin(axis=1)
    assert (expected != probabilities.argmax(axis=1)).mean() > 0.2  # else this shows nothing
    decoder = task.Decode(task.asdict(task.Target(("a", "b", "c"), (1.0, 1.0, 1.0), decision)))
    decoder.build((None, 1, 3))
    decoder.decide(decision)
    again = task.Decode.from_config(decoder.get_config())
    again.build((None, 1, 3))
    again.set_weights(decoder.get_weights())
    assert again.target.decision == decision
    labels = again(np.log(probabilities)[:, None])["label"].numpy()
    assert ["abc".index(label.decode()) for label in labels] == expected.tolist()
    target, targets = decoder.target, np.random.default_rng(1).integers(3, size=500)
    predictions = task.aligned({"probabilities": probabilities}, target, target)
    context = Context(Config(costs=wish), {"probabilities": "abc"})
    paid = costs[targets, expected]
    assert metrics.score(targets, predictions, context)["expected_cost"] == pytest.approx(paid.mean())
    table = charts.mistake_table(target, targets, expected)
    assert [row[-1] for row in table.rows] == pytest.approx([paid[targets == code].sum() for code in range(3)])
    assert charts.remarks(target, targets, predictions)[0].startswith("Each label is the class of the least expected")


def test_of_two_classes_each_has_one_wrong_answer() -> None:
    expected = decisions.describe({"missed": 9}, "", CLASSES)
    assert decisions.describe({"ill -> well": 9}, "", CLASSES) == expected


def test_a_champion_keeps_its_way_to_decide_and_is_judged_by_the_costs_of_today() -> None:
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6]])
    old = task.Target(("ill", "well"), (1.0, 1.0))  # in another order, and by the most probable class
    new = task.Target(CLASSES, (1.0, 1.0), decisions.describe({"missed": 9}, "", CLASSES))
    champion = task.aligned({"label": np.array(["ill", "well"]), "probabilities": probabilities}, old, new)
    assert metrics.predicted_classes(champion).tolist() == [1, 0]
    assert metrics.score(np.array([0, 1]), champion, CONTEXT)["expected_cost"] == pytest.approx((1 + 9) / 2)


def test_a_logged_prediction_is_scored_as_it_was_answered() -> None:
    decision = task.asdict(decisions.describe({"missed": 9}, "", CLASSES))
    described = {"parts": {"probabilities": list(CLASSES)}, "decision": decision}
    pairs = [({"label": "ill", "probabilities": [0.8, 0.2]}, name) for name in ("ill", "well")]
    targets, predictions, _ = metrics.as_scored(described, pairs)
    found = metrics.score(targets, predictions, CONTEXT)
    assert (found["accuracy"], found["expected_cost"]) == (0.5, 0.5)


def test_nothing_set_is_the_most_probable_class_and_nothing_more() -> None:
    target = task.describe_target(Config(), pd.Series(["well", "ill", "well"]))
    decoder = task.Decode(task.asdict(target))
    decoder.build((None, 1, 2))
    assert decoder.get_config()["target"].keys() == {"classes", "weights"}
    assert len(decoder.weights) == 1
    predictions = {"probabilities": made_up()[0]}
    assert task.aligned(predictions, target, target).keys() == predictions.keys()
    assert "expected_cost" not in metrics.score(made_up()[1], predictions, Context(Config(), {}))


def test_of_ordered_classes_the_median_is_answered_unless_costs_say_otherwise() -> None:
    order, probabilities = ("low", "fair", "high"), np.array([[0.4, 0.25, 0.35], [0.0, 0.4, 0.6], [0.51, 0.0, 0.49]])
    names = pd.Series(order)
    target = task.describe_target(Config(order=order), names)
    decision = task.asdict(target)["decision"]
    assert "the median class" in charts.remarks(target, np.array([0, 1, 2]), {"probabilities": probabilities})[0]
    described = {"parts": {"probabilities": list(order)}, "decision": decision}
    pairs = [({"probabilities": row}, "low") for row in probabilities.tolist()]
    for predictions in (
        metrics.as_scored(described, pairs)[1],  # as the log keeps them
        task.aligned({"probabilities": probabilities}, target, target),  # of a baseline
        task.aligned({"label": names, "probabilities": probabilities}, target, target),
    ):
        assert metrics.predicted_classes(predictions).tolist() == [1, 2, 0]
    turned = task.aligned({"probabilities": probabilities}, target, task.Target(order[::-1], (1.0,) * 3))
    assert metrics.predicted_classes(turned).tolist() == [1, 0, 2]
    costly = task.describe_target(Config(order=order, costs={"high": 9}), names)
    assert costly.has_order
    assert metrics.predicted_classes(task.aligned({"probabilities": probabilities}, costly, costly)).tolist() == [2] * 3


@pytest.mark.parametrize("rule", ["costs", "sensitivity >= 0.9"])
def test_the_page_shows_the_operating_point(rule: str) -> None:
    probabilities, targets = made_up()
    wish = decisions.describe({"missed": 9}, "", CLASSES) if rule == "costs" else decisions.describe({}, rule, CLASSES)
    target = task.Target(CLASSES, (1.0, 1.0), decisions.choose(wish, probabilities, targets))
    assert target.decision is not None
    assert target.decision.threshold is not None
    blocks = charts.figures(target, targets, task.aligned({"probabilities": probabilities}, target, target))
    assert str(blocks[0]).startswith('The answer is "ill" from a probability of 0.')
    answered = np.flatnonzero(probabilities[:, 1] > target.decision.threshold)
    found, false = int(targets[answered].sum()), int((targets[answered] == 0).sum())
    said = charts.remarks(
        target, targets, task.aligned({"label": targets, "probabilities": probabilities}, target, target)
    )
    assert said[1] == (
        f"{found} of {targets.sum()} examples of ill are found, and {false} of {len(answered)} answers ill are wrong."
    )
    (mistakes,) = [block for block in blocks if isinstance(block, Table) and block.title.startswith("Mistakes")]
    assert [row[:2] for row in mistakes.rows] == [["well", int((targets == 0).sum())], ["ill", int(targets.sum())]]
    titles = [block.title for block in blocks if isinstance(block, Figure)]
    first = "Expected cost by threshold" if rule == "costs" else "Sensitivity, specificity and precision by threshold"
    assert titles[:2] == [first, "Decision curve"]


def test_net_benefit_counts_false_alarms_by_the_odds() -> None:
    at = decisions.Thresholds.of(np.array([0.2]), np.array([0.1, 0.3, 0.9, 0.15]), np.array([False, False, True, True]))
    assert at.rates(np.ones((1, 4))).net_benefit(np.array([0.2])) == pytest.approx((1 - 0.25) / 4)


@pytest.mark.parametrize(
    ("rule", "targets", "reason"),
    [
        ("precision >= 0.9", [0, 0, 1, 0], r"precision >= 0\.9 in finding 'ill', but .* it is at most 0\.5, unless"),
        ("sensitivity >= 1", [1, 0, 0, 1], r"it is at most 0\.5, unless all answers are the same: ask for less"),
        ("precision >= 0.1", [0, 0, 0, 0], r"it is at most 0, unless"),
        ("sensitivity >= 0.1", [0, 0, 0, 0], "it is not defined, unless"),
    ],
)
def test_a_constraint_that_cannot_be_met_is_refused(rule: str, targets: list[int], reason: str) -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    with pytest.raises(RefusedError, match=reason):
        decisions.choose(
            decisions.describe({}, rule, CLASSES), np.stack([1 - scores, scores], axis=1), np.array(targets)
        )


@pytest.mark.parametrize(
    ("settings", "classes", "reason"),
    [
        ({"costs": {"sick": 2}}, CLASSES, "costs names 'sick'; expected the classes well, ill, or 'missed' and 'false"),
        ({"costs": {"missed": 2}}, "abc", "costs names 'missed'; expected the classes a, b, c$"),
        ({"costs": {"a -> d": 2}}, "abc", "costs names 'd'; expected the classes a, b, c$"),
        ({"costs": {"a -> b": 2, "a->b": 3}}, "abc", "costs names a class twice: a -> b, a->b; expected"),
        ({"costs": {"a -> a": 2}}, "abc", "costs names 'a -> a', which is no mistake: leave it out"),
        ({"costs": {"missed": 2, "ill": 3}}, CLASSES, "costs names a class twice: missed, ill; expected"),
        (
            {"threshold": "0.4"},
            "abc",
            r"threshold is '0.4', but there are 3 classes \(a, b, c\) and it is for two: give",
        ),
    ],
)
def test_settings_that_do_not_fit_the_classes_are_refused(settings: Any, classes: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        decisions.describe(settings.get("costs", {}), settings.get("threshold", ""), classes)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--costs", "missed=-1"], "costs: '-1' is not allowed. Input should be greater than 0"),
        (["--costs", "missed=2", "--threshold", "0.2"], "one decides labels: leave one empty"),
        (["--threshold", "1.5"], "Input should be a number between 0 and 1, or sensitivity, specificity, precision or"),
        (["--threshold", "accuracy >= 0.9"], "Input should be a number between 0 and 1, or sensitivity"),
        (["--threshold", "sensitivity >= 2"], "such as 'sensitivity >= 0.95'"),
        (["--order", "low,low"], "Input should be all classes, each once, from the lowest to the highest"),
        (["--order", "low,high", "--positive", "low"], "the last: leave positive empty"),
        (["--metric", "rank_error"], "rank_error is a metric of ordered classes; set order, such as low,medium,high"),
        (["--metric", "expected_cost"], "expected_cost is a metric of mistakes with costs; set costs, such as"),
    ],
)
def test_wrong_settings_are_refused(arguments: list[str], reason: str) -> None:
    with pytest.raises(InputError) as refusal:
        command.load_settings(Config, arguments)
    assert reason in str(refusal.value)
