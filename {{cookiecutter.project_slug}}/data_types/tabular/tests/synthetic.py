"""A made-up table with every kind of column, small enough to train on in seconds."""

from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ("size", "weight", "colour", "made", "remark")
SMALL_NETWORK = {"members": 4, "units": 64, "blocks": 1}  # hyperparameters with which training takes a second


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


def write_source(folder: Path, num_examples: int = 400, seed: int = 0) -> str:
    """Writes the table as a CSV file and gives its path."""
    path = folder / "table.csv"
    make_table(num_examples, seed).to_csv(path, index=False)
    return str(path)
