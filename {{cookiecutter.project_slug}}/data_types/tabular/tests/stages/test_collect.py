"""make collect: good tables are written whole with their provenance, bad ones are refused and leave the last good ones.

Collecting is the same for every kind of data; a table is the raw data that is easiest to write in a test.
"""

import errno
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from project import examples
from project.core import artifacts, command
from project.core.errors import InputError
from project.data import cleaning, loading, sources, tables, targets
from project.data.provenance import Provenance
from project.settings.base import SPLITS
from project.stages import collect

import declared
from declared import Config

NUM_ROWS = 120


def read_rows(config: Config) -> pd.DataFrame:
    """One example per row of a table."""
    provenance = Provenance()
    return cleaning.clean(config, sources.read_table(config, provenance), provenance)


@pytest.fixture(autouse=True)
def rows_are_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads tables, whatever the project's own kind of data is."""
    monkeypatch.setattr(examples, "read_parts", lambda config: iter([read_rows(config)]))
    monkeypatch.setattr(examples, "as_before", lambda config, _: config)


@pytest.fixture
def rows() -> pd.DataFrame:
    """A table with targets that are classes and numbers alike."""
    random = np.random.default_rng(0)
    columns = {"id": np.arange(NUM_ROWS), "size": random.normal(size=NUM_ROWS), "color": ["red", "blue"] * 60}
    return pd.DataFrame({**columns, "y": np.arange(NUM_ROWS) % 3})


def config_for(folder: Path, rows: pd.DataFrame | str, **settings: Any) -> Config:
    """Settings for a source with these rows."""
    text = rows if isinstance(rows, str) else rows.to_csv(index=False)
    (folder / "data.csv").write_text(text, encoding="utf-8")
    defaults: dict[str, Any] = {"source": str(folder / "data.csv"), "target": "y", "artifacts": folder / "artifacts"}
    return Config(**{**defaults, **settings})


def contents(config: Config) -> dict[str, bytes]:
    """Every artifact with its bytes."""
    return {path.name: path.read_bytes() for path in sorted(config.artifacts.rglob("*")) if path.is_file()}


def test_tables_and_provenance(tmp_path: Path, rows: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_for(tmp_path, pd.concat([rows, rows.head(2)]))
    collect.main(config)
    tables = {split: loading.read_examples(config, split) for split in SPLITS}
    together = pd.concat(tables.values()).sort_values("id", kind="stable").reset_index(drop=True)
    assert together.columns.tolist() == rows.columns.tolist()
    expected = rows.astype({"y": str}) if targets.IS_SET else rows
    pd.testing.assert_frame_equal(together.drop_duplicates(ignore_index=True), expected, check_dtype=False)
    record = artifacts.read_json(config.paths.provenance, "collect")
    assert record["rows_read"] == NUM_ROWS + 2
    assert record["rows"] == {split: len(table) for split, table in tables.items()}
    assert record["duplicates"] == 2
    assert record["sources"][0]["sha256"] == hashlib.sha256((tmp_path / "data.csv").read_bytes()).hexdigest()
    assert record["settings"]["target"] == "y"
    assert str(config.paths.examples("test")) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("duplicates", "num_examples"), [("auto", 401), ("drop", 401), ("weigh", 401), ("keep", 1_000)]
)
def test_splits_keep_their_shares_with_many_duplicates(tmp_path: Path, duplicates: str, num_examples: int) -> None:
    sizes = np.r_[np.zeros(600), np.arange(1, 401)]
    table = pd.DataFrame({"size": sizes, "color": "red", "y": sizes.astype(int) % 3})
    weights = {"sample_weight": "copies"} if duplicates == "weigh" else {}
    config = config_for(tmp_path, table, duplicates=duplicates, **weights)
    collect.main(config)
    splits = {split: loading.read_examples(config, split) for split in SPLITS}
    record = artifacts.read_json(config.paths.provenance, "collect")
    assert (record["rows_read"], record["duplicates"], sum(record["rows"].values())) == (1_000, 599, num_examples)
    assert sum((rows["size"] == 0).any() for rows in splits.values()) == 1
    if num_examples == 401:
        shares = [len(rows) / num_examples for rows in splits.values()]
        assert shares == pytest.approx(config.split_fractions, abs=0.03)
        assert record["dropped"]["repeats another example"]["count"] == 599
    if weights:
        together = pd.concat(splits.values()).sort_values("size")
        assert together["copies"].tolist() == [600] + [1] * 400


