"""One network for two numbers beside a network for each, on test splits of real tables.

    python tests/benchmarks/several_targets.py --data DIR --venv DIR [--sets diamonds california_housing]

DIR holds the tables by folder, as for quality.py. Seeds 0 to 2 split and train anew; the split of a seed is the same
for all three networks, none of which sees the other number. Prints a Markdown table of the means over the seeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

import pandas as pd
import stages

SEEDS = range(3)
SETS = {
    "diamonds": ("price", "carat"),  # the size of the stone is in x, y and z, too
    "california_housing": ("median_house_value", "median_income"),
    "nycflights13": ("dep_delay", "arr_delay"),
}
ROWS = 20_000  # of the flights
UNKNOWN = ["dep_time", "arr_time", "air_time", "tailnum", "time_hour"]  # before departure


def main() -> None:
    options = stages.options(__doc__, SETS)
    print("| table | number | a network of its own, RMSE | one for both | difference | training, s, each | both |")
    print("|---|---|---|---|---|---|---|")
    for name in options.sets:
        project = stages.bake("tabular-regression", name, options.output)
        source = prepare(options.data / name, project / "data" / "raw" / "table.parquet")
        targets = SETS[name]
        settings = arguments(source, targets, ())
        joint = [stages.judge(project, options.venv, [*settings, f"--seed={seed}"]) for seed in SEEDS]
        for target in targets:
            settings = arguments(source, (target,), set(targets) - {target})
            alone = [stages.judge(project, options.venv, [*settings, f"--seed={seed}"]) for seed in SEEDS]
            errors = mean(each.score("rmse") for each in alone), mean(each.score(f"{target}:rmse") for each in joint)
            seconds = (f"{mean(each.seconds for each in results):.0f}" for results in (alone, joint))
            cells = [f"{error:.4g}" for error in errors] + [f"{errors[1] / errors[0] - 1:+.1%}", *seconds]
            print(f"| {name} | {target} | {' | '.join(cells)} |", flush=True)


def prepare(folder: Path, destination: Path) -> Path:
    """Writes the table, of flights the first ones that were not cancelled."""
    (file,) = folder.glob("*.csv.gz")
    table = pd.read_csv(file)
    if "dep_delay" in table:
        table = table.dropna(subset=["dep_delay", "arr_delay"]).sample(ROWS, random_state=0).drop(columns=UNKNOWN)
    table.to_parquet(destination, index=False)
    return destination


def arguments(source: Path, targets: tuple[str, ...], ignored: Iterable[str]) -> list[str]:
    """The settings of a network for these targets, whose features lack the ignored columns."""
    criteria = {f"{name}:rmse": 1e9 for name in targets[1:]}  # so that the metric of each is in the verdict
    chosen = [f"--source={source}", f"--target={', '.join(targets)}", f"--ignore={json.dumps(list(ignored))}"]
    return [*chosen, f"--criteria={json.dumps(criteria)}"]


if __name__ == "__main__":
    main()
