"""Vectors of examples: the network that makes them, and what lies close together or far from all others."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from .. import preprocessing
from ..config import Config
from ..core.errors import InputError
from ..data import requests
from ..transfer.fine_tuning import POOLED
from ..transfer.stored_features import Features
from . import inference

COMPARED = {"validation": ("train",), "test": ("train", "validation")}  # splits, and those that they must not repeat
NEIGHBOURS = 10  # of an example, that tell how close others usually are
DEVIATIONS = 3.5  # robust standard deviations from the median, beyond which is an outlier (Iglewicz and Hoaglin 1993)
MAD_TO_DEVIATION = 1.4826  # from a median absolute deviation to the standard deviation of a normal distribution
FEWEST = 100  # examples of a split that have a limit of their own
SMALLEST = 0.01  # distance: what is closer may be due to rounding
FIRST, SECOND, SIMILARITY, BY_CONTENT = "first", "second", "similarity", "by_content"  # the columns of pairs

Floats = npt.NDArray[np.floating]


class Embedder(NamedTuple):
    """A network that makes vectors of examples."""

    preprocessor: keras.Model
    """From raw inputs to what `compute` takes."""
    compute: Callable[[dict[str, np.ndarray]], Floats]
    """From encoded examples to vectors (num_examples, width)."""
    origin: str
    """What the vectors are of, for a reader."""
    store: Any = None
    """Where vectors are kept for the next time, if they are."""


def kept(preprocessor: keras.Model, source: str, network: keras.Model, folder: Path, name: str) -> Embedder:
    """The vectors that a pretrained network makes of the encoded `source`, kept in the folder where training does."""
    store = Features(folder / "features", network.get_layer("backbone"), preprocessor.output[source].shape)
    return Embedder(
        preprocessor,
        lambda encoded: store.of(encoded[source], network.predict_on_batch),
        f"the pretrained network {name}",
        store,
    )


class Shown(NamedTuple):
    """Examples that are shown on the page."""

    config: Config
    preprocessor: keras.Model
    rows: pd.DataFrame
    encoded: dict[str, np.ndarray]
    """What the preprocessor makes of them."""


class Group(NamedTuple):
    """Examples that are shown together, by their places among those shown, with a line for each."""

    heading: str
    places: Sequence[int]
    lines: Sequence[str]

    def each(self) -> Iterator[tuple[int, list[str]]]:
        """The places with the lines that belong to them, the heading above the first."""
        for number, (place, line) in enumerate(zip(self.places, self.lines, strict=True)):
            yield place, [line] if number else [self.heading, line]


def trained(config: Config) -> Embedder:
    """The trained model, up to what its head sees.

    Raises:
        InputError: its network has no dense layer.
    """
    model = inference.load_model(config)
    network = model.get_layer("network")
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense | keras.layers.EinsumDense)]
    pooled = [layer for layer in network.layers if layer.name == POOLED]
    if not (dense or pooled):
        raise InputError("the trained network has no dense layer, whose inputs could be the vectors")
    seen = pooled[-1].output if pooled else dense[-1].input
    vectors = keras.Model(network.input, keras.layers.Flatten()(seen))
    return Embedder(model.get_layer("preprocessor"), vectors.predict_on_batch, "the trained model, before its head")


def read(config: Config, names: Sequence[str], rows: pd.DataFrame) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The raw inputs of these names of collected examples, or of rows of `embed_source`, and why each cannot be used.

    The reasons are (num_rows,) str, empty for a row that can be used.
    """
    if not config.embed_source:
        return preprocessing.raw_arrays(dict.fromkeys(names), rows), np.full(len(rows), "", object)
    entries = {name: {"column": name, **requests.limits(config, name, None)} for name in names}
    return preprocessing.parse_arrays(config.model_copy(update={"input": config.embed_source}), entries, rows)


