"""make predict takes a folder of files or a table of paths, in pieces that fit in memory."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from project import examples, task
from project.data.provenance import Provenance
from project.evaluation import inference
from project.media import media
from project.stages import predict

import synthetic
from declared import Config


def test_a_folder_of_files_is_predicted(finished: Config, complete: keras.Model, tmp_path: Path) -> None:
    table = synthetic.make_table(5, seed=3)
    folder = tmp_path / "new"
    folder.mkdir()
    written = synthetic.as_examples(table, folder)
    (folder / f"broken{Path(written[media.COLUMN][0]).suffix}").write_bytes(b"rubbish")
    predict.main(finished.model_copy(update={"input": str(folder), "output": str(tmp_path / "out.csv")}))
    predicted = pd.read_csv(tmp_path / "out.csv")
    expected = inference.predict(complete, written)
    name, values = next((name, values) for name, values in expected.items() if values.dtype.kind == "f")
    if values.ndim > 1:
        parts = task.output_parts(inference.target_of(complete))
        name, values = f"{name}: {parts[name][0]}", values[:, 0]
    np.testing.assert_allclose(predicted[name].head(5), values, rtol=1e-4)
    assert predicted[name].tail(1).isna().all()


def test_pieces_are_small_and_named_by_the_path_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "PIECE", 2)
    table = synthetic.as_examples(synthetic.make_table(5), tmp_path).rename(columns={media.COLUMN: "where"})
    table.to_csv(tmp_path / "table.csv", index=False)
    pieces = list(examples.read_pieces(Config(), tmp_path / "table.csv", Provenance()))
    assert [piece.table.num_rows for piece in pieces] == [2, 2, 1]
    assert pieces[-1].numbers.tolist() == [5]
    assert pieces[0].table.column(media.COLUMN).to_pylist() == table["where"].head(2).tolist()


def test_files_of_other_kinds_in_a_folder_are_counted(tmp_path: Path) -> None:
    synthetic.as_examples(synthetic.make_table(2), tmp_path)
    (tmp_path / "photo.heic").write_bytes(b"x")
    hidden = tmp_path / ".checkpoints" / f"a{media.SUFFIXES[0]}"
    hidden.parent.mkdir()
    hidden.write_bytes(b"x")
    provenance = Provenance()
    (piece,) = examples.read_pieces(Config(), tmp_path, provenance)
    assert piece.table.num_rows == 2
    assert provenance.dropped == {
        f"no {media.NOUN} file by its suffix": {"count": 1, "first_rows": [str(tmp_path / "photo.heic")]},
        "hidden by a name that begins with . or _": {"count": 1, "first_rows": [str(hidden)]},
    }
