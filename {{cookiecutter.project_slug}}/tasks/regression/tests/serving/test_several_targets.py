"""Two targets from training to service: each has its scores, its column and its answer, and a missing one is masked."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import finish, small_config

from project import metrics, task
from project.core import artifacts
from project.data import loading, tables
from project.evaluation import inference
from project.exporting.saved_model import Exported
from project.settings.base import DESCRIPTION

from declared import Config
from loopback import MODEL, logged, serving

NAMES = ("price", "days")


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A finished project with two targets, one of which some examples lack; tests do not change it."""
    folder = tmp_path_factory.mktemp("joint")
    criteria: dict[str, Any] = {"rmse": "mean", "price:rmse": "mean", "days:mae": 1e9}
    config = small_config(folder, target="price, days", criteria=criteria)
    table = pd.read_csv(config.source)
    rows = np.arange(len(table))
    table["days"] = np.where(rows % 5 == 0, np.nan, 1_000 - 2 * table["price"])
    table["price"] = table["price"].where(rows % 10 != 5)  # where days is missing, too
    table["price"] = table["price"].where(rows % 7 != 1)
    table.to_csv(config.source, index=False)
    return finish(config)


def test_each_target_is_learned_scored_and_served(joint: Config) -> None:
    tables_of = {split: tables.read_rows(joint, split) for split in ("train", "validation", "test")}
    assert not any(table[[*NAMES]].isna().all(axis=1).any() for table in tables_of.values())
    assert tables_of["train"]["days"].isna().any()
    assert tables_of["train"]["price"].isna().any()
    model = inference.load_model(joint)
    target, examples = inference.target_of(model), loading.read_examples(joint, "test")
    targets, predictions = task.actual(target, examples[[*NAMES]]), inference.predict(model, examples)
    verdict = artifacts.read_json(joint.paths.verdict, "accept")
    errors = np.abs(targets - predictions["prediction"])
    assert verdict["metrics"]["days:mae"]["value"] == pytest.approx(np.nanmean(errors[:, 1]))
    squares = np.nanmean(errors**2, axis=0) ** 0.5
    assert verdict["metrics"]["rmse"]["value"] == pytest.approx(np.mean(squares / target.scale))
    assert verdict["baseline"]["mean"]["price:rmse"] > squares[0]

    exported, rows = Exported(joint, 1), tables_of["test"]
    np.testing.assert_allclose(exported.predict(rows)["prediction_days"], predictions["prediction"][:, 1], rtol=1e-5)
    assert exported.evaluate(rows)["price:rmse"] == pytest.approx(squares[0], rel=1e-5)
    described = artifacts.read_json(joint.paths.version(1) / DESCRIPTION, "export")
    with serving(joint) as client:
        asked = client.predict({"instances": [described["example"]]}, **{"X-Request-Id": "one"})
        (answer,) = asked.content["predictions"]
        assert answer.keys() == {f"{output}_{name}" for output in metrics.OUTPUTS for name in NAMES}
        assert answer["low_days"] < answer["prediction_days"] < answer["high_days"]
        sent = [client.ask("POST", f"{MODEL}/feedback", {"id": "one", "label": each}) for each in ([None, 900], 900)]
        assert [each.status for each in sent] == [200, 422]
        assert "a list of the numbers price, days, null where one is not known" in sent[1].content["error"]
    line = next(line for line in logged(joint) if "outputs" in line)
    true, scored, num_unusable = metrics.as_scored(described, [(line["outputs"], [None, 900]), (line["outputs"], 900)])
    assert (true.shape, scored["low"].shape, num_unusable) == ((1, 2), (1, 2), 1)
