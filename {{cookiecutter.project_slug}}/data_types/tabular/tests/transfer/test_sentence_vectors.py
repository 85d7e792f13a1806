"""Columns of free text become vectors of a pretrained network, beside their words or in their place."""

from pathlib import Path

import keras_tuner
import numpy as np
import pytest

from project import preprocessing, task
from project.data import batching
from project.model import build_model  # the project's own
from project.settings.training import COMPARED
from project.transfer import sentence_vectors
from project.transfer.fine_tuning import FROZEN, SCRATCH
from project.transfer.sentence_vectors import COMBINED, TOKENS

import problem
import tiny_bert
from declared import Config
from synthetic import make_table
from tiny_bert import WIDTH


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings by which the words of two columns are compared with vectors."""
    folder = tiny_bert.write(tmp_path / "tiny")
    monkeypatch.setattr(sentence_vectors, "find", lambda _: folder)
    ignored = (problem.OTHER_TARGET,)
    return Config(target=problem.TARGET, ignore=ignored, text=("colour",), backbone="auto", artifacts=tmp_path)


def test_texts_are_seen_as_words_as_vectors_or_as_both(config: Config) -> None:
    table = make_table(60).assign(colour=["a gold lamp", "rusty"] * 30)
    preprocessor = preprocessing.build_preprocessor(config, table)
    encoded = batching.run_in_batches(preprocessor, preprocessing.raw_arrays(preprocessor.input, table), 60)
    assert encoded[TOKENS].shape[:2] == (60, 2)  # two columns of texts
    target = task.describe_target(config, table[config.target_columns])
    targets = task.encode(target, table[config.target_columns])[:, None]
    batches = batching.in_order(encoded, targets, size=60)
    other = {**encoded, "texts": encoded["texts"] + 1.0}
    seen = {}
    for choice in (SCRATCH, FROZEN, COMBINED):
        hp = keras_tuner.HyperParameters()
        hp.values = {COMPARED: choice, "members": 4, "units": 64, "blocks": 1}
        model = build_model(hp, config, preprocessor, target, num_steps=2)
        if choice != SCRATCH:
            assert model.get_layer("pooled").output.shape == (None, 2 * WIDTH)
            before = model.get_layer("backbone").get_weights()
            model.fit(batches, callbacks=[], epochs=2, verbose=0)
            after = model.get_layer("backbone").get_weights()
            assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))
        seen[choice] = bool(np.abs(model.predict_on_batch(encoded) - model.predict_on_batch(other)).max() > 0)
    assert seen == {SCRATCH: True, FROZEN: False, COMBINED: True}  # whether words count
    assert len(list((config.artifacts / "features").glob("*.npz"))) == 1  # vectors are computed once
