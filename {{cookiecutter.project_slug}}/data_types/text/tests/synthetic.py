"""Made-up texts, small enough to train on in seconds: some words make what they praise dearer."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from text_examples import UNIQUE, as_examples, labels, logged, sent, spoiled

__all__ = ["UNIQUE", "as_examples", "labels", "logged", "sent", "spoiled"]  # which the tests ask of this module too

COLUMNS = ("text",)
EXPLAINED = "Words with the largest effect"  # a heading of the report
SLICED = "characters"  # a column whose values repeat, or enough of them lie in a range
VARYING = "letters"  # a number of the examples
DRIFTS = [  # changes of what clients send, and the rule that fires
    (lambda inputs: inputs.update(text=inputs["text"] | {"characters": 900}), "feature drift"),
    (
        lambda inputs: inputs.update(text=inputs["text"] | {"text": f"unheard {inputs['text']['text']}"}),
        "feature drift",
    ),
    (lambda inputs: inputs.update(text={**inputs["text"], "letters": None}), "missing values"),
]
PRAISE = ("gold", "silver", "rare", "famous", "perfect")
BLAME = ("bent", "rusty", "torn", "stained", "faded")
OTHERS = ("a", "the", "lamp", "clock", "from", "with", "handle", "Vienna", "très", "100", "(big)", "🕰")


def settings(folder: Path) -> dict[str, Any]:
    """The settings by which the table is read, for a project in a folder."""
    return {
        "learning_rate": 0.03,
        "backbone": "none",
        "split_fractions": (0.7, 0.15, 0.15),
    }  # of few examples, enough for validation to have slices


def make_table(num_examples: int = 600, seed: int = 0) -> pd.DataFrame:
    """Texts of a few words, and two targets that depend on them: kind and price."""
    random = np.random.default_rng(seed)
    goodness = random.random(num_examples)
    contents = []
    for good in goodness:
        telling = [random.choice(PRAISE if random.random() < good else BLAME) for _ in range(6)]
        contents.append(" ".join(random.permutation([*telling, *random.choice(OTHERS, random.integers(4, 12))])))
    return pd.DataFrame(
        {
            "text": contents,
            "kind": np.where(goodness > 0.66, "dear", np.where(goodness > 0.33, "fair", "cheap")),
            "price": 20 * goodness + random.normal(0, 0.5, num_examples),
        }
    )


def departing(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Such a table that departs from the schema, and the column that does."""
    return table.assign(text=table["text"] * 50), "characters"
