"""What the answers cost at the chosen operating point, beside scikit-learn's TunedThresholdClassifierCV.

    python tests/benchmarks/costs.py --data DIR --venv DIR [--sets heart adult]

DIR holds the tables by folder, as for quality.py; the set heart is the bundled sample. To miss the class that matters
costs 20 and a false alarm 1, or 5 and 1 on the sample. Seeds 0 to 2 split and train anew. Scikit-learn tunes its
threshold over gradient boosting by cross-validation of the training and validation split, and over the probabilities
of the network by the validation split, by which the project chooses as well. Prints a Markdown table of the costs of
a test example, means over the seeds.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean

import quality
import stages

SETS = {"heart": 5, "adult": 20, "chicago_taxi": 20, "nycflights13": 20}  # what a missed one costs
SEEDS = range(3)
COLUMNS = ("most probable class", "network, chosen", "tuned over network", "tuned over gradient boosting")
SCRIPT = """
import json, sys
import numpy as np, pandas as pd
from importlib import import_module
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV
load = lambda name: import_module(f"{sys.argv[1]}.{name}")
estimators, inference, loading, metrics, preprocessing, task = map(
    load, ("data.estimators", "evaluation.inference", "data.loading", "metrics", "preprocessing", "task"))
config = load("core.command").load_settings(load("config").Config, sys.argv[2:])
complete = inference.load_model(config)
target, missed = inference.target_of(complete), config.costs["missed"]
splits = {name: loading.read_examples(config, name) for name in ("train", "validation", "test")}
truth = {name: task.actual(target, split[config.target]) for name, split in splits.items()}
cost = lambda true, answers: float(np.mean(np.where(true == 1, missed * (answers == 0), answers == 1)))
scorer = make_scorer(lambda true, answers: -cost(true, answers))
class Known(ClassifierMixin, BaseEstimator):
    classes_ = np.array([0, 1])
    def __sklearn_is_fitted__(self): return True
    def fit(self, features, targets): return self
    def predict_proba(self, features): return features
    def predict(self, features): return features.argmax(axis=1)
predictions = {name: inference.predict(complete, splits[name]) for name in ("validation", "test")}
seen = {name: each["probabilities"] for name, each in predictions.items()}
over_network = TunedThresholdClassifierCV(Known(), scoring=scorer, cv="prefit", refit=False)
over_network.fit(seen["validation"], truth["validation"])
learned = pd.concat([splits["train"], splits["validation"]])
features, others = preprocessing.simple_features(config, learned, splits["test"])
matrix, evaluation = estimators.encode(features, features), estimators.encode(features, others)
is_empty = np.isfinite(matrix).sum(axis=0) < 100  # gradient boosting fails if a part of a column has no value
matrix[:, is_empty] = evaluation[:, is_empty] = 0
trees = estimators.boosting(HistGradientBoostingClassifier(random_state=0), features)
tuned = TunedThresholdClassifierCV(trees, scoring=scorer, cv=5, random_state=0)
tuned.fit(matrix, np.concatenate([truth["train"], truth["validation"]]))
answers = [seen["test"].argmax(axis=1), metrics.predicted_classes(predictions["test"])]
answers += [over_network.predict(seen["test"]), tuned.predict(evaluation)]
print(json.dumps([cost(truth["test"], np.asarray(each)) for each in answers]))
"""


def main() -> None:
    options = stages.options(__doc__, SETS)
    print(f"| table | missed : false alarm | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 2)}")
    for name in options.sets:
        project = stages.bake("tabular-classification", name, options.output)
        settings = [f"--costs=missed={SETS[name]},false alarm=1"]
        if name in quality.TABLES:
            table = quality.TABLES[name]
            files = sorted((options.data / name).glob(table.files))
            source = quality.prepare(name, files, project / "data" / "raw" / "table.parquet")
            settings += [f"--source={source}", f"--target={table.target}", f"--ignore={json.dumps(table.ignore)}"]
        costs = zip(*(measure(project, options.venv, [*settings, f"--seed={seed}"]) for seed in SEEDS), strict=True)
        print(f"| {name} | {SETS[name]} : 1 | {' | '.join(f'{mean(each):.3f}' for each in costs)} |", flush=True)


def measure(project: Path, venv: Path, settings: list[str]) -> list[float]:
    """The costs of the test examples in the order of COLUMNS."""
    stages.run(project, venv, ("collect", "train"), settings)
    printed = stages.python(project, venv, ["-W", "ignore", "-c", SCRIPT, stages.package(project), *settings])
    costs: list[float] = json.loads(printed.splitlines()[-1])
    return costs


if __name__ == "__main__":
    main()
