"""Whether the sets of possible classes hold the true class as often as was asked for, on test splits of real tables.

    python tests/benchmarks/possible_classes.py --data DIR --venv DIR [--sets adult chicago_taxi]

DIR holds the tables by folder, as for quality.py. Seeds 0 to 2 split and train anew. Prints a Markdown table.
"""

from __future__ import annotations

import json
from statistics import mean

import quality
import stages

SETS, SEEDS, ASKED = ("adult", "chicago_taxi"), range(3), 0.95
METRICS = ("coverage", "refer_rate", "risk")


def main() -> None:
    options = stages.options(__doc__, SETS)
    print("| table | asked for | covered, by seed | referred | error among the answered | error of all |")
    print("|---|---|---|---|---|---|")
    for name in options.sets:
        table = quality.TABLES[name]
        project = stages.bake(f"tabular-{table.task}", name, options.output)
        files = sorted((options.data / name).glob(table.files))
        source = quality.prepare(name, files, project / "data" / "raw" / "table.parquet")
        arguments = [f"--source={source}", f"--target={table.target}", f"--ignore={json.dumps(table.ignore)}"]
        arguments += [f"--refer=coverage >= {ASKED}"]
        found = [stages.judge(project, options.venv, [*arguments, f"--seed={seed}"]) for seed in SEEDS]
        coverage, referred, risk = ([each.score(metric) for each in found] for metric in METRICS)
        errors = [1 - each.score("accuracy") for each in found]
        cells = [f"{ASKED:.0%}", ", ".join(f"{each:.1%}" for each in coverage)]
        cells += [f"{mean(each):.1%}" for each in (referred, risk, errors)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
