"""make predict reads cells as collect found them written, whatever rows a table happens to hold."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import finish, small_config

from project.core.errors import InputError
from project.data import loading, piecewise
from project.data.piecewise import Piece
from project.data.provenance import Provenance
from project.settings.base import SPLITS
from project.stages import collect, predict, validate

import synthetic
from declared import Config


def as_germans_write(table: pd.DataFrame) -> pd.DataFrame:
    """A table with decimal commas, points between thousands, and days before months."""
    marks = str.maketrans(",.", ".,")
    numbers = {
        name: [None if pd.isna(number) else f"{number:,.2f}".translate(marks) for number in table[name]]
        for name in ("size", "weight")
    }
    return table.assign(**numbers, made=table["made"].dt.strftime("%d/%m/%Y"))


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    table = synthetic.make_table()
    return table.assign(weight=1_000 * table["weight"])


@pytest.fixture(scope="module")
def german(raw: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project with a schema, whose model is exported, and whose source Germans wrote."""
    folder = tmp_path_factory.mktemp("german")
    as_germans_write(raw).to_csv(folder / "table.csv", index=False, sep=";")
    config = small_config(folder, source=str(folder / "table.csv"))
    collect.main(config)
    validate.main(config)
    return finish(config)


def predicted(config: Config, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The predictions of a table that comes as text."""
    table.to_csv(folder / "new.csv", index=False, sep=";")
    predict.main(config.model_copy(update={"input": str(folder / "new.csv"), "output": str(folder / "out.csv")}))
    return pd.read_csv(folder / "out.csv").drop(columns=list(table.columns))


def predicted_table(config: Config, table: pa.Table, folder: Path) -> pa.Table:
    """The table with its predictions, from Parquet to Parquet."""
    pq.write_table(table, folder / "new.parquet", coerce_timestamps="us")
    files = {"input": str(folder / "new.parquet"), "output": str(folder / "out.parquet")}
    predict.main(config.model_copy(update=files))
    return pq.read_table(folder / "out.parquet")


def test_collect_reads_the_numbers_and_days(german: Config, raw: pd.DataFrame) -> None:
    collected = pd.concat([loading.read_examples(german, split) for split in SPLITS])
    both = collected.merge(raw, on="remark", suffixes=("", " written"))
    assert len(both) == len(raw)
    assert (both["made"] == both["made written"]).all()
    assert (both["weight"] - both["weight written"]).abs().max() < 0.006
    entry = '"weight": {"kind": "number", "decimal": ",", "thousands": ".", "unit": ""}'
    assert entry in german.cell_formats.read_text(encoding="utf-8")


def test_rows_are_predicted_alike_in_any_company(german: Config, raw: pd.DataFrame, tmp_path: Path) -> None:
    is_early = raw["made"].dt.day <= 12
    whole = predicted(german, as_germans_write(raw), tmp_path)
    some = predicted(german, as_germans_write(raw[is_early]), tmp_path)
    assert 50 < len(some) < len(whole) == len(raw)
    name = next(name for name in whole if whole[name].dtype.kind == "f")
    pd.testing.assert_series_equal(some[name], whole.loc[is_early, name].reset_index(drop=True), rtol=1e-5)


def test_a_point_stands_between_thousands_even_if_no_cell_has_a_comma(
    german: Config, raw: pd.DataFrame, tmp_path: Path
) -> None:
    rows = as_germans_write(raw.head(20))
    expected = predicted(german, rows.assign(weight="5000,00"), tmp_path)
    pd.testing.assert_frame_equal(predicted(german, rows.assign(weight="5.000"), tmp_path), expected)


def test_cells_that_do_not_fit_are_named_with_their_row_column_and_value(
    german: Config, raw: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = as_germans_write(raw.head(5)).assign(size="1,5")
    rows.loc[1, "weight"], rows.loc[3, "made"] = "5000.50", "12/31/2020"
    found = predicted(german, rows, tmp_path)
    assert found.iloc[:, -1].isna().tolist() == [False, True, False, True, False]
    printed = capsys.readouterr().out
    assert "column 'weight' holds '5000.50', which is not a number written like 1.234,5" in printed
    assert "column 'made' holds '12/31/2020', which is not a date written like 31/12/2024" in printed
    assert "predictions left empty; row 2" in printed
    assert "predictions left empty; row 4" in printed


@pytest.mark.parametrize("suffix", [".json", ".xlsx", ".tab"])
def test_what_can_be_collected_can_be_predicted(german: Config, raw: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    rows = as_germans_write(raw.head(20))
    expected, path = predicted(german, rows, tmp_path), tmp_path / f"other{suffix}"
    if suffix == ".json":
        rows.to_json(path, orient="records")
    elif suffix == ".xlsx":
        rows.to_excel(path, index=False)
    else:
        rows.to_csv(path, index=False, sep="\t")
    predict.main(german.model_copy(update={"input": str(path), "output": str(tmp_path / "out.csv")}))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv").drop(columns=list(rows.columns)), expected)


def test_many_predictions_are_added_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [str(number) for number in range(150)]
    outputs = {"probabilities": np.arange(300).reshape(2, 150)}
    monkeypatch.setattr(predict, "load_folder", lambda _: (None, {"parts": {"probabilities": names}}))
    monkeypatch.setattr(predict, "predict_rows", lambda *_: (outputs, np.array(["", "unreadable"], object), {}))
    pieces = iter([Piece(pa.table({"size": [1, 2]}), np.array([1, 2]))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = predict.predict_pieces(Config(), Path("1"), Path("new.csv"), pieces, Provenance(), {})
    assert found.shape == (2, 151)
    assert found.columns[-1].to_pylist() == [149, None]
    assert all(column.null_count == 1 for column in found.columns[1:])


def test_categories_that_are_spelled_otherwise_are_told(
    german: Config, raw: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = as_germans_write(raw.head(20).assign(colour=["red", "blue", "Red", "", *["ROT"] * 16]))
    assert predicted(german, rows, tmp_path).notna().all(axis=None)
    known = ", ".join(map(repr, sorted(raw["colour"].dropna().unique())))
    told = f"colour: 17 cells with 'ROT', 'Red', which the model does not know; it knows {known}\n"
    assert told in capsys.readouterr().out
    predicted(german, as_germans_write(raw.head(20)), tmp_path)
    assert "does not know" not in capsys.readouterr().out


def test_columns_in_other_letters_are_named_with_what_they_should_be(
    german: Config, raw: pd.DataFrame, tmp_path: Path
) -> None:
    rows = as_germans_write(raw.head(3)).rename(columns={"size": "Size", "colour": "COLOUR"})
    with pytest.raises(InputError, match=r"; rename 'Size' to 'size', 'COLOUR' to 'colour'$"):
        predicted(german, rows, tmp_path)


def test_columns_that_begin_without_cells_keep_their_type(
    german: Config, raw: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piecewise, "ROWS", 5)
    none_before = raw.index >= 5
    rows = raw.head(20).assign(size=lambda table: table["size"].where(none_before[:20], 1e60))
    table = pa.Table.from_pandas(rows, preserve_index=False)
    late, until = pa.array([None] * 5 + ["late"] * 15), pa.array(["9999-12-31"] * 20).cast(pa.timestamp("us"))
    table = table.append_column("late", late).append_column("until", until)
    found = predicted_table(german, table, tmp_path)
    assert found.select(table.column_names).cast(table.schema).equals(table)
    assert all(column.null_count == 5 for column in found.columns[table.num_columns :])


def test_dates_that_pandas_cannot_hold_are_named_in_every_format(
    german: Config, raw: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = as_germans_write(raw.head(3))
    rows.loc[1, "made"] = "31/12/9999"
    assert predicted(german, rows, tmp_path).iloc[:, -1].isna().tolist() == [False, True, False]
    assert "column 'made' holds '31/12/9999'" in capsys.readouterr().out
    days = pa.array(["2020-01-01", "9999-12-31", None]).cast(pa.timestamp("us"))
    table = pa.Table.from_pandas(raw.head(3).drop(columns="made"), preserve_index=False).append_column("made", days)
    assert predicted_table(german, table, tmp_path).columns[-1].is_null().to_pylist() == [False, True, False]
    assert "column 'made' holds '9999-12-31 00:00:00'" in capsys.readouterr().out
