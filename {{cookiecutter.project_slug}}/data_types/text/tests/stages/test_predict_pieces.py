"""make predict takes a table with a column of texts, text files or a folder of such, in pieces that fit in memory."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from project import examples, preprocessing, task
from project.core.errors import InputError
from project.data.provenance import Provenance
from project.evaluation import inference
from project.serving import protocol
from project.stages import predict
from project.text import texts

from declared import Config


def pieces(path: Path, **settings: str) -> list[pd.DataFrame]:
    config = Config().model_copy(update=settings)
    return [piece.table.to_pandas() for piece in examples.read_pieces(config, path, Provenance())]


def test_pieces_are_small_and_hold_the_column_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "PIECE", 2)
    reviews = ["a lamp", "a clock", "", "torn", "x" * 2_000_000]
    pd.DataFrame({"id": range(5), "review": reviews}).to_csv(tmp_path / "new.csv", index=False)
    found = pieces(tmp_path / "new.csv")
    assert [len(piece) for piece in found] == [2, 2, 1]
    assert pd.concat(found)[texts.COLUMN].tolist() == pd.concat(found)["review"].tolist() == reviews


def test_the_setting_wins_over_the_name(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a"], "body": ["b"]}).to_csv(tmp_path / "new.csv", index=False)
    assert pieces(tmp_path / "new.csv")[0].to_dict("list") == {"text": ["a"], "body": ["b"]}
    (piece,) = pieces(tmp_path / "new.csv", text_column="body")
    assert piece.to_dict("list") == {"text": ["b"], "body": ["b"]}


def test_several_columns_are_joined_as_in_training(tmp_path: Path) -> None:
    table = pd.DataFrame({"title": ["A lamp", None], "body": ["shines", "No title"]})
    table.to_csv(tmp_path / "new.csv", index=False)
    config = Config(text_column="title, body")
    (piece,) = examples.read_pieces(config, tmp_path / "new.csv", Provenance())
    joined = ["A lamp\n\nshines", "No title"]
    assert piece.table.column(texts.COLUMN).to_pylist() == joined
    inputs = {texts.COLUMN: {"column": texts.COLUMN, "kind": "text", **texts.limits(config)}}
    arrays, reasons = preprocessing.parse_arrays(config, inputs, table)
    assert (arrays[texts.COLUMN].tolist(), reasons.tolist()) == (joined, ["", ""])
    accepted = protocol.RequestFormat(inputs, 9, strict=True)
    for rows in (
        [{"title": "A lamp", "body": "shines"}, {"body": "No title"}],
        [{texts.COLUMN: text} for text in joined],
    ):
        request = protocol.parse_request(json.dumps({"instances": rows}).encode(), accepted)
        assert request.arrays[texts.COLUMN].tolist() == joined


def test_a_table_without_texts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no column of .* holds texts"):
        pieces(tmp_path / "new.csv")


def test_text_files_are_predicted(finished: Config, complete: keras.Model, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for name, content in (("a/1", "gold lamp"), ("2", "rusty"), ("a/empty", ""), (".hidden", "no")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")
    run = finished.model_copy(update={"input": str(folder), "output": str(tmp_path / "out.parquet")})
    predict.main(run)
    predicted = pd.read_parquet(tmp_path / "out.parquet")
    assert [Path(file).name for file in predicted["file"]] == ["2.txt", "1.txt", "empty.txt"]
    table = pd.DataFrame({"text": ["rusty", "gold lamp"]})
    expected = inference.predict(complete, table)
    name, values = next((name, values) for name, values in expected.items() if values.dtype.kind == "f")
    if values.ndim > 1:
        parts = task.output_parts(inference.target_of(complete))
        name, values = f"{name}: {parts[name][0]}", values[:, 0]
    np.testing.assert_allclose(predicted[name].head(2), values, rtol=1e-4)
    assert predicted[name].isna().tolist() == [False, False, True]
    predict.main(run.model_copy(update={"input": str(folder / "2.txt")}))
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 1


@pytest.mark.parametrize("name", ["empty", "gone.txt"])
def test_without_text_files_the_remedy_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no text file"):
        pieces(tmp_path / name)
