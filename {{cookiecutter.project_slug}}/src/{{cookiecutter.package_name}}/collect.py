"""make collect: reads the source into training, validation and test tables without leakage, with provenance."""

import difflib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api import types

from . import additions, artifacts, data_card, splitting, stage, targets
from .config import Config
from .errors import InputError
from .examples import assign_splits, identities
from .paths import SPLITS
from .provenance import MAX_ROW_NUMBERS, Provenance, name_rows, without_password

MIN_EXAMPLES = len(SPLITS)
COLUMNS_SHOWN = 20
ROW_GROUP = 65_536  # rows that a reader of the tables holds in memory at once
DECIDING = {  # settings that decide what the tables hold
    *("source", "query", "target", "key", "group", "time", "split_fractions", "seed", "missing_markers", "encoding"),
    *("delimiter", "header", "max_bad_share", "max_columns", "max_cell", "ignore", "categorical", "text"),
    *("file_column", "name_pattern", "max_pixels", "max_seconds", "unpacked"),
    *("text_column", "source_column", "max_characters"),
    *("further_targets", "series", "known", "static", "frequency", "timezone", "horizon", "context", "season", "gap"),
    *("validation_start", "test_start"),
}


def main(config: Config) -> None:
    """Goes from the source, and what was added to it since, to the examples tables."""
    provenance, collected = Provenance(), [config.source, *additions.taken(config)]
    assemble(config, collected, additions.read(config, collected, provenance), provenance)


def assemble(config: Config, collected: Sequence[str], tables: Sequence[pd.DataFrame], provenance: Provenance) -> None:
    """Goes from the examples of each source to the examples tables."""
    usable = []
    for source, table in zip(collected, tables, strict=True):
        check_columns(config, source, table)
        usable.append(drop_without_target(config, source, table, provenance))
    examples = additions.join(usable)
    check_content(config, examples)
    same = identities(config, examples)
    splits = assign_splits(config, examples, same, [len(table) for table in usable])
    values = {split: examples.loc[splits == split, config.target] for split in SPLITS}
    provenance.notes += targets.check_targets(config, values)
    num_duplicates = splitting.count_duplicates(config, examples, same)
    record = describe(config, examples, splits, provenance, num_duplicates)
    write(config, examples, splits, record)
    print(summary(config, record))


def check_columns(config: Config, source: str, examples: pd.DataFrame) -> None:
    """Refuses settings that name columns which are not there or cannot do their duty."""
    names = [str(name) for name in examples.columns]
    for setting in ("target", "key", "group", "time"):
        name = getattr(config, setting)
        if name and name not in names:
            nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "set it to one of these"
            hint += "" if nearest or not config.header else ", or header to false if these are an example."
            known = ", ".join(names[:COLUMNS_SHOWN]) + (" ..." if len(names) > COLUMNS_SHOWN else "")
            of = named(config, source)
            raise InputError(f"{setting} is {name!r}, which is no column of {of} ({known}); {hint}")
    if not len(examples):
        raise InputError(f"{named(config, source)} has a header but no rows; one row per example is needed")
    for setting in ("key", "group", "time"):
        name = getattr(config, setting)
        missing = row_numbers(examples[name].isna()) if name else []
        if len(missing):
            message = f"{setting} {name!r} is missing in {name_rows(missing)}"
            raise InputError(f"{message}; every example needs one: fill them or choose another column")
    if config.time:
        times = examples[config.time]
        if not types.is_datetime64_any_dtype(times) and not types.is_numeric_dtype(times):
            message = f"time {config.time!r} holds cells such as {times.iloc[0]!r}; dates of one format or numbers"
            raise InputError(f"{message} are needed to sort by: mend them, such as 2024-01-31 or 2024-01-31T12:00:00")


def named(config: Config, source: str) -> str:
    """What messages call a source."""
    return "the source" if source == config.source else source


def drop_without_target(config: Config, source: str, examples: pd.DataFrame, provenance: Provenance) -> pd.DataFrame:
    """Leaves out examples whose target is unknown, since nothing can be learnt from them."""
    is_missing = examples[config.target].isna()
    if is_missing.all():
        message = f"target {config.target!r} is missing in all {len(examples)} rows"
        raise InputError(f"{message}; check `target`, and that missing_markers holds none of its values")
    prefix = "" if source == config.source else f"{source}: "
    provenance.drop(f"{prefix}target {config.target} missing", row_numbers(is_missing))
    return examples[~is_missing].reset_index(drop=True) if is_missing.any() else examples


