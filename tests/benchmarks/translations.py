"""Scores the default network for translations on the test split, through a generated project's own stages.

    python tests/benchmarks/translations.py --data DIR --venv DIR [--sets tatoeba_30k] [--seed 0] [--output FOLDER]

The sets are the bundled sample, which is synthetic, and Tatoeba's English and French sentences
(DIR/tatoeba_fra_eng/fra.txt.gz): 30,000 pairs that are drawn at random, and all. Nothing is tuned. Prints a Markdown
table; beside the network stands a translation memory: the translation of the most similar training sentence.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import stages

SETS = {
    "sample": (0, 20),
    "tatoeba_30k": (30_000, 20),
    "tatoeba": (1_000_000, 60),
}  # pairs, minutes


def main() -> None:
    options = stages.options(__doc__, SETS)
    print("| set | pairs | BLEU | chrF | memory, BLEU | chrF | training, s |\n|---|---|---|---|---|---|---|")
    for name in options.sets:
        most, minutes = SETS[name]
        project = stages.bake("translation", name, options.output)
        settings = [f"--seed={options.seed}", f"--minutes={minutes}"]
        if most:
            write_pairs(options.data, project / "data" / "raw" / "pairs.tsv", most, options.seed)
            settings += ["--target=2", "--header=false", "--source=data/raw/pairs.tsv"]
        result = stages.judge(project, options.venv, settings)
        memory = result.verdict["baseline"]["translation_memory"]
        scores = (
            f"{result.score('bleu'):.1f} | {result.score('chrf'):.1f} | {memory['bleu']:.1f} | {memory['chrf']:.1f}"
        )
        print(f"| {name} | {result.num_examples} | {scores} | {result.seconds:.0f} |", flush=True)


def write_pairs(data: Path, path: Path, most: int, seed: int) -> None:
    """Writes some of Tatoeba's pairs, drawn at random."""
    with gzip.open(data / "tatoeba_fra_eng" / "fra.txt.gz", "rt", encoding="utf-8", newline="\n") as stream:
        lines = stream.readlines()
    random.Random(seed).shuffle(lines)  # noqa: S311
    path.write_text("".join(lines[:most]), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
