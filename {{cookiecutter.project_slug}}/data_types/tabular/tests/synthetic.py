"""A made-up table with every kind of column, small enough to train on in seconds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from declared import Config

COLUMNS = ("size", "weight", "colour", "made", "remark")
EXPLAINED = "Permutation feature importance"  # a heading of the report
SLICED = "colour"  # a column whose values repeat, or enough of them lie in a range
VARYING = "weight"  # a number of the examples
UNIQUE = "weight"  # a column whose values differ from example to example
DRIFTS = [  # changes of what clients send, and the rule that fires
    (lambda inputs: inputs.update(weight=inputs["weight"] + 6), "feature drift"),
    (lambda inputs: inputs.update(colour="mauve"), "feature drift"),
    (lambda inputs: inputs.update(size=None), "missing values"),
]


def settings(folder: Path) -> dict[str, Any]:
    """The settings by which the table is read, for a project in a folder."""
    return {"learning_rate": 0.01}


def make_table(num_examples: int = 400, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, a category, a date, a text, and two targets that depend on them: kind and price."""
    random = np.random.default_rng(seed)
    size, weight = random.normal(10, 3, num_examples), random.lognormal(1, 0.5, num_examples)
    colour = random.choice(["red", "green", "blue"], num_examples, p=[0.5, 0.3, 0.2])
    days = random.integers(0, 1_000, num_examples)
    price = 2 * size + 5 * (colour == "red") + np.log(weight) + random.normal(0, 0.5, num_examples)
    words = random.choice(["fine", "old", "bent", "new", "rare"], (num_examples, 6))
    return pd.DataFrame(
        {
            "size": np.where(random.random(num_examples) < 0.05, np.nan, size),
            "weight": weight,
            "colour": pd.Series(colour, dtype=object).mask(random.random(num_examples) < 0.05, None),
            "made": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D"),
            "remark": [" ".join(row) + f" {number}" for number, row in enumerate(words)],
            "kind": np.where(price > 25, "dear", np.where(price > 20, "fair", "cheap")),
            "price": price,
        }
    )


def as_examples(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Such a table as collecting gives it: the same."""
    return table


def departing(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Such a table that departs from the schema, and the column that does."""
    return table.assign(weight=table["weight"] * 1_000), "weight"


def spoiled(table: pd.DataFrame, row: int) -> pd.DataFrame:
    """Such a table with a row that cannot be read."""
    weights = table["weight"].astype(object)
    weights.iloc[row] = "heavy"
    return table.assign(weight=weights)


def sent(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of such a table as clients send them."""
    rows: list[dict[str, Any]] = json.loads(table[list(COLUMNS)].to_json(orient="records", date_format="iso"))
    return rows


def labels(examples: pd.DataFrame, target: str) -> pd.Series:
    """What clients tell of such examples once it is known."""
    return examples[target]


def logged(config: Config, inputs: dict[str, Any], examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Examples as the request log keeps them."""
    table = examples.assign(made=examples["made"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    rows: list[dict[str, Any]] = json.loads(table[list(COLUMNS)].to_json(orient="records", double_precision=15))
    return rows
