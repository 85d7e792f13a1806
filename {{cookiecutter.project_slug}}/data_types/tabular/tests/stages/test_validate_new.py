"""New rows of a table are checked in the columns that a model uses; whole and real numbers fit each other."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import small_config
from tensorflow_metadata.proto.v0 import schema_pb2

from project.core.errors import RefusedError
from project.stages import collect, validate
from project.validation import schema

import synthetic
from declared import Config

USED = {*synthetic.COLUMNS, "rooms", "kind", "price"}


def make_rows(num_rows: int = 400) -> pd.DataFrame:
    """Rows with a whole number and a name as well."""
    numbers = np.arange(num_rows)
    return synthetic.make_table(num_rows).assign(rooms=numbers % 7 + 1, name=[f"name {each}" for each in numbers])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project whose data have been validated."""
    folder = tmp_path_factory.mktemp("validated")
    make_rows().to_csv(folder / "rows.csv", index=False)
    config = small_config(folder, source=str(folder / "rows.csv"))
    collect.main(config)
    validate.main(config)
    return config


def check(config: Config, rows: pd.DataFrame) -> None:
    validate.check_new(config, pa.Table.from_pandas(rows, preserve_index=False), USED)


def test_unused_columns_may_be_empty_and_used_ones_may_not(config: Config) -> None:
    rows = make_rows().head(50)
    check(config, rows.assign(name=None))
    check(config, rows.assign(name=1.5))
    with pytest.raises(RefusedError, match="weight"):
        check(config, rows.assign(weight=None))


def test_whole_numbers_fit_real_ones_and_the_reverse_widens(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = make_rows().head(50)
    shutil.copy(config.schema_path, tmp_path / "schema.pbtxt")
    config = config.model_copy(update={"schema_path": tmp_path / "schema.pbtxt"})
    before = config.schema_path.read_text(encoding="utf-8")
    check(config, rows.assign(weight=rows["weight"].round().astype(int)))
    assert config.schema_path.read_text(encoding="utf-8") == before
    with pytest.raises(RefusedError, match="rooms"):
        check(config, rows.assign(rooms=1907.5))
    assert config.schema_path.read_text(encoding="utf-8") == before
    capsys.readouterr()
    check(config, rows.assign(rooms=[3, 4.5] * 25))
    assert "rooms: whole numbers so far, real ones in the new data, such as 4.5" in capsys.readouterr().out
    (rooms,) = (feature for feature in schema.load(config).feature if feature.name == "rooms")
    assert rooms.type == schema_pb2.FLOAT
    assert (rooms.float_domain.min, rooms.float_domain.max) == (0, 13)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("colour", "red", ""),
        ("colour", "Dodo", "'Dodo' is not one of blue, green, red"),
        ("rooms", "2", ""),
        ("rooms", "many", "'many' is no number"),
        ("rooms", 99, "99 is not between 0 and 13"),
        ("weight", float("nan"), "nan is no number"),
    ],
)
def test_a_single_label_is_held_against_the_schema(config: Config, column: str, value: object, words: str) -> None:
    assert schema.misfit(schema.load(config), column, value) == words
