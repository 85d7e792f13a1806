"""make collect: reads the source and writes the training, validation and test tables, with provenance."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import examples
from ..config import Config
from ..core import artifacts, staleness
from ..data import cell_formats, loading, reading, splitting, tables, targets
from ..data.provenance import MAX_ROW_NUMBERS, Provenance
from ..data.reading import Gathered, check_content, check_keys
from ..reporting import cards
from ..settings.base import SPLITS, without_password

DUPLICATES = {
    "keep": "each is in the split of its original",
    "drop": "of those that are equal, the first is kept; to keep all, set duplicates to keep",
    "weigh": "of those that are equal, the first is kept and has the weights of all",
}
COUNTS_SHOWN = 10  # rare classes that are named


def main(config: Config) -> None:
    """Reads the source, and the data added since, into the examples tables."""
    check_folder(config)
    provenance = Provenance()
    assemble(config, reading.read(examples, config, reading.collected(config), provenance), provenance)


def check_folder(config: Config) -> None:
    """Refuses a folder of artifacts that holds somebody else's files where the stages write and remove theirs."""
    if config.paths.provenance.exists() or config.paths.stamp("collect").exists():
        return
    for path in (
        config.paths.provenance.parent,
        config.paths.validation,
        config.paths.training,
        config.paths.evaluation,
    ):
        artifacts.check_replaceable(path, "")


def assemble(config: Config, parts: Iterator[reading.Part], provenance: Provenance) -> None:
    """Writes the examples of all sources to the examples tables, all or none."""
    with artifacts.replacing(config.paths.provenance.parent, config.paths.provenance.name) as folder:
        gathered, parts = loading.store(examples, config, folder / "parts", parts)
        reading.gather(config, gathered, parts, provenance)
        splits, replaced, record = decide(config, gathered, provenance)
        write(config, folder, gathered, splits, replaced, record)
        artifacts.remove(folder / "parts")
    print(summary(config, record))
    formats = {name: provenance.formats[name] for name in gathered.columns if name in provenance.formats}
    if cell_formats.save(config, formats):
        print(f"{config.cell_formats}: how the cells of each column are written; review and commit it")


def decide(
    config: Config, gathered: Gathered, provenance: Provenance
) -> tuple[np.ndarray, dict[str, pd.Series], dict[str, Any]]:
    """Checks the examples and assigns them to splits.

    Returns:
        The split of each, (num_examples,) str, empty if it is left out; the columns that are written instead of those
        gathered; and the content of provenance.json.
    """
    table, same = gathered.deciding, gathered.identities
    check_content(config, list(gathered.columns), len(table), gathered.vary)
    if config.key:
        check_keys(config, table[config.key], gathered.contents)
    splits = examples.assign_splits(config, table, same, list(gathered.sizes.values()))
    replaced: dict[str, pd.Series] = {}
    duplicates = decide_duplicates(config, gathered, splits, replaced, provenance)
    own = (config.source, config.validation_source, config.test_source)
    num_first = sum(size for source, size in gathered.sizes.items() if source in own)
    decide_rare(config, table[config.targets[0]], splits, num_first, replaced, provenance)
    provenance.notes += examples.check_splits(config, lambda split: gathered.rows(splits == split))
    table = table.assign(**replaced)
    values = {split: table.loc[splits == split, config.target_columns] for split in SPLITS}
    if config.sample_weight:
        reading.check_split_weights(
            config, {split: table.loc[splits == split, config.sample_weight] for split in SPLITS}
        )
    provenance.notes += targets.check_targets(config, values)
    if config.time and num_first < len(table):
        provenance.note(added_periods(table[config.time], splits, num_first))
    is_given = splitting.GIVEN in table
    if is_given:
        provenance.note(given_splits(splitting.read_given(config, table[splitting.GIVEN]), splits, same))
    columns = gathered.columns | {name: str(values.dtype) for name, values in replaced.items()}
    return splits, replaced, describe(config, columns, splits, provenance, splits_given=is_given, duplicates=duplicates)


def given_splits(given: pd.Series, splits: np.ndarray, identities: np.ndarray) -> str:
    """Which splits the source gives, what was drawn, and how many examples of the test split are elsewhere as well."""
    drawn = [split for split in SPLITS if split not in set(given)]
    note = "the source gives the splits"
    if drawn:
        note += f", but {' and '.join(drawn)}, drawn from the training examples"
    num_same = np.isin(identities[splits == "test"], identities[np.isin(splits, SPLITS[:2])]).sum()
    if num_same:
        note += f"; {num_same:,} test examples are in another split as well, so that their scores flatter"
    return note


