"""Made-up pairs of texts, small enough to train on in seconds: words of a made-up language for some English ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from text_examples import UNIQUE, as_examples, labels, logged, sent, spoiled

__all__ = ["UNIQUE", "as_examples", "labels", "logged", "sent", "spoiled"]  # which the tests ask of this module too

COLUMNS = ("source",)
EXPLAINED = "Example translations"  # a heading of the report
SLICED = "source_words"  # a column whose values repeat, or enough of them lie in a range
VARYING = "source_characters"  # a number of the examples
DRIFTS = [  # changes of what clients send, and the rule that fires
    (lambda inputs: inputs.update(source=inputs["source"] | {"source_characters": 900}), "feature drift"),
    (
        lambda inputs: inputs.update(source=inputs["source"] | {"source": f"unheard {inputs['source']['source']}"}),
        "feature drift",
    ),
    (lambda inputs: inputs.update(source={**inputs["source"], "source_words": None}), "missing values"),
]
WORDS = {
    "one": "jeden",
    "two": "dwa",
    "three": "trzy",
    "red": "czerwony",
    "old": "stary",
    "small": "maly",
    "lamp": "lampa",
    "clock": "zegar",
    "house": "dom",
    "and": "i",
    "with": "z",
    "🕰": "🕯",
}


def settings(folder: Path) -> dict[str, Any]:
    """The settings by which the table is read, for a project in a folder."""
    return {
        "learning_rate": 0.005,
        "epochs": 6,
        "patience": 10,
        "batch_size": 16,
        "beam_width": 2,
        "max_pieces": 40,
        "split_fractions": (0.6, 0.2, 0.2),
    }


def make_table(num_examples: int = 640, seed: int = 0) -> pd.DataFrame:
    """Texts of a few words, their translations word by word, and the kind of the text."""
    random = np.random.default_rng(seed)
    sources = [random.choice(list(WORDS), random.integers(2, 7)) for _ in range(num_examples)]
    return pd.DataFrame(
        {
            "source": [" ".join(words) for words in sources],
            "target": [" ".join(WORDS[word] for word in words) for words in sources],
            "kind": ["short" if len(words) < 4 else "long" for words in sources],
        }
    )


def departing(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Such a table that departs from the schema, and the column that does."""
    return table.assign(source=table["source"] * 50), "source_characters"
