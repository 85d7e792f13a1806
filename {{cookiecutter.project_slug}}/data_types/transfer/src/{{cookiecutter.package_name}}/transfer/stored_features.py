"""What a pretrained network makes of examples, on disk by their content: nothing is computed twice."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from ..core import artifacts

ROWS_AT_ONCE = 16  # of padded codes: longer ones do not hold up many others
BYTES_AT_ONCE = 16_000_000  # of images or recordings: what a backbone makes of them takes a hundred times as much


class Features:
    """Features of examples by their content, in a file for each network; without it, they are computed again."""

    def __init__(self, folder: Path, backbone: keras.Model, shape: tuple[int | None, ...]) -> None:
        """Reads what is known of this network, given examples of this shape."""
        weights = hashlib.sha256(f"{shape} {backbone.input_shape} {backbone.compute_dtype}".encode())
        for array in backbone.get_weights():
            weights.update(array.tobytes())
        self.path = folder / f"{weights.hexdigest()[:32]}.npz"
        self.known: dict[bytes, np.ndarray] = {}
        try:
            with np.load(self.path) as arrays:
                self.known = dict(zip((key.tobytes() for key in arrays["keys"]), arrays["features"], strict=True))
        except FileNotFoundError:
            pass
        except Exception as error:  # NumPy and zipfile have many
            print(f"{self.path} is damaged ({type(error).__name__}): features are computed again")
        self.num_read = len(self.known)

    def of(self, examples: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The features of a batch, (batch, features), computed only if one of them is not known."""
        keys = [hashlib.sha256(example.tobytes()).digest() for example in examples]
        if any(key not in self.known for key in keys):
            for rows in pieces(examples):
                values = np.asarray(compute(examples[rows]), "float32")
                self.known.update(zip([keys[row] for row in rows], values, strict=True))
        return np.stack([self.known[key] for key in keys])

    def save(self) -> None:
        """Writes the file if something was added."""
        if len(self.known) > self.num_read:
            keys = np.frombuffer(b"".join(self.known), "uint8").reshape(len(self.known), -1)
            content = io.BytesIO()  # on a full disk, zipfile prints a traceback
            np.savez(content, keys=keys, features=np.stack(list(self.known.values())))
            try:
                with artifacts.replacing(self.path) as temporary:
                    temporary.write_bytes(content.getbuffer())
            except OSError as error:
                print(f"features are not kept for the next time: {self.path} cannot be written ({error.strerror})")
            self.num_read = len(self.known)


def pieces(examples: np.ndarray) -> list[np.ndarray]:
    """The rows that are computed together: as many as BYTES_AT_ONCE holds; padded codes of about the same length.

    Codes are (batch, length), or of several texts (batch, columns, length).
    """
    if examples.dtype != "int32":
        size = max(1, BYTES_AT_ONCE // examples[0].nbytes)
        return np.split(np.arange(len(examples)), range(size, len(examples), size))
    order = np.argsort(np.count_nonzero(examples.reshape(len(examples), -1), axis=1), kind="stable")
    return np.split(order, range(ROWS_AT_ONCE, len(order), ROWS_AT_ONCE))