def in_batches(rows: pd.DataFrame, what: str) -> Iterator[pd.DataFrame]:
    """Rows that are read and computed together."""
    size = preprocessing.PREDICTION_BATCH
    for start in tqdm(range(0, len(rows), size), what, unit=" batches", delay=1, disable=None):
        yield rows.iloc[start : start + size]


def embed(config: Config, embedder: Embedder, rows: pd.DataFrame) -> tuple[Floats, np.ndarray]:
    """The vectors of examples, (num_rows, width) float32, and why each cannot be used, (num_rows,) str, or empty."""
    found, reasons = [], []
    for part in in_batches(rows, "computing vectors"):
        arrays, bad = read(config, list(embedder.preprocessor.input), part)
        encoded = embedder.preprocessor.predict_on_batch(arrays)
        found.append(np.asarray(embedder.compute(encoded), "float32"))
        reasons.append(bad)
    if embedder.store:
        embedder.store.save()
    return np.concatenate(found), np.concatenate(reasons)


def predicted(config: Config, rows: pd.DataFrame) -> np.ndarray:
    """What the trained model answers for each row, (num_rows,): its label, or the first number that it predicts."""
    model = inference.load_model(config)
    answers = []
    for part in in_batches(rows, "predicting"):
        outputs = model.predict_on_batch(read(config, list(model.input), part)[0])
        name = next(name for name in outputs if name.startswith(("label", "prediction")))
        answers.append(inference.as_text(outputs[name].reshape(len(part), -1)[:, 0]))
    return np.concatenate(answers)


class Comparison(NamedTuple):
    """Examples beside those that are most like them."""

    name: str
    """Which examples, and with which others they were compared."""
    highest: Floats
    """The cosine similarity of each to the nearest of the others, (num_examples,)."""
    limit: float
    """The similarity from which two are near-duplicates."""
    pairs: pd.DataFrame
    """The near-duplicates, each pair once, the most similar first: rows FIRST and SECOND, SIMILARITY, BY_CONTENT."""


class Compared(NamedTuple):
    """What the similarities of examples tell."""

    within: Comparison
    """All examples with all others; the pairs are of the same split."""
    across: list[Comparison]
    """Validation and test examples with those of the splits that they must not repeat."""
    usual: Floats
    """The mean similarity of each example to the nearest NEIGHBOURS, (num_examples,)."""
    lowest: float
    """The mean similarity below which an example is an outlier."""

    @property
    def repeated(self) -> pd.DataFrame:
        """The pairs of different splits, the most similar first; each FIRST stands in one of them."""
        pairs = [each.pairs for each in self.across]
        return pd.concat(pairs).sort_values(SIMILARITY, ascending=False) if pairs else self.within.pairs.head(0)

    @property
    def pairs(self) -> pd.DataFrame:
        """All pairs, those of different splits first."""
        return pd.concat([self.repeated, self.within.pairs], ignore_index=True)


def compare(config: Config, vectors: Floats, splits: np.ndarray, identities: np.ndarray) -> Compared:
    """Compares vectors (num_examples, width) by their cosine similarity.

    Near-duplicates are unusually close, outliers unusually far: by more than DEVIATIONS robust standard deviations of
    the logarithms of distances. Examples with the same identity are near-duplicates in any case.
    """
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similarity, near = nearest(units, units, min(NEIGHBOURS, len(units) - 1), are_same=True)
    highest, usual = similarity[:, 0], similarity.mean(axis=1)
    limit = limit_of(config, highest)
    within = comparison("all, with all", limit, np.arange(len(units)), near[:, 0], highest, identities)
    is_inside = splits[within.pairs[FIRST]] == splits[within.pairs[SECOND]]
    across = []
    for split, others in COMPARED.items():
        rows, known = np.flatnonzero(splits == split), np.flatnonzero(np.isin(splits, others))
        if len(rows) and len(known):
            second = counterparts(units, identities, rows, known)
            highest_there = np.einsum("nw,nw->n", units[rows], units[second])
            own = limit_of(config, highest_there) if len(rows) >= FEWEST else limit
            name = f"{split}, with {' and '.join(others)}"
            across.append(comparison(name, own, rows, second, highest_there, identities))
    lowest = as_similarity(unusual(as_distance(usual), DEVIATIONS))
    return Compared(within._replace(pairs=within.pairs[is_inside]), across, usual, lowest)


