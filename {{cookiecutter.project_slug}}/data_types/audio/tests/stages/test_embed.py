"""make embed: vectors of recordings by the trained model, of examples and of others."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from project.data import tables
from project.evaluation import inference
from project.settings.base import SPLITS
from project.stages import embed

import page_structure
import synthetic
from declared import Config


def test_each_recording_has_a_vector_of_the_trained_model(trained: Config) -> None:
    embed.main(trained)
    folder = trained.artifacts / "embeddings"
    table = pq.read_table(folder / "vectors.parquet")
    counts = {split: tables.num_examples(trained, split) for split in SPLITS}
    assert table["split"].to_pandas().value_counts().to_dict() == counts
    assert {"file", trained.target, "near_duplicates"} <= {*table.column_names}
    assert table.schema.field("vector").type.list_size > 8
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page_structure.complaints(page) == []
    assert "the trained model, before its head" in page
    assert page.count("<audio ") == page.count('<img src="data:image/png')


def test_recordings_without_labels_get_predictions(trained: Config, tmp_path: Path) -> None:
    table = synthetic.spoiled(synthetic.make_table(8, seed=1)[["audio"]], 3)
    table.to_csv(tmp_path / "new.csv", index=False)
    embed.main(trained.model_copy(update={"embed_source": str(tmp_path / "new.csv")}))
    rows = pq.read_table(trained.artifacts / "embeddings" / "vectors.parquet").to_pandas()
    kept = synthetic.as_examples(table.drop(index=3), tmp_path)
    outputs = inference.predict(inference.load_model(trained), kept)
    expected = next(values for name, values in outputs.items() if name.startswith(("label", "prediction")))
    assert rows["prediction"].tolist() == inference.as_text(np.asarray(expected)).tolist()
    assert set(rows["split"]) == {embed.NEW}
