"""One operating point from training to service: labels agree everywhere, and every stage judges by it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import finish, small_config

from project import task
from project.core import artifacts
from project.core.errors import RefusedError
from project.data import decisions, loading, tables
from project.evaluation import inference
from project.exporting.saved_model import Exported
from project.settings.base import DESCRIPTION
from project.stages import evaluate, train

import fixed
from declared import Config
from loopback import MODEL, serving

COSTS = {"missed": 30, "false alarm": 1}


def of_two(config: Config) -> Config:
    """The project with two classes instead of three, one of them rare, and some wrong labels, so that none is sure."""
    table = pd.read_csv(config.source)
    is_dear = (table[config.target] == "dear") ^ (np.arange(len(table)) % 10 == 0)
    table[config.target] = np.where(is_dear, "dear", "cheap")
    table.to_csv(config.source, index=False)
    return config


@pytest.fixture(scope="module")
def costly(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A finished project whose mistakes cost, and which refers examples; tests do not change it."""
    settings: dict[str, Any] = {
        "costs": COSTS,
        "metric": "expected_cost",
        "criteria": {"expected_cost": 30, "log_loss": "majority", "refer_rate": 0.9},
        "refer": 0.3,
    }
    return finish(of_two(small_config(tmp_path_factory.mktemp("costly"), **settings)))


def test_labels_and_scores_agree_from_training_to_service(costly: Config) -> None:
    model = inference.load_model(costly)
    target, examples = inference.target_of(model), loading.read_examples(costly, "test")
    targets, predictions = task.actual(target, examples[costly.target]), inference.predict(model, examples)
    labels = inference.as_text(predictions["label"])
    possible = [names.split("|") for names in inference.as_text(predictions["possible"])]
    codes = np.array([target.classes.index(names[0]) for names in possible])
    is_referred = labels == "refer"
    assert is_referred.tolist() == [len(names) == 2 for names in possible]
    assert 0 < is_referred.mean() < 1
    is_positive = predictions["probabilities"][:, 1] >= target.decision.threshold  # type: ignore[union-attr]
    np.testing.assert_array_equal(codes, is_positive)
    assert (codes != predictions["probabilities"].argmax(axis=1)).any()  # else this shows nothing
    costs = np.where(targets == 1, COSTS["missed"], COSTS["false alarm"]) * (codes != targets)
    verdict = artifacts.read_json(costly.paths.verdict, "accept")
    assert verdict["metrics"]["expected_cost"]["value"] == pytest.approx(costs.mean())
    assert verdict["metrics"]["accuracy"]["value"] == pytest.approx((codes == targets).mean())
    assert verdict["metrics"]["refer_rate"]["value"] == pytest.approx(is_referred.mean())
    assert verdict["metrics"]["risk"]["value"] == pytest.approx((codes != targets)[~is_referred].mean())
    shares = np.bincount(task.actual(target, loading.read_examples(costly, "train")[costly.target]))
    always = int(shares[1] * COSTS["missed"] > shares[0])  # what the majority baseline answers, since it costs less
    expected = np.where(targets == 1, COSTS["missed"], COSTS["false alarm"]) * (targets != always)
    assert verdict["baseline"]["majority"]["expected_cost"] == pytest.approx(expected.mean())

    exported = Exported(costly, 1)
    rows = tables.read_rows(costly, "test")
    assert exported.predict(rows)["label"].tolist() == labels.tolist()
    assert exported.evaluate(rows)["expected_cost"] == pytest.approx(costs.mean())
    assert exported.evaluate(rows)["refer_rate"] == pytest.approx(is_referred.mean())
    described = artifacts.read_json(costly.paths.version(1) / DESCRIPTION, "export")
    with serving(costly) as client:
        answer = client.predict({"instances": [described["example"]]}).content["predictions"][0]
        told, referral = (
            client.get(f"{MODEL}/metadata").content["metadata"][name] for name in ("decision", "referral")
        )
        shown = client.get("/").content
    names = answer["possible"].split("|")
    place = target.classes.index(names[0])
    assert answer["label"] == ("refer" if len(names) == 2 else names[0])
    assert referral == described["referral"]
    assert f"“refer” unless one class has a weighted probability of {1 - referral['doubt']:.6g}" in shown
    assert place == int(answer["probabilities"][1] >= told["threshold"])
    assert answer["probability"] == answer["probabilities"][place]
    assert answer["rule"] == "costs"
    assert told == described["decision"]
    assert f"{told['positive']}</bdi> from a probability of {told['threshold']:.3g} on." in shown
    assert told["rule"] == "costs"
    assert told["low"] <= told["threshold"] <= told["high"]


def test_card_and_page_tell_how_labels_are_chosen(costly: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    card = (costly.paths.version(1) / "MODEL_CARD.md").read_text("utf-8")
    assert "Labels are chosen by this rule: costs." in card
    assert "Examples are referred to a person by this rule: 0.3." in card
    fixed.put_in_place(monkeypatch)
    evaluate.main(costly)
    page = (costly.paths.evaluation / "report.html").read_text(encoding="utf-8")
    assert "Mistakes at the operating point" in page
    assert "Decision curve" in page
    assert "Error by the share that is answered" in page


def test_a_refused_constraint_leaves_no_model_and_asking_for_less_trains_no_further(
    costly: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(costly.artifacts / "examples", tmp_path / "artifacts" / "examples")
    changed = {"costs": {}, "refer": "", "threshold": "precision >= 1", "metric": "accuracy", "epochs": 1}
    config = costly.model_copy(update={**changed, "artifacts": tmp_path / "artifacts"})
    fixed.put_in_place(monkeypatch)
    best = decisions.Thresholds.best
    monkeypatch.setattr(decisions.Thresholds, "best", lambda *_: np.array([np.nan]))  # as of a poor model
    with pytest.raises(RefusedError, match="threshold asks for precision >= 1 in find"):
        train.main(config)
    monkeypatch.setattr(decisions.Thresholds, "best", best)
    assert not config.paths.model.exists()
    train.main(config.model_copy(update={"threshold": "0.3"}))
    assert "going on after epoch 1 of a run that was stopped" in capsys.readouterr().out
    decision = inference.target_of(inference.load_model(config)).decision
    assert decision is not None
    assert decision.threshold == 0.3
