"""A table of texts that is too large for memory comes to the very examples that it would come to in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from project import examples
from project.core import artifacts
from project.large import large_sources
from project.settings.base import SPLITS
from project.stages import collect

import synthetic
from declared import Config

IN_MEMORY = 100  # texts, so that a part has 25


def collected(config: Config) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What collecting writes: the tables, and what it records but for the time and the settings."""
    collect.main(config)
    record = artifacts.read_json(config.paths.provenance, "collect")
    tables = {split: config.paths.examples(split).read_bytes() for split in SPLITS}
    return tables, {name: value for name, value in record.items() if name not in ("collected_at", "settings")}


@pytest.fixture
def table() -> pd.DataFrame:
    """Texts of which some are empty, repeated or without a label, and a column of numbers."""
    texts = synthetic.make_table(400).assign(number=range(400))
    texts.loc[[30, 170], "text"] = ["", " "]
    texts.loc[380:, ["text", "kind", "price"]] = texts.loc[:19, ["text", "kind", "price"]].to_numpy()
    texts.loc[[5, 250], ["kind", "price"]] = None
    return texts


@pytest.mark.parametrize("form", ["table.csv", "table.csv.gz", "shards"])
def test_parts_come_to_the_examples_of_the_whole(
    make_config: Callable[..., Config], tmp_path: Path, table: pd.DataFrame, form: str
) -> None:
    source = tmp_path / "given" / form
    source.parent.mkdir()
    if form == "shards":
        source.mkdir()
        for start in range(0, len(table), 130):
            table.iloc[start : start + 130].to_parquet(source / f"{start:03}.parquet", index=False)
    else:
        table.to_csv(source, index=False)
    whole = collected(make_config(source=str(source)))
    config = make_config(source=str(source), max_examples_in_memory=IN_MEMORY)
    assert len(list(examples.read_parts(config))) == 16
    assert collected(config) == whole
    assert whole[1]["dropped"]["the text is empty"] == {"count": 2, "first_rows": [31, 171]}
    assert whole[1]["duplicates"] > 0


def test_folders_of_texts_are_read_as_a_whole(make_config: Callable[..., Config], tmp_path: Path) -> None:
    for number in range(2 * IN_MEMORY):
        path = tmp_path / "texts" / f"kind {number % 3}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of number {number}", encoding="utf-8")
    config = make_config(source=str(tmp_path / "texts"), max_examples_in_memory=IN_MEMORY)
    (part,) = examples.read_parts(config)
    assert len(part) == 2 * IN_MEMORY


def test_size_is_told_without_reading(make_config: Callable[..., Config], tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_parquet(tmp_path / "table.parquet")
    source = str(tmp_path / "table.parquet")
    assert large_sources.is_large(make_config(source=source, max_examples_in_memory=len(table) - 1))
    assert not large_sources.is_large(make_config(source=source, max_examples_in_memory=len(table)))