def test_a_given_test_split_is_the_test_split(tmp_path: Path, rows: pd.DataFrame) -> None:
    (tmp_path / "folder").mkdir()
    train, test = rows.head(100), rows.tail(20)
    for name, part in (("train", train), ("test", test)):
        part.to_csv(tmp_path / "folder" / f"{name}.csv", index=False)
    ways: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
        "a source": (train, {"test_source": str(tmp_path / "folder" / "test.csv")}),
        "a column": (rows.assign(part=["train"] * 100 + ["Test"] * 20), {"split": "part"}),
        "files": (rows, {"source": str(tmp_path / "folder")}),
    }
    found = {}
    for way, (table, settings) in ways.items():
        config = config_for(tmp_path, table, **settings, artifacts=tmp_path / way)
        collect.main(config)
        found[way] = [loading.read_examples(config, split) for split in SPLITS]
        assert found[way][2]["id"].tolist() == test["id"].tolist()
        assert found[way][2].columns.tolist() == rows.columns.tolist()
        assert 5 <= len(found[way][1]) <= 30
        note = artifacts.read_json(config.paths.provenance, "collect")["notes"][-1]
        assert note == "the source gives the splits, but validation, drawn from the training examples"
    assert all(found[way][0].equals(found["a source"][0]) for way in ways)
    joined = config_for(tmp_path, rows, source=str(tmp_path / "folder"), named_splits=False)
    collect.main(joined)
    assert set(loading.read_examples(joined, "test")["id"]) - set(test["id"])


def test_columns_may_have_any_name(tmp_path: Path, rows: pd.DataFrame) -> None:
    names = {"size": "class", "color": "größe / größe 🐧", "id": "a b"}
    config = config_for(tmp_path, rows.rename(columns=names), key="a b")
    collect.main(config)
    assert loading.read_examples(config, "train").columns.tolist() == ["a b", "class", "größe / größe 🐧", "y"]


def test_rows_without_target_are_left_out_and_counted(tmp_path: Path, rows: pd.DataFrame) -> None:
    config = config_for(tmp_path, rows.astype({"y": object}).assign(y=["?", "NA", *rows["y"][2:]]))
    collect.main(config)
    record = artifacts.read_json(config.paths.provenance, "collect")
    assert sum(record["rows"].values()) == NUM_ROWS - 2
    assert record["dropped"] == {"target y missing": {"count": 2, "first_rows": [1, 2]}}
    assert not loading.read_examples(config, "train")["y"].isna().any()


def test_parquet_holds_plain_types(tmp_path: Path, rows: pd.DataFrame) -> None:
    rows = rows.astype({"id": object}).assign(day="2024-01-31", yes="true")
    rows.loc[5, ["id", "color", "size", "day", "yes"]] = None
    config = config_for(tmp_path, rows)
    collect.main(config)
    for split in SPLITS:
        schema = pq.read_schema(config.paths.examples(split))
        kinds = ["int64", "double", "string", "string" if targets.IS_SET else "int64", "timestamp[us]", "bool"]
        assert [str(kind) for kind in schema.types] == kinds


@pytest.mark.parametrize(
    ("changes", "settings", "message"),
    [
        ({}, {"target": "Y "}, "target is 'Y ?', which is no column"),
        ({}, {"target": "sizes"}, "did you mean 'size'"),
        ({}, {"key": "none"}, "key is 'none', which is no column"),
        ({}, {"ignore": ("Color",)}, "ignore is 'Color', which is no column of .* did you mean 'color'"),
        ({"y": "NA"}, {}, "target 'y' is missing in all 120 rows"),
        ({"y": 1}, {}, "target 'y'"),
        ({"size": 1, "color": "red", "id": 0}, {}, "all features are constant"),
        ({"id": 7}, {"key": "id"}, "key 'id' has 1 values with several different rows, such as 7"),
        ({"id": ["", *range(1, NUM_ROWS)]}, {"group": "id"}, "group 'id' is missing in row 1"),
        ({}, {"time": "color"}, "time 'color' holds cells such as 'red'"),
        ({"size": ["inf", *range(1, NUM_ROWS)]}, {}, "'size' holds numbers that are infinite or beyond"),
        ({"size": ["much", *range(1, NUM_ROWS)]}, {}, "'size' holds 'much' in row 1, which is not a number"),
    ],
)
def test_bad_tables_are_refused_and_the_last_good_ones_stay(
    tmp_path: Path, rows: pd.DataFrame, changes: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    good = config_for(tmp_path, rows)
    collect.main(good)
    before = contents(good)
    with pytest.raises(InputError, match=message):
        collect.main(config_for(tmp_path, rows.assign(**changes), **settings))
    assert contents(good) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,y\n", "has a header but no rows"),
        ("a,y\n1,2\n", "has 1 usable row;"),
        ("y\n1\n2\n3\n", "no column is left to learn from"),
    ],
)
def test_tables_too_small_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        collect.main(config_for(tmp_path, text))


