"""Which images are nearly the same: copies that were scaled, compressed or brightened, found by a perceptual hash."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

HASH = "perceptual_hash"
SIDE = 32  # pixels of the image whose cosine transform is hashed
WAVES = 16  # of them, along each axis
MAX_DIFFERENT_BITS = 24  # of 256: scaled and compressed copies differ by less, different images by more than 34
BANDS = 16  # parts of a hash, of which near-duplicates share at least one
NEIGHBOURS = 32  # of those that share a part with an image, so many are compared with it
MAX_BRIGHTNESS_DIFFERENCE = 0.15  # tells images of a single colour apart, whose hashes are all the same

BITS = np.array([number.bit_count() for number in range(1 << 16)], "uint8")


def perceptual_hash(grey: npt.NDArray[np.float32]) -> str:
    """The signs of the 256 lowest frequencies of a grey image (height, width), about their median (Zauner 2010)."""
    image = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    waves = dctn(np.asarray(image, "float32"), norm="ortho")[:WAVES, :WAVES].ravel()
    waves[0] = 0  # the brightness
    return np.packbits(waves > np.median(waves)).tobytes().hex()


def first_alike(examples: pd.DataFrame) -> npt.NDArray[np.intp]:
    """For each image the number of the first that is nearly the same, directly or by way of others, (num_examples,)."""
    hashes = np.array([np.frombuffer(bytes.fromhex(text), "uint16") for text in examples[HASH]])  # (num_examples, 16)
    brightness = examples["brightness"].to_numpy("float64")
    pairs = [near_pairs(hashes, brightness, band) for band in range(BANDS)]
    first, second = np.concatenate(pairs, axis=1)
    edges = coo_array((np.ones(len(first), bool), (first, second)), (len(hashes), len(hashes)))
    _, clusters = connected_components(edges, directed=False)
    _, starts = np.unique(clusters, return_index=True)
    return np.asarray(starts[clusters])


def near_pairs(hashes: npt.NDArray[np.uint16], brightness: npt.NDArray[np.float64], band: int) -> npt.NDArray[np.intp]:
    """Pairs of images whose hashes agree in a band and differ in few bits altogether, (2, num_pairs)."""
    order = np.lexsort((*np.roll(hashes, -band, axis=1).T[::-1],))  # by the band, then by the others
    found = [np.zeros((2, 0), np.intp)]
    for distance in range(1, NEIGHBOURS + 1):
        first, second = order[:-distance], order[distance:]
        inside = hashes[first, band] == hashes[second, band]
        if not inside.any():
            break
        first, second = first[inside], second[inside]
        different = BITS[hashes[first] ^ hashes[second]].sum(axis=1, dtype=int)
        is_near = (different <= MAX_DIFFERENT_BITS) & (
            np.abs(brightness[first] - brightness[second]) <= MAX_BRIGHTNESS_DIFFERENCE
        )
        found.append(np.stack([first[is_near], second[is_near]]))
    return np.concatenate(found, axis=1)
