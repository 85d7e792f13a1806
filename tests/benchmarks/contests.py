"""Runs one row of table.py in the environment of a generated project, and prints what came out as a line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import growth
import model_contests
import tabular_contests
from contest import MARK, Contestant, Setting, hold

CONTESTS: dict[str, Callable[[Setting], dict[str, Contestant]]] = {
    "collect": tabular_contests.collect,
    "validate": tabular_contests.validate,
    "adapt": tabular_contests.adapt,
    "batches": tabular_contests.input_pipeline,
    "images": model_contests.images,
    "series": model_contests.series,
    "training": tabular_contests.training,
    "tuning": tabular_contests.tuning,
    "evaluate": model_contests.evaluate,
    "export": model_contests.export,
    "predict": model_contests.predict,
    "serve": model_contests.serve,
}


def main() -> None:
    """Holds the contest, or measures the growth along an axis."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=[*CONTESTS, *growth.AXES])
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--repetitions", type=int, required=True)
    options = parser.parse_args()
    setting = Setting(options.project, options.source, options.rows, options.repetitions)
    setting.config()  # goes to the project's folder, and sets up the process as the command line does
    if options.row in growth.AXES:
        result = growth.grow(setting, options.row)
    else:
        result = hold(CONTESTS[options.row](setting), options.repetitions)
    print(f"{MARK}{json.dumps(result)}", flush=True)
    sys.exit()


if __name__ == "__main__":
    main()
