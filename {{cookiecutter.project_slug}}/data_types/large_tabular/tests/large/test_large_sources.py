"""A source that is too large for memory comes to the very examples that it would come to in memory."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project import examples
from project.core import artifacts
from project.core.errors import InputError
from project.data import loading, tables
from project.large import large_sources
from project.settings.base import SPLITS
from project.stages import collect

from declared import Config

NUM_ROWS = 900
IN_MEMORY = 200  # rows, so that a part has 50


@pytest.fixture
def rows() -> pd.DataFrame:
    """A table with every kind of column, of which some have their first gap, decimal or repetition late."""
    random, numbers = np.random.default_rng(0), np.arange(NUM_ROWS)
    table = pd.DataFrame(
        {
            "id": [f"e{number}" for number in numbers],
            "site": numbers % 90,
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.permutation(NUM_ROWS), unit="h"),
            "size": random.normal(size=NUM_ROWS),
            "whole": np.where(numbers > 600, numbers + 0.5, numbers),
            "lacking": np.where(numbers == 700, np.nan, numbers % 7),
            "late": [None if number < 300 else "known" for number in numbers],
            "color": random.choice(["red", "blue"], NUM_ROWS),
            "y": numbers % 3,
        }
    )
    table.loc[800:, "site":] = table.loc[:99, "site":].to_numpy()  # repeats of the first rows, in another part
    return table


def config_for(folder: Path, source: Path, **settings: Any) -> Config:
    """Settings for a source."""
    defaults = {"source": str(source), "target": "y", "artifacts": folder / "artifacts", "ignore": ("id",)}
    return Config(**{**defaults, **settings})


def collected(config: Config) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What collecting writes: the tables, and what it records but for the time and the settings."""
    collect.main(config)
    record = artifacts.read_json(config.paths.provenance, "collect")
    tables = {split: config.paths.examples(split).read_bytes() for split in SPLITS}
    return tables, {name: value for name, value in record.items() if name not in ("collected_at", "settings")}


def write(rows: pd.DataFrame, folder: Path, form: str) -> Path:
    """The table as a source of a form."""
    if form == "text":
        rows.to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    if form == "compressed":
        (folder / "rows.tsv.gz").write_bytes(gzip.compress(rows.to_csv(index=False, sep="\t").encode()))
        return folder / "rows.tsv.gz"
    (folder / "shards").mkdir()
    for number, start in enumerate(range(0, NUM_ROWS, 130)):
        rows.iloc[start : start + 130].to_parquet(
            folder / "shards" / f"{number}.parquet", index=False, row_group_size=40
        )
    return folder / "shards"


@pytest.mark.parametrize("form", ["text", "compressed", "shards"])
@pytest.mark.parametrize("by", [{}, {"group": "site"}, {"time": "when"}, {"key": "id", "ignore": ()}])
def test_parts_come_to_the_examples_of_the_whole(
    tmp_path: Path, rows: pd.DataFrame, form: str, by: dict[str, Any]
) -> None:
    source = write(rows, tmp_path, form)
    whole = collected(config_for(tmp_path, source, **by))
    config = config_for(tmp_path, source, max_examples_in_memory=IN_MEMORY, **by)
    assert len(list(examples.read_parts(config))) >= NUM_ROWS / IN_MEMORY
    assert collected(config) == whole
    assert whole[1]["duplicates"] == (100 if by.get("key") else 0) or "id" in by.get("ignore", ("id",))
    assert sorted(path.name for path in config.paths.provenance.parent.iterdir()) == sorted(
        [*(f"{split}.parquet" for split in SPLITS), config.paths.provenance.name, "DATA_CARD.md"]
    )


def test_identifiers_in_parts_are_told(tmp_path: Path, rows: pd.DataFrame) -> None:
    numbers = np.arange(NUM_ROWS)
    visits = np.where(numbers == 450, np.nan, 7_000 + 3 * numbers)
    source = write(rows.assign(visit=visits, code=[f"{number * 7_919:x}" for number in numbers]), tmp_path, "text")
    whole = collected(config_for(tmp_path, source))
    assert collected(config_for(tmp_path, source, max_examples_in_memory=IN_MEMORY)) == whole
    told = "left out as identifiers: visit (only counts the examples), code (hardly ever repeats)"
    assert [note.startswith(told) for note in whole[1]["notes"]] == [True]


def test_a_further_source_in_parts_is_read_as_the_first(tmp_path: Path, rows: pd.DataFrame) -> None:
    source = write(rows.assign(when=["28/04/2024", *["03/04/2024"] * (NUM_ROWS - 1)]), tmp_path, "text")
    rows.assign(when="03/04/2024").to_csv(tmp_path / "test.csv", index=False)
    config = config_for(tmp_path, source, test_source=str(tmp_path / "test.csv"), max_examples_in_memory=IN_MEMORY)
    _, record = collected(config)
    assert record["rows"]["test"] == NUM_ROWS
    assert (tables.read_rows(config, "test")["when"] == pd.Timestamp("2024-04-03")).all()


