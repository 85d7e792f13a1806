"""make accept: evaluates the model on the test split and checks the success criteria."""

import math
from datetime import UTC, datetime
from typing import Any

from ..config import Config
from ..core import artifacts
from ..core.errors import RefusedError
from ..data import tables, targets
from ..evaluation import criteria, inference

MEASURED = ("num_examples", "metrics", "unweighted", "baseline", "gains", "groups")


def main(config: Config) -> None:
    """From the trained model and the test split to verdict.json and report.html in artifacts/acceptance."""
    identity = inference.identity(config)
    check_data(config, identity)
    previous = artifacts.read_json(config.paths.verdict, "accept") if config.paths.verdict.exists() else {}
    if all(previous.get(name) == value for name, value in identity.items()) and covers(config, previous):
        result: dict[str, Any] = {"examples": "all", "intervals": "", "not_finite": 0, "remarks": []}  # if older
        result |= {name: previous[name] for name in (*result, *MEASURED) if name in previous}
        print("this model was evaluated on the test split before: its scores are checked against the criteria again")
    else:
        names = criteria.named_baselines(config)
        result = inference.evaluate_split(config, inference.load_model(config), "test", names).result
    result["test_evaluations"] = criteria.count_evaluation(config, identity, previous)
    entries = criteria.judge(config, result)
    accepted = all(entry["passed"] for entry in entries) and not result["not_finite"]
    time = datetime.now(UTC).isoformat(timespec="seconds")
    verdict = {"accepted": accepted, "criteria": entries, **identity, "time": time, **result}
    artifacts.write_json(config.paths.verdict, verdict)
    criteria.write(config, verdict)
    print("\n".join([criteria.count_sentence(verdict), *criteria.lines(entries), *verdict["remarks"]]))
    print(f"wrote {config.paths.verdict.with_name('report.html')} and {config.paths.verdict}")
    if result["not_finite"]:
        raise RefusedError(
            f"the model is rejected: it predicts NaN or infinity for {result['not_finite']} test examples, so no score "
            "is defined; train it with a lower learning_rate, or look for a division or logarithm in features.py"
        )
    undefined = [entry["metric"] for entry in entries if math.isnan(entry["value"])]
    reason = why_undefined(config) if undefined else ""
    if reason:
        raise RefusedError(f"the model is rejected: {', '.join(undefined)} cannot be computed; {reason}")
    if not accepted:
        raise RefusedError("the model is rejected: improve it, or change the criteria if they ask for the wrong thing")


def why_undefined(config: Config) -> str:
    """Why the test split does not allow a score, if it lacks a class."""
    train, test = (
        tables.read_rows(config, split, [*config.targets])[config.target_columns] for split in ("train", "test")
    )
    return targets.lacking("test", train, test)


def check_data(config: Config, identity: dict[str, str]) -> None:
    """Refuses a model that was trained on other splits: it may have seen the test examples in training."""
    trained = artifacts.read_json(config.paths.run, "train")
    if any(trained[name] != value for name, value in identity.items()):
        raise RefusedError("the model was not trained on the current examples: run `make train` first")


def covers(config: Config, previous: dict[str, Any]) -> bool:
    """Whether an earlier evaluation was weighted alike, and has all that the criteria need."""
    is_alike = ("unweighted" in previous) == bool(config.sample_weight)
    return is_alike and criteria.covered(config, previous)
