"""make embed: near-duplicates across splits and outliers, by vectors of a network."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from project.core.errors import InputError
from project.evaluation import vectors
from project.evaluation.vectors import BY_CONTENT, FIRST, SECOND, SIMILARITY
from project.stages import collect, embed
from project.transfer import stored_features

import page_structure
from declared import Config
from pictures import encoded, scene

NUM_SCENES = 60


def test_what_is_unusually_close_or_far_is_found() -> None:
    values = np.random.default_rng(0).normal(size=(300, 16)).astype("float32")
    values[:, 0] += 4
    values[150] = values[7] + 0.01
    values[299] = -values[:150].mean(axis=0)
    splits, contents = np.repeat(["train", "validation", "test"], [150, 120, 30]), np.arange(300)
    found = vectors.compare(Config(), values, splits, contents)
    assert found.repeated[[FIRST, SECOND, BY_CONTENT]].to_numpy().tolist() == [[150, 7, False]]
    assert found.repeated[SIMILARITY].iloc[0] > 0.9999 > found.across[0].limit
    assert (len(found.within.pairs), np.flatnonzero(found.usual < found.lowest).tolist()) == (0, [299])
    assert found.across[1].limit == found.within.limit != found.across[0].limit  # of few test examples, none of its own
    contents[290] = 20
    again = vectors.compare(Config(), values, splits, contents).repeated
    assert again[[FIRST, SECOND, BY_CONTENT]].to_numpy().tolist() == [[150, 7, False], [290, 20, True]]
    least = vectors.compare(Config(near_duplicate=0.1), values, splits, contents)
    assert least.repeated[FIRST].tolist().count(299) == 0
    assert len(least.repeated) == 149


def source(folder: Path) -> str:
    """A table of scenes of which one is once more in the test split, at another quality, and a picture of noise."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype("uint8"))
    files = [encoded(scene(seed), "JPEG", quality=95) for seed in range(NUM_SCENES)]
    files += [encoded(scene(3), "JPEG", quality=60), encoded(noise)]
    splits = ["train"] * 40 + ["validation"] * 10 + ["test"] * 11 + ["train"]
    table = pd.DataFrame(
        {
            "image": [f"data:;base64,{base64.b64encode(file).decode()}" for file in files],
            "kind": [("dear", "cheap")[row % 2] for row in range(len(files))],
            "price": np.arange(len(files)) / 7,
            "split": splits,
        }
    )
    table.to_csv(folder / "table.csv", index=False)
    return str(folder / "table.csv")


def network(folder: Path) -> str:
    """A file with a small network that was not trained."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((96, 96, 3)), keras.layers.Rescaling(1 / 127.5, -1), keras.layers.Conv2D(64, 6, strides=3)]
    keras.Sequential([*layers, keras.layers.ReLU()]).save(folder / "network.keras")
    return str(folder / "network.keras")


@pytest.fixture
def pictured(make_config: Callable[..., Config], tmp_path: Path) -> Config:
    """Settings of a project with a pretrained network, whose examples are collected."""
    config = make_config(source=source(tmp_path), split="split", backbone=network(tmp_path), image_size=32)
    collect.main(config)
    return config


def test_a_picture_that_was_saved_again_and_noise_are_found(
    pictured: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "identities", lambda config, rows: np.arange(len(rows)))  # by meaning alone
    capsys.readouterr()
    embed.main(pictured)
    assert "1 of 21 validation and test examples nearly repeat one of another split" in capsys.readouterr().out
    folder = pictured.artifacts / "embeddings"
    table = pq.read_table(folder / "vectors.parquet")
    assert table.schema.field("vector").type.list_size == 64
    rows = table.drop(["vector"]).to_pandas()
    assert rows["split"].value_counts().to_dict() == {"train": 41, "test": 11, "validation": 10}
    assert rows.index[rows["near_duplicates"].notna()].tolist() == [3, 61]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page_structure.complaints(page) == []
    outliers = page.partition("Examples that are least like others")[2]
    assert re.findall(r"<bdi>(\w+ \d+), ", outliers)[0] == "train 41"
    monkeypatch.setattr(stored_features, "pieces", lambda examples: pytest.fail("a vector was computed again"))
    embed.main(pictured)


def test_without_any_network_it_says_what_to_do(make_config: Callable[..., Config]) -> None:
    config = make_config(backbone="none")
    collect.main(config)
    with pytest.raises(InputError, match=r"no pretrained one \(backbone is none\).*`make train`"):
        embed.main(config)
    (Path(config.source).parent / "nothing").mkdir()
    for name, reason in (("absent", "which is not there"), ("nothing", "which holds no image file")):
        path = str(Path(config.source).parent / name)
        with pytest.raises(InputError, match=f"embed_source is '{path}', {reason}"):
            embed.main(config.model_copy(update={"embed_source": path}))
