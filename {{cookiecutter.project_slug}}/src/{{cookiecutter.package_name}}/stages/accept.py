"""make accept: evaluates the model on the test split and checks the success criteria."""

from datetime import UTC, datetime
from typing import Any

from .. import baselines, metrics, preprocessing, task
from ..config import Config
from ..core import artifacts
from ..core.errors import RefusedError
from ..data import loading, tables
from ..evaluation import criteria, inference, scoring


def main(config: Config) -> None:
    """From the trained model and the test split to verdict.json and report.html in artifacts/acceptance."""
    identity = inference.identity(config)
    check_data(config, identity)
    previous = artifacts.read_json(config.paths.verdict, "accept") if config.paths.verdict.exists() else {}
    if all(previous.get(name) == value for name, value in identity.items()) and covers(config, previous):
        exam: dict[str, Any] = {name: previous[name] for name in ("looks", "metrics", "baseline")}
        exam["examples"] = previous.get("examples", "all")  # which verdicts of before did not tell
        print("this model has faced the test split before: its scores are compared with the criteria again")
    else:
        is_same_data = previous.get("data") == identity["data"]
        exam = {"looks": 1 + (previous["looks"] if is_same_data else 0), **sit_exam(config)}
    entries = criteria.judge(config, exam["metrics"], exam["baseline"])
    accepted = all(entry["passed"] for entry in entries)
    time = datetime.now(UTC).isoformat(timespec="seconds")
    verdict = {"accepted": accepted, "criteria": entries, **identity, "time": time, **exam}
    looks = times(exam["looks"])
    artifacts.write_json(config.paths.verdict, verdict)
    criteria.write(config, verdict, looks)
    print("\n".join([f"the test split has been looked at {looks}", *criteria.lines(entries)]))
    print(f"wrote {config.paths.verdict.with_name('report.html')} and {config.paths.verdict}")
    if not accepted:
        raise RefusedError(
            "the model is not accepted: improve it, or mend the criteria if they ask for the wrong thing"
        )


def check_data(config: Config, identity: dict[str, str]) -> None:
    """Refuses a model that was trained on other splits: it may have seen the examples that it is to be tested on."""
    trained = artifacts.read_json(config.paths.run, "train")
    if any(trained[name] != value for name, value in identity.items()):
        raise RefusedError("the model was not trained on the present examples: run `make train` first")


def covers(config: Config, previous: dict[str, Any]) -> bool:
    """Whether an earlier exam holds all that the criteria ask for."""
    return set(criteria.named_baselines(config)) <= previous["baseline"].keys()


def sit_exam(config: Config) -> dict[str, Any]:
    """Scores of the model and of the baselines that the criteria name, on the test split."""
    complete = inference.load_model(config)
    target = inference.target_of(complete)
    train, test = loading.read_examples(config, "train"), loading.read_examples(config, "test")
    actual = task.actual(target, test[config.target])
    measured = scoring.intervals(actual, inference.predict(complete, test), config.resamples, config.seed)
    features = preprocessing.simple_features(config, train, test)
    simple = baselines.baseline(
        (features[0], task.actual(target, train[config.target])), features[1], criteria.named_baselines(config)
    )
    return {
        "examples": tables.extent(test),
        "metrics": measured,
        "baseline": {name: metrics.score(actual, predictions) for name, predictions in simple.items()},
    }


def times(count: int) -> str:
    """How often, in words; many looks make the test split a second validation split."""
    if count == 1:
        return "once"
    warning = "; after many looks its scores flatter: collect new data" if count > 10 else ""
    return f"{count} times, by as many models{warning}"