def test_a_full_disk_leaves_the_last_good_tables(
    tmp_path: Path, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(tmp_path, rows)
    collect.main(config)
    before = contents(config)

    def full(writer: Any, table: Any) -> None:
        del writer, table
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables.pq.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        collect.main(config_for(tmp_path, rows.head(90)))
    assert contents(config) == before


def test_a_killed_stage_leaves_the_last_good_tables(tmp_path: Path, rows: pd.DataFrame) -> None:
    config = config_for(tmp_path, rows)
    collect.main(config)
    before = contents(config)
    package = Path(str(collect.__file__)).parents[1]
    script = f"""
import os, signal, sys
import pandas as pd
from declared import Config
from {package.name} import examples
from {package.name}.data import tables
from {package.name}.stages import collect
examples.read_parts = lambda settings: iter([pd.read_csv(settings.source)])
tables.pq.ParquetWriter.write_table = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
collect.main(Config(source=sys.argv[1], target="y", artifacts=sys.argv[2]))
"""
    command = [sys.executable, "-c", script, config.source, str(config.artifacts)]
    variables = {**os.environ, "PYTHONPATH": str(Path(declared.__file__).parent)}
    ended = subprocess.run(command, cwd=package.parent, env=variables, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert contents(config).items() >= before.items()


@pytest.mark.parametrize("name", ["examples", "training"])
def test_a_folder_with_other_files_is_not_taken_for_artifacts(tmp_path: Path, rows: pd.DataFrame, name: str) -> None:
    config = config_for(tmp_path, rows, artifacts=tmp_path / "mine")
    letter = config.artifacts / name / "logs" / "letter.txt"
    letter.parent.mkdir(parents=True)
    letter.touch()
    with pytest.raises(InputError, match=rf"{name} is a folder that this project did not write"):
        collect.main(config)
    assert letter.exists()
    artifacts.remove(letter.parents[1])
    for _ in range(2):
        collect.main(config)
    assert config.paths.provenance.exists()


@pytest.fixture
def web(rows: pd.DataFrame) -> Iterator[str]:
    """A server that answers every request with a table, but for those of missing.csv; its address with secrets."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "missing" in self.path else 200)
            self.end_headers()
            self.wfile.write(rows.to_csv(index=False).encode())

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://u:CANARY@127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("WEB/table.csv?sig=CANARY", "table.csv?sig=***"),
        ("WEB/missing.csv?sig=CANARY", "missing.csv?sig=***"),
        ("postgresql://u:CAN/CANARY@127.0.0.1:9/db", "postgresql://***@127.0.0.1:9/db"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3DCANARY", "?odbc_connect=***"),
        ("s3://CANARY:CANARY@bucket/a.csv", "s3://***@bucket/a.csv"),
    ],
)
def test_secrets_of_an_address_are_neither_written_nor_printed(
    tmp_path: Path, web: str, address: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "source": address.replace("WEB", web),
        "query": "SELECT 1" if "sql" in address else "",
        "target": "y",
        "artifacts": tmp_path / "artifacts",
    }
    settings |= {"mlflow": "http://u:CANARY@host/", "cell_formats": tmp_path / "cell_formats.json"}
    own = {"key", "group", "time", "ignore", "categorical", "text", "delimiter", "positive", "order"}
    settings |= dict.fromkeys(own & Config.model_fields.keys(), "")  # whatever config.py says
    status = command.main(["collect", *(f"--{setting}={value}" for setting, value in settings.items())])
    assert (status == 0) == ("table.csv" in address)
    printed = "".join(capsys.readouterr())
    assert shown in printed
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "CANARY" not in printed
    assert b"CANARY" not in written