def check_content(config: Config, examples: pd.DataFrame) -> None:
    """Refuses too few examples, features that tell nothing and keys that stand for several examples."""
    if len(examples) < MIN_EXAMPLES:
        number = "1 usable row" if len(examples) == 1 else f"{len(examples)} usable rows"
        raise InputError(f"the source has {number}; splitting and learning need some hundred: collect more")
    features = [name for name in examples.columns if name not in (config.target, config.key, *config.ignore)]
    if not features:
        raise InputError(
            f"no column is left to learn from: the source has {', '.join(examples.columns)}, of which target, key and "
            f"ignore take all; check `delimiter`, or give a source with more columns"
        )
    if all(len(examples[name].unique()) == 1 for name in features):
        message = f"all features are constant ({', '.join(features[:COLUMNS_SHOWN])})"
        raise InputError(f"{message}; give a source whose columns vary from example to example")
    if config.key:
        distinct = examples[examples[config.key].duplicated(keep=False)].drop_duplicates()
        doubled = distinct.loc[distinct[config.key].duplicated(), config.key].unique()
        if len(doubled):
            raise InputError(
                f"key {config.key!r} has {len(doubled)} values with several different rows, such as {doubled[0]}; a "
                f"key identifies one example: choose another column, or set group to {config.key!r} instead to keep "
                f"its rows together"
            )


def row_numbers(flags: pd.Series) -> list[int]:
    """The rows that are flagged, counted from 1, without the header."""
    return [int(row) for row in np.flatnonzero(flags) + 1]


def describe(
    config: Config, examples: pd.DataFrame, splits: np.ndarray, provenance: Provenance, num_duplicates: int
) -> dict[str, Any]:
    """The content of provenance.json."""
    counts = Counter(splits.tolist())
    return {
        "collected_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sources": provenance.sources,
        "rows_read": len(examples) + sum(dropped["count"] for dropped in provenance.dropped.values()),
        "rows": {split: counts[split] for split in SPLITS},
        "duplicates": num_duplicates,
        "dropped": provenance.dropped,
        "columns": {str(name): str(dtype) for name, dtype in examples.dtypes.items()},
        "settings": {name: value for name, value in config.public().items() if name in DECIDING},
        "notes": provenance.notes,
    }


def write(config: Config, examples: pd.DataFrame, splits: np.ndarray, record: dict[str, Any]) -> None:
    """Writes the tables and their provenance, all or none."""
    table = pa.Table.from_pandas(examples, preserve_index=False)
    table = table.replace_schema_metadata(None)  # else pandas would read nullable types, which NumPy takes for objects
    folder = config.paths.provenance.parent
    with artifacts.replacing(folder) as temporary:
        temporary.mkdir()
        for split in SPLITS:
            pq.write_table(
                table.filter(pa.array(splits == split)),
                temporary / config.paths.examples(split).name,
                row_group_size=ROW_GROUP,
                coerce_timestamps="us",
                allow_truncated_timestamps=True,
            )
        hashes = {split: artifacts.content_hash(temporary / config.paths.examples(split).name) for split in SPLITS}
        artifacts.write_text(temporary / data_card.NAME, data_card.compose(config, record, hashes))
        artifacts.write_json(temporary / config.paths.provenance.name, record)


def summary(config: Config, record: dict[str, Any]) -> str:
    """What a person wants to know at once."""
    rows = record["rows"]
    source = without_password(config.source)
    lines = [f"{record['rows_read']:,} rows and {len(record['columns'])} columns read from {source}"]
    for reason, dropped in record["dropped"].items():
        first = ", ".join(map(str, dropped["first_rows"]))
        more = ", ..." if dropped["count"] > MAX_ROW_NUMBERS else ""
        lines.append(f"  left out: {dropped['count']:,} ({reason}; rows {first}{more})")
    if record["duplicates"]:
        lines.append(f"  {record['duplicates']:,} repeat another row; they stay in its split")
    lines += [f"  note: {note}" for note in record["notes"]]
    lines += [f"{config.paths.examples(split)}: {count:,} examples" for split, count in rows.items()]
    return "\n".join([*lines, str(config.paths.provenance)])


if __name__ == "__main__":
    stage.run(main)
