"""Scores the default network for translations on the test split, through a generated project's own stages.

    python tests/benchmarks/translations.py --data DIR --venv DIR [--sets tatoeba_30k] [--seed 0] [--output FOLDER]

The sets are the bundled sample, which is synthetic; Tatoeba's English and French sentences
(DIR/tatoeba_fra_eng/fra.txt.gz): 30,000 pairs that are drawn at random, and all; and 20,000 messages of programs, into
a language without spaces: DIR/catalogues holds Debian's packages bash, coreutils, gcc-12-locales, gnucash-common,
krita-l10n and libreoffice-l10n-ja, unpacked by `dpkg -x`. Nothing is tuned. Prints a Markdown table; beside the network
stands a translation memory: the translation of the most similar training sentence.
"""

from __future__ import annotations

import gettext
import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path

import stages

SETS = {
    "sample": (0, 20),
    "tatoeba_30k": (30_000, 20),
    "tatoeba": (1_000_000, 60),
    "messages_ja": (20_000, 20),
}  # pairs, minutes
SHORTEST, LONGEST = 3, 300  # messages, in characters
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
ACCESS_KEY = re.compile(r"\((~|_|&)[A-Z0-9]\)|[_~]")  # by which a menu is reached


def main() -> None:
    options = stages.options(__doc__, SETS)
    print("| set | pairs | BLEU | chrF | memory, BLEU | chrF | training, s |\n|---|---|---|---|---|---|---|")
    for name in options.sets:
        most, minutes = SETS[name]
        project = stages.bake("translation", name, options.output)
        settings = [f"--seed={options.seed}", f"--minutes={minutes}"]
        if most:
            write = write_messages if name == "messages_ja" else write_pairs
            write(options.data, project / "data" / "raw" / "pairs.tsv", most, options.seed)
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


def write_messages(data: Path, path: Path, most: int, seed: int) -> None:
    """Writes some messages of programs with their Japanese translations, drawn at random."""
    found = {
        source: target
        for file in sorted((data / "catalogues").rglob("ja/**/*.mo"))
        for source, target in messages_of(file)
    }
    lines = [f"{source}\t{target}\n" for source, target in sorted(found.items())]
    random.Random(seed).shuffle(lines)  # noqa: S311
    path.write_text("".join(lines[:most]), encoding="utf-8", newline="\n")


def messages_of(catalogue: Path) -> Iterator[tuple[str, str]]:
    """The messages of a gettext catalogue and their translations, in one line each."""
    with catalogue.open("rb") as stream:
        messages = gettext.GNUTranslations(stream)._catalog.items()  # type: ignore[attr-defined]
    for message, translation in messages:
        singular = message[0] if isinstance(message, tuple) else message
        source, target = (
            " ".join(ACCESS_KEY.sub("", text).split()) for text in (singular.split("\4")[-1], translation)
        )
        if SHORTEST <= len(source) <= LONGEST and JAPANESE.search(target):
            yield source, target


if __name__ == "__main__":
    main()
