"""Where the weights of pretrained networks come from: files and downloads, each known by its hash."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import keras

from ..core import artifacts
from ..core.errors import InputError, told

HASH = "#sha256="  # behind an address, as package installers write it
TIMEOUT = 10  # seconds without an answer after which a download is given up


def own_network(name: str) -> tuple[keras.Model, dict[str, str]]:
    """A network without a head, from a file that Keras saved, and what is known of the file."""
    if not Path(name).is_file():
        raise InputError(f"backbone is {name!r}, which is not there; give a .keras file")
    with told(f"backbone is {name!r}, which cannot be loaded", "give a whole .keras file of known layers"):
        network: keras.Model = keras.models.load_model(name, compile=False)
    return network, {"name": name, "licence": "that of the file", **fingerprint(name)}


def downloaded(weights: str) -> str:
    """The path of weights that an address names, which Keras downloads once and keeps; other weights as they are.

    Raises:
        ValueError: the address lacks the SHA-256, or the file is another one or cut off.
    """
    address, _, expected = weights.partition(HASH)
    if "://" not in weights:
        return weights
    if not expected:
        raise ValueError(f"the address does not end in {HASH} and the hash of the file")
    name = f"{expected[:16]}-{Path(urlsplit(address).path).name}"
    options = {"cache_subdir": "models", "file_hash": expected, "hash_algorithm": "sha256"}
    path: str = keras.utils.get_file(name, address, **options)
    return path


@contextmanager
def giving_up() -> Iterator[None]:
    """A download in this block fails after seconds without an answer, not minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def fingerprint(path: str) -> dict[str, str]:
    """The SHA-256 of a file, if it is one."""
    return {"sha256": artifacts.content_hash(Path(path))} if Path(path).is_file() else {}
