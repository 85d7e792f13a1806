"""Statistics of the splits: every type of column, and names that are hard to handle."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.core.errors import InputError
from project.data import tables
from project.settings.base import SPLITS
from project.validation import data_statistics

from declared import Config

Write = Callable[[pa.Table], Config]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a table as each of the splits."""

    def write_splits(table: pa.Table) -> Config:
        config = Config(artifacts=tmp_path / "artifacts", schema_path=tmp_path / "schema.pbtxt")
        for split in SPLITS:
            config.paths.examples(split).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, config.paths.examples(split), row_group_size=40)
        return config

    return write_splits


def features(config: Config) -> dict[str, data_statistics.ColumnStatistics]:
    """The statistics of the training split by column."""
    return {feature.path.step[0]: feature for feature in data_statistics.compute(config).datasets[0].features}


def test_numbers_are_those_of_numpy_over_all_row_groups(write: Write) -> None:
    values = np.random.default_rng(0).normal(size=100)
    numbers = features(write(pa.table({"x": pa.array(values, mask=np.arange(100) < 7)})))["x"].num_stats
    assert numbers.common_stats.num_missing == 7
    assert numbers.common_stats.num_non_missing == 93
    assert numbers.mean == pytest.approx(values[7:].mean())
    assert numbers.std_dev == pytest.approx(values[7:].std())
    assert (numbers.min, numbers.max) == (values[7:].min(), values[7:].max())


def test_splits_are_told_apart_and_in_order(write: Write) -> None:
    config = write(pa.table({"x": [1, 2, 3]}))
    pq.write_table(pa.table({"x": [4, 5]}), config.paths.examples("test"))
    found = data_statistics.compute(config)
    assert [split.name for split in found.datasets] == list(SPLITS)
    assert [split.num_examples for split in found.datasets] == [3, 3, 2]
    assert found.datasets[2].features[0].num_stats.max == 5


def test_no_type_is_dropped(write: Write) -> None:
    table = pa.table(
        {
            "flag": [True, False, None],
            "time": pa.array([np.datetime64("2024-05-06T07:08:09", "us"), None, None], pa.timestamp("us")),
            "text": ["a", "b", None],
            "code": pa.array(["a", "b", "a"]).dictionary_encode(),
            "large": pa.array(["a", "b", "a"], pa.large_string()),
            "small": pa.array([1, 2, 3], pa.int8()),
        }
    )
    found = features(write(table))
    assert list(found) == table.column_names
    assert found["flag"].num_stats.mean == 0.5
    assert found["time"].string_stats.rank_histogram.buckets[0].label == "2024-05-06T07:08:09"
    assert found["code"].string_stats.unique == found["large"].string_stats.unique == 2
    assert found["small"].num_stats.max == 3


def test_any_column_name_is_kept(write: Write) -> None:
    names = ["a.b", "with space", "a/b", "class", "Größe €", "🐧", "__proto__", "<b>", '"', "a\nb", "(a)", "a", "A"]
    assert list(features(write(pa.table({name: [1.5, 2.5] for name in names})))) == names


def test_columns_without_a_usable_value(write: Write) -> None:
    table = pa.table({"no text": pa.nulls(9, pa.string()), "no number": pa.nulls(9, pa.float64()), "nan": [np.nan] * 9})
    found = features(write(table))
    assert found["no text"].string_stats.common_stats.num_missing == 9
    assert found["no number"].num_stats.common_stats.num_missing == 9
    assert found["nan"].num_stats.histograms[0].num_nan == 9


def test_memory_per_batch_depends_on_neither_rows_nor_columns(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_statistics, "BATCH_CELLS", 20)
    config = write(pa.table({"x": range(100), "y": range(100)}))
    (part,) = [part for part in data_statistics.parts(config) if part.split == "train"]
    batches = list(data_statistics.read_batches(part))
    assert {batch.num_rows for batch in batches} == {10}
    assert pa.Table.from_batches(batches)["x"].to_pylist() == [[number] for number in range(100)]
    assert features(config)["x"].num_stats.mean == 49.5


def test_batches_depend_on_neither_files_nor_row_groups(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_statistics, "BATCH_CELLS", 8)
    config = write(pa.table({"x": pa.array(range(100), mask=np.arange(100) % 7 == 0)}))
    whole = [list(data_statistics.read_batches(part)) for part in data_statistics.parts(config)]
    assert [batch.num_rows for batch in whole[0]] == [8] * 12 + [4]
    shard(config, [7, 40, 100])
    assert [list(data_statistics.read_batches(part)) for part in data_statistics.parts(config)] == whole


def test_a_large_split_is_divided_by_columns(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a.b", "x", "a", "y", "z"]  # Parquet knows the first as a field of the third
    config = write(pa.table({name: np.arange(30) + place for place, name in enumerate(names)}))
    whole = data_statistics.compute(config)
    monkeypatch.setattr(data_statistics, "PART_CELLS", 60)
    columns = [part.columns for part in data_statistics.parts(config) if part.split == "train"]
    assert columns == [("a.b", "x"), ("a", "y"), ("z",)]
    assert data_statistics.compute(config) == whole


def test_a_table_in_memory_has_the_statistics_of_a_split(write: Write) -> None:
    random = np.random.default_rng(0)
    table = pa.table(
        {
            "x": pa.array(random.normal(size=500), mask=np.arange(500) < 7),
            "nan": [np.nan, 1.5] * 250,
            "count": pa.array(random.integers(0, 9, 500), mask=np.arange(500) > 490),
            "flag": random.random(500) < 0.3,
            "word": [f"{number}" for number in random.zipf(1.5, 500)],
            "empty": pa.nulls(500, pa.string()),
            "time": pa.array(np.datetime64("2024-05-06T07:08:09", "us") + np.arange(500)),
        }
    )
    assert data_statistics.summarize(table, "train") == data_statistics.compute(write(table)).datasets[0]


def test_statistics_are_the_same_on_any_runner_and_in_any_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_statistics, "BATCH_CELLS", 6_000)
    monkeypatch.setattr(data_statistics, "PART_CELLS", 20_000)
    random, size = np.random.default_rng(0), 20_000  # many enough that TFDV estimates quantiles and frequent values
    table = {"x": random.normal(size=size), "word": [f"{number}" for number in random.zipf(1.2, size)]}
    config = write(pa.table(table))
    whole = data_statistics.compute(config)
    rows = tables.read_rows(config, "train")
    shard(config, [1, 5_003, 17_000, size])
    pd.testing.assert_frame_equal(tables.read_rows(config, "train"), rows)
    assert tables.num_examples(config, "train") == size
    assert tables.data_hash(config) != tables.validation_hash(config)
    threads = ("--runner=FnApiRunner", "--direct_num_workers=2", "--direct_running_mode=multi_threading")
    spread = data_statistics.compute(config.model_copy(update={"beam_options": threads}))
    assert spread.SerializeToString(deterministic=True) == whole.SerializeToString(deterministic=True)


def shard(config: Config, ends: list[int]) -> None:
    """Cuts the table of every split into files that end at these rows, with row groups of other sizes."""
    for split in SPLITS:
        path = config.paths.examples(split)
        table = pq.read_table(path)
        path.unlink()
        path.mkdir()
        for number, (start, end) in enumerate(pairwise([0, *ends])):
            pq.write_table(table.slice(start, end - start), path / f"{number}.parquet", row_group_size=1_900 + number)


def test_missing_tables_name_the_target_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make collect"):
        data_statistics.compute(Config(artifacts=tmp_path))
