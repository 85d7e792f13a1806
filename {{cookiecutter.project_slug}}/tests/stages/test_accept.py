"""make accept: the test split decides, every test evaluation is counted, and a weak model is rejected."""

from typing import Any

import numpy as np
import pytest

from project.core import artifacts
from project.core.errors import InputError, RefusedError
from project.data import loading, tables
from project.evaluation import criteria, inference
from project.reporting import report
from project.stages import accept

import problem
from declared import Config


def verdict(config: Config) -> dict:
    return artifacts.read_json(config.paths.verdict, "accept")


def test_verdict_is_about_this_model_and_data(finished: Config) -> None:
    content = verdict(finished)
    assert content["accepted"] is True
    assert content["model"] == artifacts.content_hash(finished.paths.model)
    assert content["data"] == tables.data_hash(finished)
    assert content["test_evaluations"] == 1
    criterion = content["criteria"][0]
    assert criterion["metric"] == problem.EASY_METRIC
    assert criterion["threshold"] == content["baseline"][problem.BASELINE][problem.EASY_METRIC]
    assert content["metrics"][problem.EASY_METRIC]["low"] <= criterion["value"]


def test_a_model_below_its_criteria_is_refused(trained: Config) -> None:
    demanding = trained.model_copy(update={"criteria": problem.UNREACHABLE})
    with pytest.raises(RefusedError, match="rejected"):
        accept.main(demanding)
    assert verdict(trained)["accepted"] is False
    assert verdict(trained)["criteria"][0]["passed"] is False
    summary = report.read_summary(trained.paths.verdict.with_name("report.html"))
    assert summary is not None
    assert summary.banner.state == "bad"
    assert "0 of 1 success criteria are met on the test split. Not met: " in summary.banner.detail


def test_other_criteria_need_no_second_test_evaluation(trained: Config, capsys: pytest.CaptureFixture[str]) -> None:
    others = {**problem.LENIENT, problem.EASY_METRIC: problem.EASY_THRESHOLD}
    accept.main(trained.model_copy(update={"criteria": others}))
    assert "was evaluated on the test split before" in capsys.readouterr().out
    assert verdict(trained)["test_evaluations"] == 1


def test_another_model_is_another_test_evaluation(trained: Config) -> None:
    split = tables.split_hash(trained, "test")
    assert artifacts.read_json(trained.paths.test_evaluations, "accept") == {split: [verdict(trained)["model"]]}
    history = {split: ["another"], "another test split": ["a third", "a fourth"]}
    artifacts.write_json(trained.paths.test_evaluations, history)
    for _ in range(2):  # the same model counts once, even if its scores were not kept
        artifacts.write_json(trained.paths.verdict, verdict(trained) | {"model": "another", "data": "others"})
        accept.main(trained)
        assert verdict(trained)["test_evaluations"] == 2


def test_the_count_of_an_older_version_is_carried_on(trained: Config) -> None:
    artifacts.remove(trained.paths.test_evaluations)
    older = verdict(trained) | {"looks": 11}
    del older["test_evaluations"], older["intervals"]
    artifacts.write_json(trained.paths.verdict, older)
    accept.main(trained)
    assert verdict(trained)["test_evaluations"] == 11
    artifacts.remove(trained.paths.test_evaluations)
    artifacts.write_json(trained.paths.verdict, older | {"model": "another"})
    accept.main(trained)
    assert verdict(trained)["test_evaluations"] == 12
    assert "12 models have been evaluated" in trained.paths.verdict.with_name("report.html").read_text(encoding="utf-8")


def test_a_model_that_predicts_no_number_is_rejected_whatever_its_criteria(
    trained: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = inference.predict

    def with_one_gap(*arguments: Any) -> dict[str, np.ndarray]:
        outputs = predict(*arguments)
        return {name: with_nan(values) if values.dtype.kind == "f" else values for name, values in outputs.items()}

    def with_nan(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[0] = np.nan
        return values

    artifacts.remove(trained.paths.verdict)
    monkeypatch.setattr(inference, "predict", with_one_gap)
    if not any(values.dtype.kind == "f" for values in predict_one(trained).values()):
        return  # texts only
    for criteria_of_one in ({}, problem.LENIENT):  # the second time from the scores that were kept
        with pytest.raises(RefusedError, match="NaN or infinity for 1 test examples"):
            accept.main(trained.model_copy(update={"criteria": criteria_of_one}))
        assert verdict(trained)["accepted"] is False
        assert verdict(trained)["metrics"][problem.EASY_METRIC]["value"] is None


def predict_one(config: Config) -> dict[str, np.ndarray]:
    return inference.predict(inference.load_model(config), loading.read_examples(config, "test").head(1))


def test_a_model_trained_on_other_examples_is_refused(trained: Config) -> None:
    for split in ("train", "test"):
        table = trained.paths.examples(split)
        examples = tables.read_rows(trained, split).iloc[::-1]
        examples.to_parquet(table)
    with pytest.raises(RefusedError, match="make train"):
        accept.main(trained)


def test_a_baseline_that_does_not_exist_is_refused(finished: Config) -> None:
    config = finished.model_copy(update={"criteria": {problem.EASY_METRIC: "oracle"}})
    with pytest.raises(InputError, match="oracle"):
        criteria.judge(config, verdict(finished))


def test_without_a_model_the_target_to_run_is_named(trained: Config) -> None:
    artifacts.remove(trained.paths.model)
    with pytest.raises(InputError, match="make train"):
        accept.main(trained)
