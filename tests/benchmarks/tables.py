"""Generated tables, in the environment of a project: python tests/benchmarks/tables.py FILE ROWS writes one."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd


def make_table(num_rows: int, num_numbers: int = 8, num_categories: int = 5, num_classes: int = 2) -> pd.DataFrame:
    """Numbers with gaps, categories, and classes that the first number decides but for noise."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(num_rows, num_numbers))
    order = np.argsort(numbers[:, 0] + random.normal(scale=0.3, size=num_rows)).argsort()
    numbers[random.random(numbers.shape) < 0.01] = np.nan
    table: dict[str, Any] = {f"number_{place}": numbers[:, place].round(6) for place in range(num_numbers)}
    for place in range(num_categories):
        values = np.array([f"value {code}" for code in range(20)], object)
        table[f"category_{place}"] = values[random.integers(0, 20, num_rows)]
    names = np.array([f"class {code}" for code in range(num_classes)], object)
    return pd.DataFrame(table | {"target": names[order * num_classes // num_rows]})


if __name__ == "__main__":
    make_table(int(sys.argv[2])).to_csv(sys.argv[1], index=False)