def limit_of(config: Config, highest: Floats) -> float:
    """The similarity from which two examples are near-duplicates, by what is usual for nearest ones."""
    return config.near_duplicate or as_similarity(unusual(as_distance(highest), -DEVIATIONS))


def counterparts(
    units: Floats, identities: np.ndarray, rows: npt.NDArray[np.intp], known: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """For each row the one of `known` that has the same identity or, if there is none, is the most similar."""
    _, places = nearest(units[rows], units[known], 1)
    same = pd.Series(known, identities[known])
    copies = same[~same.index.duplicated()].reindex(identities[rows]).to_numpy("float64")
    return np.where(np.isnan(copies), known[places[:, 0]], copies).astype(int)


def comparison(
    name: str, limit: float, first: np.ndarray, second: np.ndarray, similarity: Floats, identities: np.ndarray
) -> Comparison:
    """Which of pairs of rows, each (num_examples,), are near-duplicates."""
    same = identities[first] == identities[second]
    pairs = pd.DataFrame({FIRST: first, SECOND: second, SIMILARITY: similarity, BY_CONTENT: same})
    pairs = pairs[(similarity >= limit) | same]
    is_again = pd.DataFrame(np.sort(pairs[[FIRST, SECOND]].to_numpy(), axis=1)).duplicated().to_numpy()
    return Comparison(name, similarity, limit, pairs[~is_again].sort_values(SIMILARITY, ascending=False))


def as_distance(similarity: Floats) -> Floats:
    """The distance of vectors of length 1, which tells large similarities better apart; at least SMALLEST."""
    return np.sqrt(np.maximum(2 - 2 * similarity, SMALLEST**2))


def as_similarity(distance: float) -> float:
    """The cosine similarity of vectors of length 1 at a distance."""
    return 1 - distance**2 / 2


def unusual(distances: Floats, deviations: float) -> float:
    """The distance that so many robust standard deviations lie beyond the median, both of logarithms."""
    logarithms = np.log(distances)
    middle = np.median(logarithms)
    return float(np.exp(middle + deviations * MAD_TO_DEVIATION * np.median(np.abs(logarithms - middle))))


def nearest(units: Floats, others: Floats, count: int, are_same: bool = False) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The cosine similarity to the nearest of `others`, and their rows, the most similar first: (num_rows, count).

    If the others are the same rows, none is its own neighbour.
    """
    distances, rows = NearestNeighbors(n_neighbors=count).fit(others).kneighbors(None if are_same else units)
    return 1 - distances**2 / 2, rows


def numbered(pairs: pd.DataFrame, num_rows: int) -> pd.Series:
    """A number for each row that is in a pair, the same for all that pairs connect; missing for others."""
    ends = (pairs[FIRST].to_numpy(int), pairs[SECOND].to_numpy(int))
    edges = coo_array((np.ones(len(pairs), bool), ends), (num_rows, num_rows))
    clusters = pd.Series(connected_components(edges, directed=False)[1], dtype="Int64")
    numbers = clusters.where(clusters.duplicated(keep=False))
    return pd.Series(pd.factorize(numbers)[0] + 1, dtype="Int64").where(numbers.notna())


def project(config: Config, vectors: Floats) -> tuple[Floats, str]:
    """The vectors on a map, (num_examples, 2), and by what it is drawn: UMAP if it is installed, else PCA."""
    if not importlib.util.find_spec("umap"):  # which is not among the dependencies
        return PCA(2, random_state=config.seed).fit_transform(vectors), "PCA"
    umap = importlib.import_module("umap")
    return umap.UMAP(metric="cosine", random_state=config.seed).fit_transform(vectors), "UMAP"
