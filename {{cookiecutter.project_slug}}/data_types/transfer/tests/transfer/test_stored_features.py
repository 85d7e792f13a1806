"""Features are computed once for each content and network, and again where the disk fails."""

import errno
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from project.transfer import stored_features
from project.transfer.stored_features import Features


def pixels(num_images: int) -> np.ndarray:
    """Different images (num_images, 16, 16, 3) uint8."""
    one = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    return np.stack([one + number for number in range(num_images)]).astype("uint8")


def network() -> keras.Model:
    """A network with a few weights."""
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3)])


def test_features_are_computed_once_for_each_content(tmp_path: Path) -> None:
    backbone, images = network(), pixels(2)
    first = Features(tmp_path, backbone, (None, 32, 32, 3))
    computed = first.of(images, lambda batch: batch.mean((1, 2)))
    first.save()
    again = Features(tmp_path, backbone, (None, 32, 32, 3))
    np.testing.assert_array_equal(again.of(images[::-1], lambda _: np.zeros(())), computed[::-1])
    backbone.set_weights([array + 1 for array in backbone.get_weights()])
    assert not Features(tmp_path, backbone, (None, 32, 32, 3)).known
    assert not Features(tmp_path, backbone, (None, 64, 64, 3)).known


def test_features_that_cannot_be_kept_or_read_are_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backbone, images = network(), pixels(5)
    monkeypatch.setattr(stored_features, "BYTES_AT_ONCE", 2 * images[0].nbytes)
    sizes: list[int] = []

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def compute(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        means: np.ndarray = batch.mean((1, 2))
        return means

    store = Features(tmp_path / "folder", backbone, (None, 32, 32, 3))
    found = store.of(images, compute)
    np.testing.assert_allclose(found, images.mean((1, 2)), rtol=1e-5)
    assert sizes == [2, 2, 1], "as many as memory is meant for"
    monkeypatch.setattr(Path, "write_bytes", full)
    store.save()
    assert "cannot be written (No space left on device)" in capsys.readouterr().out
    monkeypatch.undo()
    store.path.write_bytes(b"half of it")
    assert not Features(tmp_path / "folder", backbone, (None, 32, 32, 3)).known
    assert "is damaged" in capsys.readouterr().out
