"""New data join the examples without moving any of them, and what does not fit is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project import examples
from project.core.artifacts import read_json
from project.core.errors import InputError
from project.data import reading
from project.data.loading import read_examples
from project.data.provenance import Provenance
from project.settings.base import SPLITS
from project.stages import collect
from project.updating import new_data

from declared import Config

NUM_ROWS = 200


@pytest.fixture
def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, NUM_ROWS), unit="D")
    columns = {"size": random.normal(size=NUM_ROWS), "code": random.integers(1, 9, NUM_ROWS), "day": days}
    return pd.DataFrame(
        {**columns, "name": np.where(columns["size"] > 0, "big", "small"), "y": np.arange(NUM_ROWS) % 2}
    )


@pytest.fixture(autouse=True)
def tables_are_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads tables, whatever the project's own kind of data is."""

    def read(config: Config) -> pd.DataFrame:
        files = [Path(config.source)] if Path(config.source).is_file() else sorted(Path(config.source).iterdir())
        return pd.concat([pd.read_csv(file, parse_dates=["day"]) for file in files], ignore_index=True)

    monkeypatch.setattr(examples, "read_parts", lambda config: iter([read(config)]))
    monkeypatch.setattr(examples, "as_before", lambda config, _: config)


def config_for(folder: Path, rows: pd.DataFrame, **settings: Any) -> Config:
    rows.to_csv(folder / "source.csv", index=False)
    places: dict[str, Any] = {name: folder / name for name in ("artifacts", "incoming", "added")}
    return Config(source=str(folder / "source.csv"), target="y", **places, **settings)


def drop(config: Config, rows: pd.DataFrame, name: str = "new.csv") -> None:
    config.incoming.mkdir(exist_ok=True)
    rows.to_csv(config.incoming / name, index=False)


def sides(config: Config) -> dict[float, str]:
    """The split of each example, by its size, which is unique."""
    return {size: split for split in SPLITS for size in read_examples(config, split)["size"]}


@pytest.mark.parametrize("settings", [{}, {"time": "day"}])
def test_no_example_changes_sides_when_data_are_added(
    tmp_path: Path, rows: pd.DataFrame, settings: dict[str, str]
) -> None:
    config = config_for(tmp_path, rows.head(120), **settings)
    collect.main(config)
    before = sides(config)
    for number, lot in enumerate((rows[120:170], rows[170:]), 1):
        drop(config, lot)
        found = new_data.files(config)
        assert new_data.add(config, found) == config.added / f"{number:04}"
        assert found
        assert not new_data.files(config)
        collect.main(config)
        after = sides(config)
        assert after.items() >= before.items()
        assert set(after.values()) == set(SPLITS)
        before = after
    assert len(before) == NUM_ROWS
    assert len(read_json(config.paths.provenance, "collect")["columns"]) == rows.shape[1]


def test_a_given_test_split_stays_when_data_are_added(tmp_path: Path, rows: pd.DataFrame) -> None:
    rows.iloc[100:120].to_csv(tmp_path / "test.csv", index=False)
    config = config_for(tmp_path, rows.head(100), test_source=str(tmp_path / "test.csv"))
    collect.main(config)
    before = sides(config)
    assert [*read_examples(config, "test")["size"]] == pytest.approx([*rows["size"][100:120]])
    drop(config, rows[120:])
    new_data.add(config, new_data.files(config))
    collect.main(config)
    after = sides(config)
    assert after.items() >= before.items()
    assert len(after) == NUM_ROWS
    assert {split for size, split in after.items() if size not in before} == set(SPLITS)


def test_training_ends_before_the_first_test_example_when_later_data_are_added(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    rows = rows.sort_values("day", ignore_index=True)
    config = config_for(tmp_path, rows.head(120), time="day")
    for lot in (rows[120:170], rows[170:]):
        drop(config, lot)
        new_data.add(config, new_data.files(config))
    collect.main(config)
    train, _, test = (read_examples(config, split) for split in SPLITS)
    assert len(train) < 120
    assert train["day"].max() < test["day"].min()
    assert len(test) == (rows["day"] >= test["day"].min()).sum() > 80
    note = read_json(config.paths.provenance, "collect")["notes"][-1]
    assert note.startswith("added examples by split: 0 train, 0 validation, 80 test; the test period begins at 2024-")
    moved = config.model_copy(update={"validation_start": "2024-09-01", "test_start": "2024-10-01"})
    collect.main(moved)
    assert len(read_examples(moved, "test")) == sum(rows["day"] >= "2024-10-01")
    assert sum(rows["day"] < "2024-09-01") == len(read_examples(moved, "train")) > 120


def read(config: Config, provenance: Provenance | None = None) -> list[pd.DataFrame]:
    """The examples of the source and of what is new."""
    parts = reading.read(examples, config, [config.source, str(config.incoming)], provenance or Provenance())
    return [part for _, part in parts]


def test_whole_numbers_stay_whole_when_new_ones_are_missing(tmp_path: Path, rows: pd.DataFrame) -> None:
    config = config_for(tmp_path, rows)
    drop(config, rows.head(9).assign(code=[None, *range(1, 9)]))
    tables = read(config)
    joined = reading.join([tables[0], tables[1].astype({"code": "Int64"})])
    assert joined["code"].dtype == "Int64"
    assert joined["code"].isna().sum() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"size": "much"}, "column 'size' holds a text, such as 'much'"), ({"name": 3}, "holds a number")],
)
def test_other_kinds_of_values_are_refused(
    tmp_path: Path, rows: pd.DataFrame, changes: dict[str, Any], words: str
) -> None:
    config = config_for(tmp_path, rows)
    drop(config, rows.head(5).assign(**changes))
    with pytest.raises(InputError, match=words):
        read(config)


def test_a_lacking_column_is_refused_and_an_unknown_one_is_left_out(tmp_path: Path, rows: pd.DataFrame) -> None:
    config, provenance = config_for(tmp_path, rows), Provenance()
    drop(config, rows.head(5).assign(extra=1))
    tables = read(config, provenance)
    assert list(tables[1].columns) == list(rows.columns)
    assert "extra" in provenance.notes[0]
    drop(config, rows.head(5).drop(columns="code"))
    with pytest.raises(InputError, match="lacks the columns 'code'"):
        read(config, provenance)


def test_files_that_come_while_others_are_read_stay(tmp_path: Path, rows: pd.DataFrame) -> None:
    config = config_for(tmp_path, rows)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "inside").mkdir(parents=True)
    config.incoming.symlink_to(elsewhere)
    drop(config, rows.head(3), "inside/first.csv")
    found = new_data.files(config)
    drop(config, rows.head(3), "late.csv")
    folder = new_data.add(config, found)
    assert [path.name for path in folder.rglob("*.csv")] == ["first.csv"]
    assert [path.name for path in elsewhere.iterdir()] == ["late.csv"]
    assert config.incoming.is_symlink()
    folder.rename(folder.with_name(".0002"))  # as if the update had been killed while it was adding them
    new_data.restore(config)
    assert list(new_data.files(config)) == [Path("inside/first.csv"), Path("late.csv")]
    assert not list(config.added.iterdir())
