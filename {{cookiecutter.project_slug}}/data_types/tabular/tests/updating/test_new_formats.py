"""New rows are the same whatever format they come in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import small_config

from project import examples
from project.data import reading, targets
from project.data.provenance import Provenance
from project.stages import collect, update, validate

import synthetic


def test_whole_numbers_of_a_typed_format_stay_whole_and_rows_without_target_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, more = (synthetic.make_table(number).assign(rooms=np.arange(number) % 7 + 1) for number in (400, 500))
    rows.to_csv(tmp_path / "rows.csv", index=False)
    config = small_config(tmp_path, source=str(tmp_path / "rows.csv"), incoming=tmp_path / "incoming")
    collect.main(config)
    validate.main(config)
    new = more.tail(60).reset_index(drop=True)
    new["rooms"] = new["rooms"].where(new.index != 7).astype("float64")  # as pandas has them with missing ones
    if not targets.IS_SET:  # an empty set is a target
        new[config.target] = new[config.target].astype(object).where(new.index % 5 > 0, None)
    config.incoming.mkdir()
    new.to_parquet(config.incoming / "new.parquet")
    parts = reading.read(examples, config, [config.source, str(config.incoming)], Provenance())
    found = dict(update.check_new(config, parts, {*synthetic.COLUMNS, config.target}))
    assert found[str(config.incoming)]["rooms"].dtype == "Int64"
    assert "whole numbers so far" not in capsys.readouterr().out
    fractions = reading.as_whole(pd.Series([1.5, None]), pd.Series([1, 2]))
    assert fractions.dtype == "float64"
