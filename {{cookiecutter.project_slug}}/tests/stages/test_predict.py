"""make predict: every row that can be read gets its prediction, in order, through any file format."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from project.core.errors import InputError
from project.data import piecewise
from project.evaluation import inference
from project.stages import predict

import synthetic
from declared import Config


def run(config: Config, source: Path, destination: Path) -> None:
    predict.main(config.model_copy(update={"input": str(source), "output": str(destination)}))


def write(table: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text(table.to_json(orient="records", lines=True, date_format="iso"), encoding="utf-8")
    else:
        table.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return path


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if ".jsonl" in path.name:
        return pd.read_json(path, lines=True)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")


def test_a_folder_is_never_replaced_by_a_table(finished: Config, tmp_path: Path) -> None:
    folder = tmp_path / "out.csv"
    folder.mkdir()
    (folder / "part-0.csv").write_text("theirs", encoding="utf-8")
    with pytest.raises(InputError, match="is a folder"):
        run(finished, write(synthetic.make_table(5, seed=1), tmp_path / "new.csv"), folder)
    assert (folder / "part-0.csv").read_text(encoding="utf-8") == "theirs"


@pytest.fixture(scope="module")
def expected(complete: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    examples = synthetic.as_examples(synthetic.make_table(60, seed=1), tmp_path_factory.mktemp("examples"))
    return inference.predict(complete, examples)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("new.csv", "out.parquet"),
        ("new.csv.gz", "out.csv"),
        ("new.parquet", "out.jsonl"),
        ("new.jsonl", "out.tsv"),
        ("new.tsv", "out.csv.gz"),
        ("new.csv.bz2", "out.jsonl.bz2"),
    ],
)
def test_formats(finished: Config, expected: dict[str, np.ndarray], tmp_path: Path, given: str, wanted: str) -> None:
    table = synthetic.make_table(60, seed=1)
    run(finished, write(table, tmp_path / given), tmp_path / wanted)
    predicted = read(tmp_path / wanted)
    assert list(predicted.columns[: table.shape[1]]) == list(table.columns)
    column = synthetic.COLUMNS[-1]
    assert predicted[column].tolist() == table[column].tolist()
    for name, values in expected.items():
        if values.ndim == 1 and values.dtype.kind == "f":
            np.testing.assert_allclose(predicted[name], values, rtol=1e-4)


def test_pieces_keep_rows_and_order(
    finished: Config, expected: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piecewise, "ROWS", 7)
    run(finished, write(synthetic.make_table(60, seed=1), tmp_path / "new.parquet"), tmp_path / "out.parquet")
    predicted = read(tmp_path / "out.parquet")
    for name, values in expected.items():
        if values.ndim == 1 and values.dtype.kind == "f":
            np.testing.assert_allclose(predicted[name], values, rtol=1e-4)


def test_rows_that_cannot_be_read_are_named(
    finished: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = synthetic.spoiled(synthetic.make_table(5), 3)
    source = write(table, tmp_path / "new.csv")
    lines = source.read_text(encoding="utf-8").splitlines()
    lines[2] = "few"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(finished, source, tmp_path / "out.csv")
    printed = capsys.readouterr().out
    assert "too few or too many cells; row 2" in printed
    assert "predictions left empty; row 4" in printed
    predicted = read(tmp_path / "out.csv")
    assert len(predicted) == 4
    assert predicted.iloc[2, -1:].isna().all()
    pd.testing.assert_frame_equal(predicted[list(table)], read(write(table.drop(index=1), tmp_path / "left.csv")))


def test_a_column_of_the_input_is_not_overwritten(
    finished: Config, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    name = next(name for name, values in expected.items() if values.ndim == 1)
    table = synthetic.make_table(3).assign(**{name: "mine"})
    run(finished, write(table, tmp_path / "new.csv"), tmp_path / "out.csv")
    predicted = read(tmp_path / "out.csv")
    assert predicted[name].tolist() == ["mine"] * 3
    assert not predicted[f"predicted_{name}"].eq("mine").any()


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "new.csv", "no file"),
        ("a,b\n1,2\n", "new.csv", "lacks the columns|no column"),
        ("", "new.csv", "empty"),
        ("x", "new.doc", "csv"),
        ("not parquet", "new.parquet", "cannot be read"),
    ],
)
def test_bad_input_leaves_the_last_output(
    finished: Config, tmp_path: Path, content: str | None, name: str, message: str
) -> None:
    (tmp_path / "out.csv").write_text("before", encoding="utf-8")
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        run(finished, tmp_path / name, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "before"


def test_an_input_of_which_no_row_can_be_predicted_is_refused(finished: Config, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("before", encoding="utf-8")
    source = write(synthetic.spoiled(synthetic.make_table(1), 0), tmp_path / "new.csv")
    with pytest.raises(InputError, match="of whose 1 rows none can be predicted: "):
        run(finished, source, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "before"


def test_without_files_the_command_is_named(finished: Config) -> None:
    with pytest.raises(InputError, match="--input"):
        predict.main(finished)
