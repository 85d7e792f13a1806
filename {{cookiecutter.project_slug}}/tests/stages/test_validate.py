"""make validate: which data pass, which are refused, and the messages."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project.core.errors import RefusedError
from project.data import targets
from project.settings.base import SPLITS
from project.stages import schema, validate

from declared import Config

Change = Callable[[pd.DataFrame], pd.DataFrame]
HOSTILE = "</td><script>alert(1)</script>"


def examples(rows: int, seed: int = 0) -> pd.DataFrame:
    """A table with a column of each type, whose splits are alike."""
    random = np.random.default_rng(seed)
    size = random.normal(50, 10, rows)
    return pd.DataFrame(
        {
            "size": np.where(random.random(rows) < 0.05, np.nan, size),
            "year": random.integers(2015, 2025, rows),
            "color": random.choice(["red", "green", "blue"], rows),
            "flag": random.random(rows) < 0.3,
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 9999, rows), unit="s"),
            "a.b": random.choice(np.array(["x", "y", None]), rows),
            "target": np.where(size > 50, "large", "small"),
        }
    )


def write(config: Config, change: Change = lambda table: table, splits: tuple[str, ...] = SPLITS) -> None:
    """Writes the splits, changed."""
    for seed, split in enumerate(splits):
        path = config.paths.examples(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        change(examples(600 if split == "train" else 400, seed)).to_parquet(path, index=False)


def settings(folder: Path, **more: Any) -> Config:
    """The settings of a project in a folder of the test's own."""
    chosen: dict[str, Any] = {"source": "data.csv", "target": "target", "group": "", "time": ""} | more
    return Config(artifacts=folder / "artifacts", schema_path=folder / "schema.pbtxt", **chosen)


def refused(config: Config) -> str:
    """What validate says when it refuses."""
    with pytest.raises(RefusedError) as caught:
        validate.main(config)
    return str(caught.value)