def test_what_is_left_out_of_parts_is_counted_by_the_rows_of_the_source(tmp_path: Path, rows: pd.DataFrame) -> None:
    rows.loc[[3, 444, 777], "y"] = None
    source = write(rows, tmp_path, "text")
    text = source.read_text().splitlines(keepends=True)
    source.write_text("".join([*text[:500], "one,cell,too,few\n", *text[500:]]))
    config = config_for(tmp_path, source, max_examples_in_memory=IN_MEMORY, max_bad_share=0.01)
    _, record = collected(config)
    assert record["dropped"]["target y missing"] == {"count": 3, "first_rows": [4, 445, 778]}
    assert record["dropped"][f"unreadable in {source}"] == {"count": 1, "first_rows": [500]}
    with pytest.raises(InputError, match=r"row 500 cannot be read .* max_bad_share"):
        collect.main(config.model_copy(update={"max_bad_share": 0.0}))


@pytest.mark.parametrize(
    ("column", "cells", "late", "value"),
    [
        ("size", "12", "many", "12"),
        ("whole", "7.5", "1,000.5", 7.5),
        ("when", "03/04/2024", "28/04/2024", pd.Timestamp("2024-04-03")),
        ("color", "red", "7", "red"),
    ],
)
def test_a_later_part_tells_how_cells_are_written(
    tmp_path: Path, rows: pd.DataFrame, column: str, cells: str, late: str, value: Any
) -> None:
    rows = rows.astype({column: object})
    rows[column] = cells
    rows.loc[800:, column] = late
    source = write(rows, tmp_path, "text")
    config = config_for(tmp_path, source, cell_formats=tmp_path / "of_parts.json", max_examples_in_memory=IN_MEMORY)
    of_parts = collected(config)
    assert of_parts == collected(config_for(tmp_path, source, cell_formats=tmp_path / "of_all.json"))
    assert (tmp_path / "of_parts.json").read_bytes() == (tmp_path / "of_all.json").read_bytes()
    assert tables.read_rows(config, "train")[column].value_counts().idxmax() == value
    assert collected(config) == of_parts, "by what the file says"


def test_a_file_of_other_columns_is_refused(tmp_path: Path, rows: pd.DataFrame) -> None:
    folder = write(rows, tmp_path, "shards")
    rows.head(130).drop(columns="size").to_parquet(folder / "9.parquet")
    with pytest.raises(InputError, match="lacks"):
        collect.main(config_for(tmp_path, folder, max_examples_in_memory=IN_MEMORY))


def test_size_is_told_without_reading(tmp_path: Path, rows: pd.DataFrame) -> None:
    def is_large(source: Path, most: int) -> bool:
        return large_sources.is_large(config_for(tmp_path, source, max_examples_in_memory=most))

    for form in ("text", "shards"):
        source = write(rows, tmp_path, form)
        assert is_large(source, NUM_ROWS - 1)
        assert not is_large(source, NUM_ROWS + 1)
    rows.to_excel(tmp_path / "rows.xlsx", index=False)
    assert not is_large(tmp_path / "rows.xlsx", 100), "it is read as a whole"
    assert not large_sources.is_large(Config(source="sqlite:///rows.db", query="SELECT 1"))


def test_a_damaged_file_is_told(tmp_path: Path, rows: pd.DataFrame) -> None:
    source = write(rows, tmp_path, "compressed")
    source.write_bytes(source.read_bytes()[:-2_000])
    for most in (IN_MEMORY, 1_000_000):
        with pytest.raises(InputError, match=r"rows.tsv.gz (cannot be read|is cut off)"):
            collect.main(config_for(tmp_path, source, max_examples_in_memory=most))


def test_stages_see_a_sample_of_a_large_split(
    make_config: Callable[..., Config], capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config()
    collect.main(config)
    whole = loading.read_examples(config, "train")
    small = config.model_copy(update={"max_examples_in_memory": len(whole) - 1})
    drawn = loading.read_examples(small, "train")
    assert len(drawn) == len(whole) - 1
    assert len(drawn.merge(whole, how="left", indicator=True).query("_merge != 'both'")) == 0
    assert tables.extent(drawn) == f"{len(drawn):,} of {len(whole):,}, drawn at random"
    pd.testing.assert_series_equal(tables.all_targets(small, "train", drawn), whole[config.target])
    assert tables.extent(whole) == f"{len(whole):,}"
