"""The schema: what is inferred, that edits by hand are kept, and what `make schema` changes."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project.core.errors import InputError, RefusedError
from project.data import targets
from project.settings.base import SPLITS
from project.stages import schema as schema_stage
from project.stages import validate
from project.validation import schema

from declared import Config


def write(config: Config, table: pd.DataFrame) -> None:
    """Writes a table as every split."""
    for split in SPLITS:
        config.paths.examples(split).parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(config.paths.examples(split), index=False)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Sixty examples."""
    numbers = np.arange(60)
    return pd.DataFrame(
        {
            "id": [f"id {number}" for number in numbers],
            "weight": 2700.0 + numbers * 60,
            "change": numbers - 30.0,
            "count": numbers % 7,
            "flag": numbers % 2 == 0,
            "town": np.where(numbers % 3 == 0, "Łódź", "Ulm"),
            "target": np.where(numbers < 30, "a", "b"),
        }
    )


def settings(folder: Path) -> Config:
    """The settings of a project in a folder of the test's own."""
    artifacts, path = folder / "artifacts", folder / "s.pbtxt"
    return Config(source="first.csv", target="target", key="id", artifacts=artifacts, schema_path=path)


@pytest.fixture(scope="module")
def inferred_once(tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame) -> Path:
    """The folder of a project whose schema has been inferred."""
    folder = tmp_path_factory.mktemp("project")
    write(settings(folder), table)
    validate.main(settings(folder))
    return folder


@pytest.fixture
def config(inferred_once: Path, tmp_path: Path) -> Config:
    """Settings of a copy of that project."""
    shutil.copytree(inferred_once, tmp_path, dirs_exist_ok=True)
    return settings(tmp_path)


def features(config: Config) -> dict[str, Any]:
    """The schema's columns by name."""
    return {feature.name: feature for feature in schema.load(config).feature}


def test_bounds_are_the_range_widened_but_not_beyond_zero(config: Config) -> None:
    found = features(config)
    assert (found["weight"].float_domain.min, found["weight"].float_domain.max) == (0, 9780)
    assert (found["change"].float_domain.min, found["change"].float_domain.max) == (-89, 88)
    assert (found["count"].int_domain.min, found["count"].int_domain.max) == (0, 12)
    assert (found["flag"].int_domain.min, found["flag"].int_domain.max) == (0, 1)


def test_categories_are_listed_and_identifiers_are_not(config: Config) -> None:
    found = features(config)
    assert list(found["town"].string_domain.value) == ["Ulm", "Łódź"]
    assert "Łódź" in config.schema_path.read_text(encoding="utf-8")
    assert not found["id"].HasField("string_domain")


def test_target_is_complete_and_not_expected_at_serving(config: Config) -> None:
    found = features(config)
    assert list(found["target"].not_in_environment) == ["SERVING"]
    assert found["target"].presence.min_fraction == 1
    is_complete = found["target"].distribution_constraints.min_domain_mass == 1
    is_listed = is_complete and bool(found["target"].string_domain.value)
    may_be_new = targets.IS_SET or targets.IS_FREE
    assert is_listed is not may_be_new, "there may be other combinations of labels, and other texts"
    assert not found["weight"].not_in_environment
    assert list(schema.load(config).default_environment) == ["TRAINING", "SERVING"]


def test_inferring_twice_gives_the_same_text(config: Config) -> None:
    first = config.schema_path.read_text(encoding="utf-8")
    config.schema_path.unlink()
    schema_stage.main(config)
    assert config.schema_path.read_text(encoding="utf-8") == first


