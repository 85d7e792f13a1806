"""Labels of several targets become columns of new data."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from project.core import artifacts
from project.exporting import registry
from project.serving import request_log
from project.updating import new_data
from project.validation import schema

from declared import Config


def test_each_target_is_a_column_and_is_checked_by_itself(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = make_config(target="price, days", incoming=tmp_path / "incoming")
    artifacts.write_json(config.paths.provenance, {"columns": {"weight": "float64", "price": "int64", "days": "int64"}})
    table = pd.DataFrame({"price": [1, 9], "days": [100, 900]})
    inferred = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(table))
    for feature in inferred.feature:
        feature.int_domain.min, feature.int_domain.max = int(table[feature.name].min()), int(table[feature.name].max())
    schema.write(inferred, config)
    labels = {("one", 0): [None, 900], ("two", 0): [5, 7_000]}
    monkeypatch.setattr(new_data, "read_labels", lambda *_: (labels, datetime(2026, 1, 2, tzinfo=UTC)))
    logged: list[dict[str, Any]] = [{"id": name, "row": 0, "inputs": {}} for name in ("one", "two")]
    monkeypatch.setattr(request_log, "predictions", lambda *_: iter(logged))
    monkeypatch.setattr(registry, "describe", lambda *_: {"inputs": {}})
    new_data.write_table(config, 1)
    (file,) = config.incoming.glob("feedback-*.jsonl")
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"weight": None, "price": None, "days": 900}
    assert "1 labelled requests are not used: the label 7000 is not between 100 and 900" in capsys.readouterr().out
