"""make embed: writes vectors of the examples, and a page with their map, near-duplicates and outliers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import loading, piecewise
from ..data.provenance import Provenance
from ..evaluation import embedding, vectors
from ..evaluation.vectors import FIRST, SECOND, SIMILARITY, Compared, Embedder, Floats, Group, Shown
from ..examples import identities, read_pieces
from ..reporting import plots, report
from ..reporting.report import Banner, Block, Cell, Column, Figure, Interval, Page, Row, Score, Scores, Section, Table
from ..settings.base import SPLITS, without_password

Together: TypeAlias = tuple[Sequence[int], str]  # rows that are shown together, and their heading

FILE = "file"  # the column of names of files
NEW = "new"  # the split of examples that were not collected
SPLIT, ANSWER, NUMBER, VECTOR = "split", "prediction", "near_duplicates", "vector"  # columns of vectors.parquet
LIMIT_NOTE = (
    "Unless the setting `near_duplicate` says otherwise, the limit is where distances are "
    f"{vectors.DEVIATIONS:g} robust standard deviations below the median of nearest ones, on a logarithmic scale. "
    "Where the median is close to 1, examples may come in series, such as frames of a film: then no pair stands out, "
    "and each series should be in one split, by the setting `group`."
)
REMEDY = (
    "look at the pairs, and take one of each out of the source, or give both the same value in the column that the "
    "setting `group` names"
)
FEWEST = 3  # examples that can be compared
NUM_SHOWN = 12  # pairs that are shown, and outliers
MAX_ROWS = 200  # of the table of pairs
MAX_COLOURS = 10  # labels up to which the map tells them apart


def main(config: Config) -> None:
    """From the collected examples, or those of `embed_source`, to artifacts/embeddings."""
    keras.utils.set_random_seed(config.seed)
    rows = read_new(config) if config.embed_source else collected(config)
    embedder = choose(config)
    rows, values = usable(config, rows, *vectors.embed(config, embedder, rows))
    known = np.arange(len(rows)) if config.embed_source else identities(config, rows)
    compared = vectors.compare(config, values, rows[SPLIT].to_numpy(str), known)
    folder = config.artifacts / "embeddings"
    write(folder / "vectors.parquet", described(config, rows, compared), values)
    figures = [similarity_map(config, rows, values), similarities(compared)]
    report.write_page(folder / "report.html", page(config, embedder, rows, compared, figures))
    print(f"{len(values):,} vectors of {values.shape[1]:,} numbers by {embedder.origin}")
    print("; ".join(filter(None, repeats(config, compared))))
    print(f"wrote {folder / 'vectors.parquet'} and {folder / 'report.html'}")


def choose(config: Config) -> Embedder:
    """The pretrained network, if there is one, or else the trained model.

    Raises:
        InputError: there is neither, or not the pretrained network that `backbone` names.
    """
    reason = "backbone is none"
    if config.backbone != "none":
        try:
            return embedding.pretrained_network(config, loading.read_examples(config, "train"))
        except InputError as error:
            if config.backbone != "auto":
                raise
            reason = str(error)
    if not config.paths.model.exists():
        message = f"there is no network to make vectors with: no pretrained one ({reason})"
        raise InputError(f"{message}, and no trained one: run `make train`, or set backbone to auto")
    print(f"no pretrained network: {reason}")
    return vectors.trained(config)


def collected(config: Config) -> pd.DataFrame:
    """The examples of all splits, one below the other, with the column of their split."""
    parts = [loading.read_examples(config, split).assign(**{SPLIT: split}) for split in SPLITS]
    return pd.concat(parts, ignore_index=True)


def read_new(config: Config) -> pd.DataFrame:
    """The rows of `embed_source`, as for `make predict`.

    Raises:
        InputError: it is not there, cannot be read or has no rows.
    """
    source = Path(config.embed_source)
    if not source.exists():
        raise InputError(f"embed_source is {str(source)!r}, which is not there; give a file, a folder or a table")
    provenance = Provenance()
    try:
        pieces = [piece.table for piece in read_pieces(config, source, provenance)]
    except InputError as error:  # which names the setting of `make predict`
        raise InputError(str(error).replace("input is ", "embed_source is ", 1)) from error
    print("".join(f"left out: {each['count']:,} rows ({why})\n" for why, each in provenance.dropped.items()), end="")
    if not pieces:
        raise InputError(f"embed_source is {str(source)!r}, which has no rows")
    return piecewise.to_pandas(pa.concat_tables(pieces)).assign(**{SPLIT: NEW})


def usable(config: Config, rows: pd.DataFrame, values: Floats, reasons: np.ndarray) -> tuple[pd.DataFrame, Floats]:
    """The rows that could be read, with predictions where the source has no labels, and their vectors.

    Raises:
        InputError: there are too few.
    """
    is_used = reasons == ""
    if not is_used.all():
        print(f"left out: {(~is_used).sum():,} rows, such as one whose {reasons[~is_used][0]}")
    if is_used.sum() < FEWEST:
        raise InputError(f"{is_used.sum()} examples can be used; at least {FEWEST} are needed to compare them")
    rows = rows[is_used].reset_index(drop=True)
    if not {*config.targets} <= {*rows.columns} and config.paths.model.exists():
        rows = rows.assign(**{ANSWER: vectors.predicted(config, rows)})
    return rows, values[is_used]


def described(config: Config, rows: pd.DataFrame, compared: Compared) -> pd.DataFrame:
    """What is written beside the vectors: by what examples are known, split, label or prediction, near-duplicates."""
    known = embedding.names(rows)
    beside = [name for name in (config.key, SPLIT, *config.targets, ANSWER) if name in rows and name not in known]
    numbers = vectors.numbered(compared.pairs, len(rows))
    return pd.concat([known, rows[beside]], axis=1).assign(**{NUMBER: numbers})


def write(path: Path, table: pd.DataFrame, values: Floats) -> None:
    """Writes the vectors as lists of fixed size, in the last column."""
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    with artifacts.replacing(path) as temporary:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False).append_column(VECTOR, lists), temporary)


def repeats(config: Config, compared: Compared) -> tuple[str, str]:
    """How many near-duplicates there are, those across splits if there are splits, and what to do about them."""
    if config.embed_source:
        return f"{len(compared.pairs):,} pairs of near-duplicates", ""
    num_compared = sum(len(each.highest) for each in compared.across)
    repeated = compared.repeated
    if not len(repeated):
        return f"none of {num_compared:,} validation and test examples nearly repeats one of another split", ""
    headline = f"{len(repeated):,} of {num_compared:,} validation and test examples nearly repeat one of another split"
    known = f"collecting found {repeated[vectors.BY_CONTENT].sum():,} of them by their content"
    return headline, f"{known}; scores on them flatter: {REMEDY}"


def page(config: Config, embedder: Embedder, rows: pd.DataFrame, compared: Compared, figures: Sequence[Figure]) -> Page:
    """The map, the near-duplicates and the outliers."""
    headline, advice = repeats(config, compared)
    counts = [
        Score("Examples", Interval(len(rows))),
        Score("Pairs of near-duplicates", Interval(len(compared.pairs))),
        Score("Repeated across splits", Interval(len(compared.repeated)), "validation and test examples"),
        Score("Outliers", Interval(int((compared.usual < compared.lowest).sum()))),
    ]
    sections = [
        Section("Summary", [Scores(counts)]),
        Section("Map", figures),
        Section("Near-duplicates", pair_blocks(config, embedder, rows, compared)),
        Section("Outliers", [outliers(config, embedder, rows, compared)]),
    ]
    source = without_password(config.embed_source or config.source)
    facts: dict[str, Cell] = {"Vectors by": embedder.origin, "Source": source, "Target": config.target}
    banner = Banner("bad" if len(compared.repeated) else "neutral", as_sentence(headline), as_sentence(advice, "."))
    return Page("Embeddings", banner, sections, facts)


def as_sentence(text: str, end: str = "") -> str:
    """A text, if there is one, that begins with a capital."""
    return text and text[:1].upper() + text[1:] + end


def similarity_map(config: Config, rows: pd.DataFrame, values: Floats) -> Figure:
    """The examples in two dimensions, coloured by their labels if these are few, else by their splits."""
    places, method = vectors.project(config, values)
    labels = answers(config, rows)
    by, groups = ("label", labels) if 1 < labels.nunique() <= MAX_COLOURS else ("split", rows[SPLIT])
    middles = pd.DataFrame(places).groupby(groups.to_numpy()).median()
    spread = ", ".join(f"{name} at {x:.2g}, {y:.2g}" for name, (x, y) in middles.iterrows())
    return Figure(
        f"Map of the examples by {method}",
        plots.points(places[:, 0], places[:, 1], groups.tolist()),
        f"{len(rows):,} examples by {by}; the medians are {spread}.",
        "What lies close together is similar to the network. The axes have no meaning of their own.",
    )


def similarities(compared: Compared) -> Figure:
    """How similar each example is to the nearest one, with the limit."""
    low, middle, high = np.percentile(compared.within.highest, (5, 50, 95))
    limit = compared.within.limit
    return Figure(
        "Similarity to the nearest example",
        plots.histogram(compared.within.highest, "cosine similarity", level=limit),
        f"The median is {middle:.3f}, nine in ten are {low:.3f} to {high:.3f}; the limit is {limit:.3f}.",
        "From the line on, examples of the same split are near-duplicates.",
    )


def pair_blocks(config: Config, embedder: Embedder, rows: pd.DataFrame, compared: Compared) -> list[Block]:
    """How near-duplicates were told apart, some of them, and a table of more; those across splits first."""
    every = [*compared.across, compared.within]
    limits = Table(
        "Limits",
        ["Examples", Column("Median similarity", ".3f"), Column("Limit", ".3f"), "Pairs"],
        [[each.name, float(np.median(each.highest)), each.limit, len(each.pairs)] for each in every],
        LIMIT_NOTE,
    )
    pairs = compared.pairs.head(MAX_ROWS)
    if not len(pairs):
        return [limits]
    ends, labels = pairs[[FIRST, SECOND]].to_numpy(), answers(config, rows)
    listed: list[Row] = [
        [similarity, *(str(cell) for row in pair for cell in (rows[SPLIT][row], row + 1, labels[row])), by_content]
        for pair, similarity, by_content in zip(
            ends, pairs[SIMILARITY], pairs[vectors.BY_CONTENT].map({True: "yes", False: "no"}), strict=True
        )
    ]
    columns: list[str | Column] = [
        Column("Similarity", ".3f"),
        *(f"{name} {end}" for end in (1, 2) for name in ("Split", "Row", "Label")),
        Column("By content", hint="whether collecting, too, took the two for the same or nearly the same"),
    ]
    note = f" The first {len(listed):,} of {len(compared.pairs):,}." if len(compared.pairs) > len(listed) else ""
    groups = [
        (pair, f"Similarity {similarity:.3f}")
        for pair, similarity in zip(ends[:NUM_SHOWN].tolist(), pairs[SIMILARITY], strict=False)
    ]
    return [
        show(config, embedder, rows, "Pairs, those of different splits first", groups),
        Table("All pairs" if not note else "Pairs", columns, listed, f"Rows are those of vectors.parquet.{note}"),
        limits,
    ]


def outliers(config: Config, embedder: Embedder, rows: pd.DataFrame, compared: Compared) -> Figure:
    """The examples that are least like others."""
    farthest = np.argsort(compared.usual, kind="stable")[:NUM_SHOWN]
    groups = [([row], f"Similarity {compared.usual[row]:.3f}") for row in farthest]
    note = (
        f"The lowest mean similarity to the {vectors.NEIGHBOURS} nearest examples. Its median is "
        f"{np.median(compared.usual):.3f}; below {compared.lowest:.3f}, by the same rule as for near-duplicates, are "
        "outliers. They may be mistakes of the source, or kinds of which there is little."
    )
    return show(config, embedder, rows, "Examples that are least like others", groups, note)


def show(
    config: Config, embedder: Embedder, rows: pd.DataFrame, title: str, groups: Sequence[Together], note: str = ""
) -> Figure:
    """Rows that belong together, under a heading, as pictures, sounds or texts."""
    chosen = [row for members, _ in groups for row in members]
    arrays, _ = vectors.read(config, list(embedder.preprocessor.input), rows.iloc[chosen])
    encoded = embedder.preprocessor.predict_on_batch(arrays)
    places, lines = iter(range(len(chosen))), lines_of(config, rows)
    described = [
        Group(heading, [next(places) for _ in members], lines[members].tolist()) for members, heading in groups
    ]
    return embedding.figure(Shown(config, embedder.preprocessor, rows.iloc[chosen], encoded), title, described, note)


def lines_of(config: Config, rows: pd.DataFrame) -> pd.Series:
    """What is said of each example: its split, its row in vectors.parquet, its label and its file, if it has one."""
    files = embedding.names(rows).get(FILE, pd.Series("", rows.index))
    numbers = (pd.RangeIndex(len(rows)) + 1).astype(str)
    parts = pd.DataFrame({"row": rows[SPLIT] + " " + numbers, "label": answers(config, rows), FILE: files})
    return parts.agg(lambda row: ", ".join(filter(None, row)), axis=1)


def answers(config: Config, rows: pd.DataFrame) -> pd.Series:
    """The label of each example as text, or the prediction where the source has none."""
    columns = [name for name in (*config.targets, ANSWER) if name in rows]
    return rows[columns].astype(str).agg(", ".join, axis=1) if columns else pd.Series("", rows.index)
