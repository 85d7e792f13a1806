"""Sentence vectors of a tiny BERT: its pieces, its numbers, and a network that learns from them."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from scipy.special import erf

from project import layers, task
from project.core import artifacts
from project.core.errors import InputError
from project.data import batching, loading
from project.evaluation import inference
from project.evaluation.vectors import compare
from project.settings.base import PACKAGE
from project.settings.training import COMPARED
from project.stages import accept, collect, embed, export, train
from project.training import fit
from project.transfer import bert, sentence_vectors
from project.transfer.bert import WordPiece
from project.transfer.depth import Tuned
from project.transfer.fine_tuning import POOLED
from project.transfer.search_space import COMBINED, FINE_TUNED, FROZEN, SCRATCH
from project.transfer.sentence_vectors import HASHES, NAME

import page_structure
import tiny_bert
from declared import Config
from network import targets_of
from tiny_bert import HEADS, LAYERS, PIECES, WIDTH, tensors

SOURCE = Path(bert.__file__).parents[2]


def splits(texts: list[str], length: int = 16, lower: bool = True) -> list[str]:
    """The pieces of each text, in a line."""
    codes = WordPiece(PIECES, length, lower)(tf.constant(texts)).numpy()
    assert codes.shape == (len(texts), length)
    return [" ".join(PIECES[code] for code in row if code) for row in codes]


def test_texts_fall_into_the_pieces_of_bert() -> None:
    expected = {  # as the library `tokenizers` has them
        "Golden, rusty.": "gold ##en , rust ##y .",
        "CR\u00c8ME cre\u0301me": "creme creme",
        "\u4e2d\u6587gold": "\u4e2d \u6587 gold",
        "don't $gold": "don ' t $ gold",
        "\u0439\u0418": "\u0438 ##\u0438",
        "\u200dgo\x00ld\tlamp\u3000lamp\ufffd": "gold lamp lamp",
        "\U0001f570 \U0001f570\ufe0f \U0001f642": "\U0001f570 \U0001f570 [UNK]",
        "goldx lamp": "[UNK] lamp",
        "[PAD] a": "[ [UNK] ] a",
        "a" * 100: " ".join(["a", *["##a"] * 13]),
        "a" * 101: "[UNK]",
        "": "",
        " \n": "",
    }
    assert splits(list(expected)) == [" ".join(["[CLS]", *text.split(), "[SEP]"]) for text in expected.values()]
    assert splits(["Gold gold"], lower=False) == ["[CLS] [UNK] gold [SEP]"]
    assert splits(["gold " * 50], length=8) == ["[CLS] gold gold gold gold gold gold [SEP]"]


def test_a_text_has_the_same_codes_in_any_company() -> None:
    texts = ["rusty lamp", "x" * 10_000, "", "gold " * 300]
    together = splits(texts)
    assert [splits([text])[0] for text in texts] == together


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny network in the layout of Hugging Face."""
    sentence_vectors.find.cache_clear()
    sentence_vectors.read.cache_clear()
    return tiny_bert.write(tmp_path / "tiny")