@pytest.fixture(scope="module")
def passed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project whose data have passed once."""
    folder = tmp_path_factory.mktemp("project")
    config = settings(folder)
    write(config)
    validate.main(config)
    return folder


@pytest.fixture
def config(passed_once: Path, tmp_path: Path) -> Config:
    """Settings of a copy of that project."""
    shutil.copytree(passed_once, tmp_path, dirs_exist_ok=True)
    return settings(tmp_path)


def test_first_run_passes_and_writes_everything(config: Config) -> None:
    folder = config.paths.validation
    assert sorted(path.name for path in folder.iterdir()) == [
        "anomalies.json",
        "report.html",
        "report.json",
        "statistics.pb",
    ]
    content = json.loads((folder / "anomalies.json").read_text(encoding="utf-8"))
    assert content["passed"] is True
    assert content["anomalies"] == []
    measured = {distance["column"] for distance in content["split_shift"]}
    assert measured == {"size", "year", "color", "flag", "a.b", *(() if targets.IS_FREE else ("target",))}
    assert "review it" in config.schema_path.read_text(encoding="utf-8")


def test_more_of_the_same_data_pass(config: Config) -> None:
    for seed, split in enumerate(SPLITS):
        table = examples(500, seed + 100)
        table["color"] = table["color"].where(table.index > 2, "mauve")  # a rare new category is no anomaly
        table.to_parquet(config.paths.examples(split), index=False)
    validate.main(config)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table.assign(size=table["size"] * 1000), {"size": "high value"}),
        (
            lambda table: table.drop(columns="size").assign(
                color=table["color"].replace("red", "mauve"),
                target=table["target"].where(table.index > 0, "huge"),
                year=table["year"] + 0.5,
                extra=1,
                flag=2,
            ),
            {
                "size": "missing",
                "color": "mauve",
                "target": "huge",
                "year": "float",
                "extra": "schema",
                "flag": "large value",
            },
        ),
        (
            lambda table: table.assign(
                size=table["size"].where(table.index > 0, np.inf),
                year=table["year"].astype(str),
                color=table["color"].where(table.index % 2 == 0),
            ),
            {"size": "Inf", "year": "string", "color": "fraction"},
        ),
    ],
)
def test_tampered_data_are_refused_by_name(config: Config, change: Change, expected: dict[str, str]) -> None:
    passed = (config.paths.validation / "statistics.pb").read_bytes()
    write(config, change)
    message = refused(config)
    if targets.IS_SET or targets.IS_FREE:  # a set of labels, or a free text, may be new
        expected = {column: words for column, words in expected.items() if column != "target"}
    content = json.loads((config.paths.validation / "anomalies.json").read_text(encoding="utf-8"))
    page = (config.paths.validation / "report.html").read_text(encoding="utf-8")
    assert (config.paths.validation / "statistics.pb").read_bytes() == passed
    assert content["passed"] is False
    assert {anomaly["column"] for anomaly in content["anomalies"]} == set(expected)
    assert "make schema" in message
    for column, words in expected.items():
        row = next(line for line in message.splitlines() if line.split()[:1] == [column])
        assert "train, validation, test" in row
        assert words.lower() in " ".join(message[message.index(row) :].split()).lower()
        assert column in page


def test_one_split_that_differs_is_named(config: Config) -> None:
    write(config, lambda table: table.assign(size=table["size"] * 1000, new=1).drop(columns="color"), splits=("test",))
    rows = {line.split()[0]: line for line in refused(config).splitlines() if line.startswith("  ")}
    for column in ("size", "new", "color"):
        assert rows[column].split()[1] == "test"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda table: table.assign(size=table["size"].where(table.index != 5, 500.0)), {"size": "high value"}),
        (lambda table: table.assign(year=table["year"].where(table.index != 5, 1900)), {"year": "small value"}),
        (lambda table: table.assign(color=table["color"].where(table.index > 30, "mauve")), {"color": "mauve"}),
        (lambda table: table.assign(target=table["target"].where(table.index > 0, "huge")), {"target": "huge"}),
        (lambda table: table.assign(color=table["color"].where(table.index % 2 == 0)), {"color": "fraction"}),
    ],
)
@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_first_check_refuses_what_the_training_split_lacks(
    tmp_path: Path, split: str, change: Change, expected: dict[str, str]
) -> None:
    if (targets.IS_SET or targets.IS_FREE) and "target" in expected:
        return  # a set of labels, or a free text, may be new
    config = settings(tmp_path)
    write(config)
    write(config, change, splits=(split,))
    message = refused(config)
    content = json.loads((config.paths.validation / "anomalies.json").read_text(encoding="utf-8"))
    assert {(anomaly["column"], anomaly["split"]) for anomaly in content["anomalies"]} == {
        (column, split) for column in expected
    }
    assert all(words in message for words in expected.values())
    schema.main(config)  # if the data are right
    validate.main(config)


def test_the_first_check_allows_what_chance_explains(tmp_path: Path) -> None:
    config = settings(tmp_path)
    for seed in range(10):
        random = np.random.default_rng(seed)
        table = pd.DataFrame(
            {
                "price": random.lognormal(3, 1.5, 300),
                "town": [f"town {number}" for number in random.zipf(2, 300).clip(max=20)],
                "note": np.where(random.random(300) < 0.02, 1.0, np.nan),
                "half": np.where(random.random(300) < 0.5, 1.0, np.nan),
                "zero": np.zeros(300),
                "target": random.choice(["large", "small"], 300),
            }
        )
        table.loc[299, "zero"] = 0.1
        for split, start, end in zip(SPLITS, (0, 210, 255), (210, 255, 300), strict=True):
            config.paths.examples(split).parent.mkdir(parents=True, exist_ok=True)
            table[start:end].to_parquet(config.paths.examples(split), index=False)
        validate.main(config)
        config.schema_path.unlink()


@pytest.mark.skipif(not targets.IS_FREE, reason="a target is a number or a class")
def test_few_free_texts_need_not_recur(tmp_path: Path) -> None:
    config = settings(tmp_path)
    write(config, lambda table: table.assign(target=[f"{len(table)} {row % 30}" for row in table.index]))  # as in train
    validate.main(config)


def test_split_shift_is_refused(config: Config) -> None:
    write(config, lambda table: table.assign(color="red", size=table["size"] + 30), splits=("validation",))
    message = refused(config)
    assert "L-infinity" in message
    assert "Jensen-Shannon" in message
    schema.main(config)
    validate.main(config)


@pytest.mark.parametrize("more", [{"min_shift_examples": 1000}, {"time": "seen"}, {"ignore": "color"}])
def test_split_shift_is_not_judged_where_it_means_nothing(tmp_path: Path, more: dict[str, Any]) -> None:
    config = settings(tmp_path, **more)
    write(config)
    examples(400).assign(color="red").to_parquet(config.paths.examples("validation"), index=False)
    validate.main(config)


def test_page_is_self_contained_and_escapes_what_it_shows(config: Config) -> None:
    write(config, lambda table: table.rename(columns={"color": HOSTILE}).assign(**{"a.b": HOSTILE}))
    refused(config)
    page = (config.paths.validation / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "src=" not in page


def test_page_shows_only_so_many_columns(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "MAX_COLUMNS", 2)
    write(config, lambda table: table.assign(flag=2))
    refused(config)
    page = (config.paths.validation / "report.html").read_text(encoding="utf-8")
    assert "The first 2 of 3 columns" in page  # of numbers, the one with the anomaly before the others
    assert page.index("distribution of flag") < page.index("distribution of size")
    assert "distribution of year" not in page
