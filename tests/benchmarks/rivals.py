"""What one would use instead on a table: LightGBM and CatBoost at their defaults, and AutoGluon within a time limit.

    python tests/benchmarks/rivals.py PROJECT TARGET accuracy|rmse [--seconds 100] [--seed 0]

Runs where `pip install "autogluon.tabular[lightgbm,catboost]"` was run, an environment of its own. All learn from the
training split that the project has collected, AutoGluon stops by its validation split, as the project's network does;
the scores are of its test split. Prints them as JSON; AutoGluon is left out with 0 seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("target")
    parser.add_argument("metric", choices=["accuracy", "rmse"])
    parser.add_argument("--ignore", type=json.loads, default=[], help="columns that give the target away, as JSON")
    parser.add_argument("--seconds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    splits = read(options.project / "artifacts" / "examples", options)
    scores = {"LightGBM": light(splits, options), "CatBoost": cat(splits, options)}
    if options.seconds:
        scores["AutoGluon"] = auto(splits, options)
    print(json.dumps(scores))


def read(folder: Path, options: argparse.Namespace) -> dict[str, pd.DataFrame]:
    """The splits of a project, without rows that have no target; columns of text become categories."""
    target = options.target
    names = ("train", "validation", "test")
    splits = {name: pd.read_parquet(folder / f"{name}.parquet").drop(columns=options.ignore) for name in names}
    splits = {name: frame[frame[target].notna()].reset_index(drop=True) for name, frame in splits.items()}
    for column in splits["train"].select_dtypes(["object", "string"]).columns.drop(target, errors="ignore"):
        known = pd.CategoricalDtype(sorted(splits["train"][column].dropna().unique()))
        for frame in splits.values():
            frame[column] = frame[column].astype(known)
    return splits


def score(predicted: np.ndarray, targets: pd.Series, metric: str) -> float:
    """The share of right answers, or the root of the mean squared error."""
    if metric == "accuracy":
        return float(np.mean(np.asarray(predicted).ravel().astype(str) == targets.astype(str)))
    return float(np.sqrt(np.mean((np.asarray(predicted, float).ravel() - targets.astype(float)) ** 2)))


def light(splits: dict[str, pd.DataFrame], options: argparse.Namespace) -> float:
    """LightGBM, which takes categories and gaps as they are."""
    train, test = splits["train"], splits["test"]
    model = (LGBMClassifier if options.metric == "accuracy" else LGBMRegressor)(random_state=options.seed, verbose=-1)
    model.fit(numbers(train.drop(columns=options.target)), train[options.target])
    return score(model.predict(numbers(test.drop(columns=options.target))), test[options.target], options.metric)


def cat(splits: dict[str, pd.DataFrame], options: argparse.Namespace) -> float:
    """CatBoost, for which a category that is missing is one more."""
    train, test = (categories(splits[name].drop(columns=options.target)) for name in ("train", "test"))
    named = [place for place, kind in enumerate(train.dtypes) if pd.api.types.is_object_dtype(kind)]
    kind = CatBoostClassifier if options.metric == "accuracy" else CatBoostRegressor
    model = kind(random_seed=options.seed, verbose=False, allow_writing_files=False, cat_features=named)
    target = splits["train"][options.target]
    model.fit(train, target.astype(str) if options.metric == "accuracy" else target)
    return score(model.predict(test), splits["test"][options.target], options.metric)


def auto(splits: dict[str, pd.DataFrame], options: argparse.Namespace) -> float:
    """AutoGluon's default for its time limit."""
    metric = "accuracy" if options.metric == "accuracy" else "root_mean_squared_error"
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(options.target, eval_metric=metric, path=folder, verbosity=0)
        predictor.fit(splits["train"], tuning_data=splits["validation"], time_limit=options.seconds)
        predicted = predictor.predict(splits["test"].drop(columns=options.target))
    return score(np.asarray(predicted), splits["test"][options.target], options.metric)


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as days and truth values as numbers, the rest as it is; names without signs that LightGBM refuses."""
    changed = frame.copy()
    for column in frame.select_dtypes(["datetime", "datetimetz", "bool", "boolean"]).columns:
        as_numbers = pd.to_numeric(frame[column]).astype("float64")
        changed[column] = as_numbers.where(frame[column].notna())
    return changed.set_axis([f"column_{place}" for place in range(frame.shape[1])], axis=1)


def categories(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with categories as texts."""
    changed = numbers(frame)
    for column in changed.select_dtypes("category").columns:
        changed[column] = changed[column].astype(object).where(changed[column].notna(), "missing").astype(str)
    return changed


if __name__ == "__main__":
    main()
