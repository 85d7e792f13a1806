"""Tables of series for the tests."""

from pathlib import Path
from typing import Any

import pandas as pd

from project import examples

from declared import Config

DAYS = [f"2024-01-{day:02}" for day in range(1, 29)]


def read(folder: Path, table: pd.DataFrame | str, **settings: Any) -> pd.DataFrame:
    """The rows that collecting makes of a table."""
    text = table if isinstance(table, str) else table.to_csv(index=False)
    (folder / "data.csv").write_text(text, encoding="utf-8")
    source = str(folder / "data.csv")
    return examples.read_examples(Config(**{"source": source, "target": "y", "time": "t", **settings}))


def table(times: list[str] | None = None, **columns: Any) -> pd.DataFrame:
    times = DAYS if times is None else times
    return pd.DataFrame({"t": times, "y": [float(number) for number in range(len(times))], **columns})