def by_hand(codes: np.ndarray) -> np.ndarray:
    """The sentence vector of codes (length,), by NumPy."""
    given = tensors()

    def linear(hidden: np.ndarray, name: str) -> np.ndarray:
        return hidden @ given[f"{name}.weight"].T + given[f"{name}.bias"]

    def norm(hidden: np.ndarray, name: str) -> np.ndarray:
        scaled = (hidden - hidden.mean(-1, keepdims=True)) / hidden.std(-1, keepdims=True)
        return scaled * given[f"{name}.weight"] + given[f"{name}.bias"]

    embeddings = [given[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")]
    hidden = norm(embeddings[0][codes] + embeddings[1][: len(codes)] + embeddings[2][0], "embeddings.LayerNorm")
    for name in (f"encoder.layer.{number}." for number in range(LAYERS)):
        parts = [linear(hidden, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
        query, key, value = (part.reshape(len(codes), HEADS, -1).transpose(1, 0, 2) for part in parts)
        shares = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS))
        seen = (shares / shares.sum(-1, keepdims=True)) @ value
        attended = linear(seen.transpose(1, 0, 2).reshape(len(codes), WIDTH), f"{name}attention.output.dense")
        hidden = norm(hidden + attended, f"{name}attention.output.LayerNorm")
        inner = linear(hidden, f"{name}intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        hidden = norm(hidden + linear(inner, f"{name}output.dense"), f"{name}output.LayerNorm")
    mean = hidden.mean(0)
    vector: np.ndarray = mean / np.linalg.norm(mean)
    return vector


def test_vectors_are_those_of_the_formula_whatever_the_padding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, origin = sentence_vectors.load(sentence_vectors.find(str(folder)))
    codes = np.array([[2, 4, 5, 3, 0, 0], [2, 9, 3, 0, 0, 0], [2, 4, 5, 3, 0, 0], [2, 3, 0, 0, 0, 0]], "int32")
    expected = np.stack([by_hand(row[row > 0]) for row in codes])
    np.testing.assert_allclose(network(codes), expected, atol=1e-5)
    monkeypatch.setattr(bert, "CODES_AT_ONCE", 12)  # two of the three different texts, and then one
    in_parts = bert.InParts(network)
    for training in (False, True):
        np.testing.assert_allclose(in_parts(codes, training=training), expected, atol=1e-5)
    columns = codes.reshape(2, 2, 6)  # two texts for each of two examples
    np.testing.assert_allclose(in_parts(columns), expected.reshape(2, -1), atol=1e-5)
    assert in_parts(keras.Input((2, 6), dtype="int32")).shape == (None, 2 * WIDTH)
    assert origin == {
        "name": str(folder),
        "licence": "that of the file",
        "sha256": artifacts.content_hash(folder / sentence_vectors.WEIGHTS),
    }


def test_a_linear_model_of_long_texts_has_its_share_beside_the_vectors(
    folder: Path, finished: Config, complete: keras.Model, tmp_path: Path
) -> None:
    target, train_rows = inference.target_of(complete), loading.read_examples(finished, "train")
    codes = np.array([[1, 3], [2, 0], [2, 3], [1, 0]] * 20, "int32")
    encoded = task.encode(target, train_rows[finished.target_columns])
    targets = targets_of(codes, encoded)
    inputs = {
        name: keras.Input((width,), dtype="int32", name=name)
        for name, width in ((layers.NGRAMS, 2), (sentence_vectors.TOKENS, 4))
    }
    backbone, origin = sentence_vectors.load(sentence_vectors.find(str(folder)))
    output = sentence_vectors.pooled(backbone, inputs[sentence_vectors.TOKENS])
    vectors = sentence_vectors.Vectors(output, keras.Input((WIDTH,), name=POOLED), origin, False, Tuned())
    outputs = task.output_head(keras.layers.RepeatVector(2)(vectors.seen), target)
    beside = layers.BesideLinear(4, outputs.shape[-1], name=layers.LINEAR)
    blended = beside([outputs, inputs[layers.NGRAMS]])
    beside.bag.weigh(np.array([0, 1, 2, 1], "float32"))
    config = finished.model_copy(update={"artifacts": tmp_path})
    model = vectors.network(config, inputs, blended, layers.WithLinear)
    model.compile(keras.optimizers.SGD(0.0), task.loss(target), weighted_metrics=task.metrics(target))
    texts = {layers.NGRAMS: codes, sentence_vectors.TOKENS: np.tile(np.array([[2, 4, 3, 0]], "int32"), (80, 1))}
    batches = batching.in_order(texts, targets, size=32)
    model.fit(batches, validation_data=batches, callbacks=[], verbose=0)  # all texts have the same vector
    assert keras.ops.convert_to_numpy(beside.shares)[1] > 0
    found = model.loss(targets, model(texts))
    beside.shares.assign([1, 0])
    assert float(found) < 0.9 * float(model.loss(targets, model(texts)))


def test_auto_compares_vectors_with_a_network_from_scratch_and_the_export_takes_texts(
    folder: Path, make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sentence_vectors.find(str(folder))
    monkeypatch.setattr(sentence_vectors, "find", lambda _: found)
    monkeypatch.setattr(train, "simplest_of_the_best", lambda *_: 3)  # whichever it is: the last one has all changes
    config = make_config(backbone="auto", epochs=2)
    for stage in (collect, train, accept, export):
        stage.main(config)
    run = artifacts.read_json(config.paths.run, "train")
    rows = {row["name"]: row for row in run["candidates"]}
    assert list(rows) == [SCRATCH, FROZEN, COMBINED, FINE_TUNED]
    assert rows[COMBINED]["num_weights"] > rows[SCRATCH]["num_weights"]
    assert rows[FINE_TUNED]["num_trained"] > rows[COMBINED]["num_trained"]
    assert [row["name"] for row in run["candidates"] if row["chosen"]] == [FINE_TUNED]
    assert run["hyperparameters"][COMPARED] == FINE_TUNED
    assert run["pretrained"]["name"] == str(folder)
    tuned = keras.models.load_model(config.paths.model).get_layer("network").get_layer("backbone").network
    given, name = tensors(), "encoder.layer.0.output.dense"
    for layer, tensor, is_changed in (
        ("embeddings.word_embeddings", given["embeddings.word_embeddings.weight"], False),
        (name, given[f"{name}.weight"].T, True),
    ):
        assert np.array_equal(tuned.get_layer(layer).get_weights()[0], tensor) != is_changed


@pytest.mark.parametrize("network", [FROZEN, COMBINED])
def test_a_network_that_is_not_fine_tuned_stays_as_it_is(
    folder: Path, make_config: Callable[..., Config], network: str
) -> None:
    config = make_config(backbone=str(folder), epochs=2)
    collect.main(config)
    artifacts.write_json(config.paths.best_hyperparameters, {"values": {COMPARED: network}, **fit.found_for(config)})
    train.main(config)
    trained = keras.models.load_model(config.paths.model).get_layer("network").get_layer("backbone")
    loaded, _ = sentence_vectors.load(sentence_vectors.find(str(folder)))
    for kept, given in zip(trained.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, given)


def test_vectors_of_a_table_tell_which_texts_are_the_same(
    folder: Path, make_config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect.main(make_config())
    random = np.random.default_rng(0)
    words = ["gold", "golden", "rusty", "lamp", "creme", "strasse"]
    contents = [" ".join(random.choice(words, 6)) for _ in range(60)]
    contents += [contents[4].upper(), ""]
    pd.DataFrame({"text": contents}).to_csv(tmp_path / "new.csv")
    config = make_config(backbone=str(folder), embed_source=str(tmp_path / "new.csv"), near_duplicate=0.999999)
    capsys.readouterr()
    embed.main(config)
    assert "left out: 1 rows, such as one whose column 'text' has no text" in capsys.readouterr().out
    rows = pq.read_table(config.artifacts / "embeddings" / "vectors.parquet").to_pandas()
    assert (rows["text"].tolist(), set(rows["split"])) == (contents[:-1], {embed.NEW})
    assert rows.index[rows["near_duplicates"] == rows["near_duplicates"][4]].tolist() == [4, 60]
    codes = WordPiece(PIECES, 32)(tf.constant(contents[4:5])).numpy()[0]
    vector = rows["vector"][4] / np.linalg.norm(rows["vector"][4])
    np.testing.assert_allclose(vector, by_hand(codes[codes > 0]), atol=1e-5)
    page = (config.artifacts / "embeddings" / "report.html").read_text(encoding="utf-8")
    assert page_structure.complaints(page) == []


def test_whoever_loads_a_trained_model_knows_its_layers(tmp_path: Path) -> None:
    texts = keras.Input((), dtype="string")
    keras.Model(texts, WordPiece(PIECES, 3)(texts)).save(tmp_path / "model.keras")
    load = f"read_model(pathlib.Path({str(tmp_path / 'model.keras')!r}), 'train')(tf.constant(['gold']))"
    code = f"import pathlib, tensorflow as tf; from {PACKAGE}.evaluation.inference import *; print({load}.numpy())"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[[2 4 3]]"


def test_without_weights_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("URL fetch failure: no network")

    sentence_vectors.find.cache_clear()
    monkeypatch.setattr(sentence_vectors.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(keras.utils, "get_file", offline)
    given = pd.DataFrame({"text": ["gold"]}), [keras.Input((), dtype="string")], ["gold"]
    assert sentence_vectors.tokens(Config(backbone="auto"), *given) == {}
    assert f"training from scratch only: {NAME} cannot be downloaded (URL fetch" in capsys.readouterr().out
    for name, reason in ((NAME, r"no network.* install the group"), ("nowhere", r"'nowhere'; give all-MiniLM")):
        with pytest.raises(InputError, match=reason):
            sentence_vectors.tokens(Config(backbone=name), *given)


def test_files_of_another_network_are_refused(folder: Path) -> None:
    for file, content, reason in (
        (sentence_vectors.WEIGHTS, b"half", r"the network in .* cannot be read \(.*; get the files again"),
        (sentence_vectors.CONFIG, b'{"model_type": "roberta"}', "of type roberta, not bert"),
        (sentence_vectors.TOKENIZER, b"{", r"tokenizer.json cannot be read \(JSONDecodeError"),
    ):
        (folder / file).write_bytes(content)
        sentence_vectors.read.cache_clear()
        with pytest.raises(InputError, match=reason):
            sentence_vectors.load(folder) if file != sentence_vectors.TOKENIZER else sentence_vectors.vocabulary(folder)


def test_files_are_downloaded_once_and_checked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_vectors.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(sentence_vectors, "ADDRESS", folder.as_uri())
    monkeypatch.setattr(keras.utils, "get_file", partial(keras.utils.get_file, cache_dir=tmp_path))
    for file in HASHES:
        monkeypatch.setitem(HASHES, file, artifacts.content_hash(folder / file))
    found = sentence_vectors.find(NAME)
    assert sentence_vectors.vocabulary(found) == (PIECES, True)
    assert sentence_vectors.load(found)[1]["licence"] == "Apache-2.0"
    assert sentence_vectors.read.cache_info().misses == 1, "the weights are large"
    (folder / sentence_vectors.TOKENIZER).unlink()
    sentence_vectors.find.cache_clear()
    assert sentence_vectors.find(NAME) == found
    monkeypatch.setattr(sentence_vectors, "downloaded", lambda: found)
    (tmp_path / "models" / NAME / sentence_vectors.WEIGHTS).write_bytes(b"half of it")
    sentence_vectors.find.cache_clear()
    sentence_vectors.read.cache_clear()
    with pytest.raises(InputError, match=r"model.safetensors is damaged \(SHA-256"):
        sentence_vectors.find(NAME)


def test_the_wheel_s_network_gives_known_vectors() -> None:
    if not importlib.util.find_spec("all_minilm_l6_v2"):
        pytest.skip("the group `pretrained` is not installed")
    sentence_vectors.find.cache_clear()
    folder = sentence_vectors.find(NAME)
    pieces, lower = sentence_vectors.vocabulary(folder)
    codes = WordPiece(pieces, 32, lower)(tf.constant(["This is an example sentence", "Crème brûlée 中文 🕰"]))
    assert codes.numpy()[0, :7].tolist() == [101, 2023, 2003, 2019, 2742, 6251, 102]
    vectors = sentence_vectors.load(folder)[0](codes)
    np.testing.assert_allclose(vectors[0, :3], [0.0676569, 0.0634959, 0.0487131], atol=1e-4)
    questions = ["Where is my card?", "When will my card arrive?", "Has my card been sent?", "My card was not sent."]
    codes = WordPiece(pieces, 32, lower)(tf.constant([*questions, "Wo ist denn meine Karte geblieben?"]))
    vectors = sentence_vectors.load(folder)[0](codes).numpy()
    found = compare(Config(), vectors, np.repeat("new", len(vectors)), np.arange(len(vectors)))
    assert np.argmin(found.usual) == len(questions), "the text in another language is the least like others"