def test_updating_shows_what_changes_and_keeps_edits_of_other_columns(
    config: Config, table: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = config.schema_path.read_text(encoding="utf-8").replace("max: 12", "max: 99")
    config.schema_path.write_text(edited, encoding="utf-8")
    changed = table.drop(columns="flag").assign(weight=table["weight"] * 10, town="Graz", new=1.5)
    write(config, changed)
    with pytest.raises(RefusedError):
        validate.main(config)
    schema_stage.main(config)
    printed = capsys.readouterr().out
    assert "flag: column removed" in printed
    assert "new: new column" in printed
    assert "+Graz, -Ulm, -Łódź" in printed
    assert "weight: float_domain.max: 9780.0 -> 97800.0" in printed
    assert features(config)["count"].int_domain.max == 99
    validate.main(config)


def test_updating_to_data_that_match_changes_nothing(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    before = config.schema_path.stat().st_mtime_ns
    schema_stage.main(config)
    assert "already" in capsys.readouterr().out
    assert config.schema_path.stat().st_mtime_ns == before


def test_other_source_with_other_columns_gets_its_own_schema(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    former = config.schema_path.read_text(encoding="utf-8")
    other = config.model_copy(update={"source": "second.csv", "target": "y", "key": ""})
    write(other, pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50.0)}))
    validate.main(other)
    assert set(features(other)) == {"x", "y"}
    assert config.schema_path.with_name("s.previous.pbtxt").read_text(encoding="utf-8") == former
    assert "another source" in capsys.readouterr().out
    second = other.schema_path.read_text(encoding="utf-8")
    third = other.model_copy(update={"source": "third.csv", "target": "b"})
    write(third, pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0)}))
    validate.main(third)
    assert config.schema_path.with_name("s.previous.pbtxt").read_text(encoding="utf-8") == former
    assert config.schema_path.with_name("s.previous1.pbtxt").read_text(encoding="utf-8") == second


@pytest.mark.parametrize("change", ["classes", "target"])
def test_other_source_with_another_target_gets_its_own_schema(config: Config, table: pd.DataFrame, change: str) -> None:
    other = config.model_copy(update={"source": "second.csv"})
    changed = table.assign(weight=table["weight"] * 1000)
    if change == "classes" and targets.IS_FREE:
        pytest.skip("texts of any source differ")
    if change == "classes":
        changed["target"] = changed["target"].replace({"a": "c", "b": "d"})
    else:
        other, changed = other.model_copy(update={"target": "y"}), changed.rename(columns={"target": "y"})
    write(other, changed)
    validate.main(other)
    assert config.schema_path.with_name("s.previous.pbtxt").exists()
    assert {*features(other)} == {*changed.columns}


def test_a_measured_share_may_be_anything_from_0_to_1(
    config: Config, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "SHARES", ("upper_case",))
    config.schema_path.unlink()
    write(config, table.assign(upper_case=0.01))
    table.assign(upper_case=np.where(table.index == 0, 1.0, 0.01)).to_parquet(config.paths.examples("test"))
    validate.main(config)
    table.assign(upper_case=np.where(table.index == 0, 1.01, 0.01)).to_parquet(config.paths.examples("test"))
    with pytest.raises(RefusedError, match="upper_case"):
        validate.main(config)


def test_other_columns_under_the_same_source_are_refused(config: Config) -> None:
    write(config, pd.DataFrame({"x": np.arange(50.0), "target": ["a", "b"] * 25}))
    with pytest.raises(RefusedError, match="weight"):
        validate.main(config)


def test_other_source_with_the_same_columns_is_checked_against_the_schema(config: Config, table: pd.DataFrame) -> None:
    write(config, table.assign(weight=table["weight"] * 1000))
    with pytest.raises(RefusedError, match="weight"):
        validate.main(config.model_copy(update={"source": "next_month.csv"}))


def test_other_target_of_the_same_table(config: Config) -> None:
    validate.main(config.model_copy(update={"target": "town"}))
    found = features(config)
    assert list(found["town"].not_in_environment) == ["SERVING"]
    assert not found["target"].not_in_environment


def test_a_schema_that_cannot_be_read_is_refused_by_line(config: Config) -> None:
    config.schema_path.write_text("feature {\n  nome: 'x'\n}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"s.pbtxt: 2:"):
        validate.main(config)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("postgresql://user:secret@host/base", "postgresql://host/base"),
        ("https://host/table.csv?token=secret", "https://host/table.csv"),
        ("data/raw/part-?.csv", "data/raw/part-?.csv"),
    ],
)
def test_no_secret_is_written_into_the_schema(source: str, shown: str) -> None:
    assert schema.public(source) == shown


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (1.7031e10, 1.7032e10), (-3e-9, 5e-9), (33.5, 58.0), (1e30, 1e31), (5.0, 5.0)]
)
def test_bounds_hold_the_range_that_was_seen(low: float, high: float) -> None:
    width = (high - low) or abs(high)
    assert schema.rounded_outward(low - width, width, -math.inf) <= low - width
    assert schema.rounded_outward(high + width, width, math.inf) >= high + width
