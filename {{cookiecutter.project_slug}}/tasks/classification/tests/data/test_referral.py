"""Referring: what is promised holds on other examples, the export answers as the metrics count, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from project import metrics, task
from project.core import command
from project.core.errors import InputError, RefusedError
from project.data import decisions, referral
from project.data.resampling import Context
from project.evaluation import charts, criteria, scoring
from project.reporting.report import Figure, Table

from declared import Config

CONTEXT = Context(Config(refer=0.1), {})


def made_up(num_examples: int, num_classes: int = 4, seed: int = 0, power: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (num_examples, num_classes), overconfident if raised to a power, and class numbers by them."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_examples, num_classes)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (probabilities.cumsum(axis=1) < random.random((num_examples, 1))).sum(axis=1)
    sharpened = probabilities**power
    return (sharpened / sharpened.sum(axis=1, keepdims=True)).astype("float32"), targets


def chosen(rule: str, probabilities: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The doubt for a rule."""
    return referral.choose(referral.Referral(rule), probabilities, targets, weights).doubt


def scores(doubt: float, probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """The metrics of a model that refers so."""
    predictions = {"probabilities": probabilities, "is_possible": referral.possible(probabilities, doubt)}
    return metrics.score(targets, predictions, CONTEXT)


@pytest.mark.parametrize("power", [1, 3])
@pytest.mark.parametrize("asked", [0.8, 0.95])
@pytest.mark.parametrize("num_classes", [2, 10])
def test_sets_cover_the_classes_of_other_examples(num_classes: int, asked: float, power: float) -> None:
    doubt = chosen(f"coverage >= {asked}", *made_up(20_000, num_classes, power=power))
    found = scores(doubt, *made_up(20_000, num_classes, seed=1, power=power))
    accuracy = found["accuracy"]
    assert found["coverage"] == pytest.approx(max(asked, accuracy), abs=0.01)  # the most probable class always is in
    assert (found["refer_rate"] == 0) == (accuracy > asked)


def test_a_model_that_is_right_often_enough_refers_nothing() -> None:
    probabilities, targets = made_up(1_000)
    best = referral.choose(referral.Referral("coverage >= 0.3"), probabilities, targets)
    assert scores(best.doubt, probabilities, targets)["refer_rate"] == 0
    assert str(best) == "No example has to be referred for coverage >= 0.3."


@pytest.mark.parametrize("power", [1, 3])
def test_the_error_among_the_answered_exceeds_the_risk_in_few_resamples(power: float) -> None:
    probabilities, targets = made_up(100_000, 3, seed=1, power=power)
    doubts, is_wrong = 1 - probabilities.max(axis=1), probabilities.argmax(axis=1) != targets
    order, exceeded, answered = np.argsort(doubts), 0, []
    for seed in range(100):
        doubt = chosen("risk <= 0.2", *made_up(600, 3, seed=seed + 2, power=power))
        count = np.searchsorted(doubts[order], doubt)
        exceeded += is_wrong[order][:count].mean() > 0.2
        answered.append(count / len(targets))
    assert exceeded <= 0.05 * 100
    assert np.mean(answered) > 0.4  # else it promises little


def test_the_surest_are_answered() -> None:
    probabilities, targets = made_up(1_000)
    found = referral.possible(probabilities, chosen("0.1", probabilities, targets)).sum(axis=1) > 1
    assert found.sum() == 100
    assert probabilities[found].max() < probabilities[~found].max(axis=1).min()


@pytest.mark.parametrize("rule", ["0.2", "risk <= 0.5", "coverage >= 0.9"])
def test_sample_weights_count_as_repeated_examples(rule: str) -> None:
    probabilities, targets = made_up(300)
    counts = np.where(np.arange(300) < 200, 1.0, 0.0)
    found = chosen(rule, probabilities, targets, counts), chosen(rule, probabilities[:200], targets[:200])
    rates = [scores(doubt, probabilities, targets)["refer_rate"] for doubt in found]
    assert rates[0] == pytest.approx(rates[1], abs=0.05)
    assert chosen(rule, probabilities, targets, np.full(300, 7.0)) == chosen(rule, probabilities, targets)


@pytest.mark.parametrize("classes", [("a", "b", "c"), (1, 2, 3)])
@pytest.mark.parametrize("rule", ["", "costs", "median"])
def test_the_graph_answers_as_the_metrics_count(classes: tuple[str | int, ...], rule: str) -> None:
    decision = decisions.describe({str(classes[-1]): 8} if rule == "costs" else {}, "", classes) if rule else None
    wish = task.Target(classes, (1.0,) * 3, decision, referral.describe("0.5", classes, decision))
    probabilities, targets = made_up(200, 3)
    weighted = decision.weigh(probabilities) if decision else probabilities
    decoder = task.Decode(task.asdict(wish))
    decoder.build((None, 1, 3))
    decoder.refer(referral.choose(decoder.target.referral, weighted, targets))  # type: ignore[arg-type]
    again = task.Decode.from_config(decoder.get_config())
    again.build((None, 1, 3))
    again.set_weights(decoder.get_weights())
    if decision:
        again.decide(decision)
    outputs = {name: values.numpy() for name, values in again(np.log(probabilities)[:, None]).items()}
    found = task.aligned(outputs, again.target, again.target)
    predicted, names = metrics.predicted_classes(found), np.array(classes, str)
    assert found["is_possible"].sum() > 200
    for row, label in enumerate(outputs["label"]):
        possible = outputs["possible"][row].decode().split("|")
        assert set(possible) == set(names[found["is_possible"][row]])
        assert possible[0] == names[predicted[row]]
        assert label.decode() == (possible[0] if len(possible) == 1 else "refer")
    described = {"parts": {"probabilities": names.tolist()}, "referral": task.asdict(again.target.referral)}
    described |= {"decision": task.asdict(decision)} if decision else {}
    logged = [
        ({"label": "refer", "probabilities": row.tolist()}, names[code])
        for row, code in zip(probabilities, targets, strict=True)
    ]
    live = metrics.score(*metrics.as_scored(described, logged)[:2], CONTEXT)
    assert live == pytest.approx(metrics.score(targets, found, CONTEXT), abs=1e-6)


def test_a_champion_that_refers_nothing_is_compared_with_one_that_does() -> None:
    probabilities, targets = made_up(200, 2)
    old, new = (task.Target(("a", "b"), (1.0, 1.0), None, each) for each in (None, referral.Referral("0.1", 0.2)))
    outputs = {"label": np.full(200, "a"), "probabilities": probabilities}
    champion, challenger = (task.aligned(outputs, each, new) for each in (old, new))
    assert metrics.score(targets, champion, CONTEXT)["refer_rate"] == 0
    assert metrics.score(targets, challenger, CONTEXT)["refer_rate"] > 0
    assert "is_possible" not in task.aligned({"probabilities": probabilities}, new, new)  # a baseline
    runs = task.aligned(outputs, old, old), challenger  # each as it was trained
    with pytest.raises(InputError, match="risk is not defined for both models; choose another one by the setting"):
        scoring.compare(Context(Config(refer=0.1, metric="risk"), {}), targets, *runs)


@pytest.mark.parametrize(("criterion", "least"), [("refer_rate", 0.01), ("risk", 0.01), ("coverage", 0.99)])
def test_the_gate_refuses(criterion: str, least: float) -> None:
    probabilities, targets = made_up(500)
    predictions = {"probabilities": probabilities, "is_possible": referral.possible(probabilities, 0.3)}
    result = {"metrics": scoring.intervals(targets, predictions, CONTEXT, 50), "num_examples": 500}
    for required, passed in ((least, False), (1 - least, True)):
        config = Config(refer=0.1, criteria={criterion: required})
        assert [entry["passed"] for entry in criteria.judge(config, result)] == [passed]


def test_the_page_shows_the_error_by_the_share_that_is_answered() -> None:
    probabilities, targets = made_up(400, 2)
    target = task.Target(
        ("a", "b"), (1.0, 1.0), None, referral.choose(referral.Referral("0.25"), probabilities, targets)
    )
    outputs = {"label": np.full(400, "a"), "probabilities": probabilities}
    predictions = task.aligned(outputs, target, target)
    blocks = charts.figures(target, targets, predictions)
    assert str(blocks[0]) == charts.remarks(target, targets, predictions)[0]
    assert str(blocks[0]).endswith("so that 25 % of the validation examples are.")
    table, figure = blocks[1:3]
    assert isinstance(table, Table)
    assert isinstance(figure, Figure)
    assert [sum(row[place] for row in table.rows) for place in (1, 2)] == [400, 100]  # type: ignore[misc]
    error = scores(target.referral.doubt, probabilities, targets)["risk"]  # type: ignore[union-attr]
    assert figure.description == f"The risk-coverage curve: 0.75 are answered; {error:.3g} of these are wrong."


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("coverage >= 0.999", "refer asks for coverage >= 0.999, for which 999 validation examples are needed, not 50"),
        ("risk <= 0.001", r"refer asks for risk <= 0.001, but .* below 0\.\d+: ask for more risk, or collect more"),
    ],
)
def test_what_cannot_be_promised_is_refused(rule: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        chosen(rule, *made_up(50))


@pytest.mark.parametrize("name", ["refer", "a|b"])
def test_classes_that_could_be_mistaken_are_refused(name: str) -> None:
    with pytest.raises(
        InputError, match=r"refer is '0.1', and a class is called .*: rename it, since answers are refer"
    ):
        task.describe_target(Config(refer=0.1), pd.Series(["c", name, "c"]))


def test_costs_of_single_wrong_answers_cannot_be_combined_with_it() -> None:
    with pytest.raises(InputError, match="costs name single wrong answers, by which no class is sure by itself: leave"):
        task.describe_target(Config(refer=0.1, costs={"a -> b": 2}), pd.Series(list("abc")))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--refer", "1.5"], "Input should be a share between 0 and 1, 'risk <= 0.05' or 'coverage >= 0.9'"),
        (["--refer", "risk >= 0.1"], "Input should be a share between 0 and 1"),
        (["--metric", "risk"], "risk is a metric of referred examples; set refer, such as"),
        (["--criteria", "worst:a:coverage=0.9"], "coverage is a metric of referred examples; set refer"),
    ],
)
def test_wrong_settings_are_refused(arguments: list[str], reason: str) -> None:
    with pytest.raises(InputError) as refusal:
        command.load_settings(Config, arguments)
    assert reason in str(refusal.value)
