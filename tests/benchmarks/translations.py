"""Scores the default network for translations on the test split, through a generated project's own stages.

    python tests/benchmarks/translations.py --data DIR --venv DIR [--sets sample] [--seed 0] [--output FOLDER]

The sets are the bundled sample and Tatoeba's English and French sentences (DIR/tatoeba_fra_eng/fra.txt.gz). Nothing is
tuned. Prints a Markdown table; beside the network stands a translation memory, which gives the translation of the most
similar training sentence.
"""

from __future__ import annotations

import stages

SETS = {"sample": None, "tatoeba": "tatoeba_fra_eng/fra.txt.gz"}


def main() -> None:
    options = stages.options(__doc__, SETS)
    print("| set | pairs | BLEU | chrF | translation memory, BLEU | training, s |\n|---|---|---|---|---|---|")
    for name in options.sets:
        file = SETS[name]
        source = ["--target=2", "--header=false", f"--source={(options.data / file).resolve()}"] if file else []
        project = stages.bake("translation", name, options.output)
        result = stages.judge(project, options.venv, [*source, f"--seed={options.seed}"])
        memory = result.verdict["baseline"]["translation_memory"]["bleu"]
        scores = f"{result.score('bleu'):.1f} | {result.score('chrf'):.1f} | {memory:.1f}"
        print(f"| {name} | {result.num_examples} | {scores} | {result.seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
