"""make predict on many tables at once: each gets its predictions, and none takes another's place."""

import re
from pathlib import Path

import pandas as pd
import pytest

from project.core.errors import InputError, RefusedError
from project.data import piecewise
from project.stages import predict

import synthetic
from declared import Config

NUM_ROWS = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table, and one with another."""
    for seed, name in enumerate(["first.csv", "more/second.csv"]):
        path = tmp_path / "new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        synthetic.make_table(NUM_ROWS, seed=seed).to_csv(path, index=False)
    return tmp_path


def run(config: Config, given: Path, wanted: Path) -> None:
    predict.main(config.model_copy(update={"input": str(given), "output": str(wanted)}))


def test_each_table_is_predicted_as_by_itself(
    finished: Config, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(finished, folder / "new/**/*.csv", folder / "out")
    printed = capsys.readouterr().out
    written = sorted(path.relative_to(folder / "out") for path in (folder / "out").rglob("*.*"))
    assert written == [Path("first.csv"), Path("more/second.csv")]
    num_rows = 0
    for name in written:
        run(finished, folder / "new" / name, folder / "alone.csv")
        assert (folder / "out" / name).read_bytes() == (folder / "alone.csv").read_bytes()
        num_rows += len(pd.read_csv(folder / "alone.csv"))
    assert f"wrote {num_rows} rows" in printed


def test_a_table_that_cannot_be_predicted_does_not_keep_the_others_from_it(finished: Config, folder: Path) -> None:
    (folder / "new/bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"1 of 2 tables(.|\n)*bad\.csv"):
        run(finished, folder / "new/*.csv", folder / "out")
    assert [path.name for path in (folder / "out").iterdir()] == ["first.csv"]


@pytest.mark.parametrize(
    ("given", "wanted", "message"),
    [
        ("new/**/*.csv", "new", "overwrite"),
        ("new/first.csv", "new/first.csv", "also the input"),
        ("new/*.parquet", "out", "matches no file"),
        ("new/*.csv", "out.csv", "give a folder"),
    ],
)
def test_inputs_stay_what_they_are(finished: Config, folder: Path, given: str, wanted: str, message: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.csv")}
    with pytest.raises(InputError, match=re.escape(message)):
        run(finished, folder / given, folder / wanted)
    assert {path: path.read_bytes() for path in folder.rglob("*.csv")} == before


@pytest.mark.parametrize(
    ("name", "kept"),
    [("new.parquet", "new.parquet"), ("new.csv.gz", "new.csv.gz"), ("photo.png", "photo.png.csv"), ("day", "day.csv")],
)
def test_names_of_outputs(name: str, kept: str) -> None:
    assert piecewise.as_output(Path("in", name)) == Path("in", kept)