def decide_duplicates(
    config: Config, gathered: Gathered, splits: np.ndarray, replaced: dict[str, pd.Series], provenance: Provenance
) -> int:
    """How many examples repeat another one; what becomes of them is decided by the source, not by updates."""
    numbers = splitting.with_target(config, gathered.deciding, gathered.identities)
    first = slice(gathered.sizes[config.source])
    treatment = splitting.treat_duplicates(config, numbers[first], gathered.identities[first])
    if splitting.GIVEN in gathered.deciding and config.duplicates == "auto":
        treatment = "keep"
    num_duplicates = splitting.count_duplicates(numbers)
    if treatment != "keep" and num_duplicates:
        provenance.count_dropped("repeats another example", num_duplicates, [])
        splits[splitting.are_repeated(numbers, splits)] = ""
    if treatment == "weigh":
        weights = gathered.deciding[config.sample_weight]
        replaced[config.sample_weight] = weights.groupby(numbers).transform("sum")
    if num_duplicates:
        provenance.note(f"{num_duplicates:,} examples repeat another one: {DUPLICATES[treatment]}")
    return num_duplicates


def decide_rare(
    config: Config,
    values: pd.Series,
    splits: np.ndarray,
    num_first: int,
    replaced: dict[str, pd.Series],
    provenance: Provenance,
) -> None:
    """Merges rare classes or leaves their examples out, if a setting says so, and notes how many there are.

    The first examples, those that were not added later, decide, so that an update learns the same classes.
    """
    first, assigned = values.iloc[:num_first], splits[:num_first]
    kept = targets.without_rare(config, values, first[assigned == "train"], first[assigned != ""])
    is_rare = (kept.astype(str) != values.astype(str)) & (splits != "")
    if not is_rare.any():
        return
    counts = values[is_rare].value_counts()
    named = ", ".join(f"{name} ({count})" for name, count in counts.head(COUNTS_SHOWN).items())
    named += f" and {len(counts) - COUNTS_SHOWN:,} more" if len(counts) > COUNTS_SHOWN else ""
    if kept[is_rare].isna().all():
        provenance.count_dropped(f"of a rare class: {named}", int(is_rare.sum()), [])
        splits[is_rare] = ""
    else:
        provenance.note(f"rare classes are merged into {kept[is_rare].iloc[0]!r}: {named}")
        replaced[config.target] = kept


def added_periods(times: pd.Series, splits: np.ndarray, num_first: int) -> str:
    """In which periods the added examples lie: training cannot use those after its own."""
    counts = ", ".join(f"{(splits[num_first:] == split).sum():,} {split}" for split in SPLITS)
    begins = times[splits == "test"].min()
    return (
        f"added examples by split: {counts}; the test period begins at {begins}, and training never uses later "
        "examples: set test_start to a later time to train on newer ones"
    )


def describe(
    config: Config, columns: dict[str, str], splits: np.ndarray, provenance: Provenance, **facts: Any
) -> dict[str, Any]:
    """The content of provenance.json."""
    rows = {split: int((splits == split).sum()) for split in SPLITS}
    return {
        "collected_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sources": provenance.sources,
        "rows_read": sum(rows.values()) + sum(dropped["count"] for dropped in provenance.dropped.values()),
        "rows": rows,
        **facts,
        "dropped": provenance.dropped,
        "columns": columns,
        "settings": {"source": without_password(config.source), **staleness.settings(config, "collect")},
        "notes": provenance.notes,
    }


def write(
    config: Config,
    folder: Path,
    gathered: Gathered,
    splits: np.ndarray,
    replaced: dict[str, pd.Series],
    record: dict[str, Any],
) -> None:
    """Writes the tables, provenance.json and the data card to a folder; some columns are replaced."""
    folder.mkdir(exist_ok=True)
    paths = {split: folder / config.paths.examples(split).name for split in SPLITS}
    with contextlib.ExitStack() as stack:
        writers = {split: stack.enter_context(tables.TableWriter(path)) for split, path in paths.items()}
        start = 0
        for gathered_rows in gathered.tables():
            rows = slice(start, start + gathered_rows.num_rows)
            table = with_columns(gathered_rows, {name: values.iloc[rows] for name, values in replaced.items()})
            for split, writer in writers.items():
                writer.write(table.filter(pa.array(splits[rows] == split)))
            start = rows.stop
    hashes = {split: artifacts.content_hash(path) for split, path in paths.items()}
    artifacts.write_text(folder / cards.NAME, cards.compose(config, record, hashes))
    artifacts.write_json(folder / config.paths.provenance.name, record)


def with_columns(table: pa.Table, replaced: dict[str, pd.Series]) -> pa.Table:
    """A table as it is written: with other values in some of its columns, and without the splits that are given."""
    table = table.drop([splitting.GIVEN]) if splitting.GIVEN in table.column_names else table
    for name, values in replaced.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values, from_pandas=True))
    return table


def summary(config: Config, record: dict[str, Any]) -> str:
    """What was read, left out and written, for the terminal."""
    rows = record["rows"]
    source = without_password(config.source)
    lines = [f"{record['rows_read']:,} rows and {len(record['columns'])} columns read from {source}"]
    for reason, dropped in record["dropped"].items():
        first = ", ".join(map(str, dropped["first_rows"]))
        more = ", ..." if dropped["count"] > MAX_ROW_NUMBERS else ""
        lines.append(f"  left out: {dropped['count']:,} ({reason}{f'; rows {first}{more}' if first else ''})")
    lines += [f"  note: {note}" for note in record["notes"]]
    lines += [f"{config.paths.examples(split)}: {count:,} examples" for split, count in rows.items()]
    return "\n".join([*lines, str(config.paths.provenance)])
