"""What stands beside an exported graph: who made it, what it takes, what it gives and how good it was found to be."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from tensorflow_metadata.proto.v0 import schema_pb2

from .. import metrics, preprocessing, task
from ..config import Config
from ..core import artifacts
from ..data import loading, requests
from ..reporting import cards
from ..reporting.report import format_number
from ..settings.base import PROJECT
from ..validation import schema

NAME = "MODEL_CARD.md"
MAX_SLICES = 20
NOT_STATED = "Not stated: say it by the setting `limits`."


def describe(config: Config, complete: keras.Model, identity: dict[str, Any]) -> dict[str, Any]:
    """The content of model.json: what the server, the monitor and people who compare versions go by.

    `inputs` holds for each input of the signature its column, its kind and what the schema allows when serving;
    `example` is a made-up request, `parts` names the entries of outputs that have several.
    """
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    examples = loading.read_examples(config, "train")
    inputs = describe_inputs(config, complete, examples)
    return {
        "name": PROJECT,
        "goal": config.goal,
        "target": config.target,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **identity,
        "metric": config.metric,
        "metrics": verdict["metrics"],
        "inputs": inputs,
        "example": {name: requests.example(entry, examples[entry["column"]]) for name, entry in inputs.items()},
        "parts": task.output_parts(complete.get_layer("decode").target),
    }


def describe_inputs(config: Config, complete: keras.Model, examples: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Each input of the signature: its column, its kind, and what the reviewed schema allows."""
    kinds, features = preprocessing.input_kinds(config, examples), schema_features(config)
    return {
        tensor.name: {
            "column": column,
            "kind": kinds[column],
            **requests.limits(config, kinds[column], features.get(column, schema_pb2.Feature())),
        }
        for column, tensor in complete.input.items()
    }


def schema_features(config: Config) -> dict[str, schema_pb2.Feature]:
    """What the schema says of each column that a client sends; nothing where no schema was written yet."""
    if not config.schema_path.exists():
        return {}
    features = schema.load(config).feature
    return {feature.name: feature for feature in features if "SERVING" not in feature.not_in_environment}


def compose(config: Config, version: int, described: dict[str, Any]) -> str:
    """The card of a version, from its description, the verdict, the training run and the evaluation."""
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    run = artifacts.read_json(config.paths.run, "train")
    provenance = artifacts.read_json(config.paths.provenance, "collect")
    inputs = [[name, entry["kind"], entry["column"]] for name, entry in described["inputs"].items()]
    limits = cards.text(config.limits) if config.limits else NOT_STATED
    return cards.document(
        f"Model card: {described['name']}, version {version}",
        {
            "Model details": [cards.facts(details(run, described, version))],
            "Intended use": [
                cards.text(config.goal),
                f"It predicts {cards.text(config.target)} from:",
                cards.table(["Input", "Kind", "Column"], inputs),
            ],
            "Factors": factors(config, run),
            "Metrics": [metrics_note(config), criteria_table(verdict)],
            "Evaluation data": [
                "The test split, which the model faced when training had ended.",
                cards.facts({"examples": provenance["rows"]["test"], "models that faced it": verdict["looks"]}),
            ],
            "Training data": [
                cards.facts(training_data(config, run, provenance)),
                f"The data card is artifacts/examples/{cards.NAME} of the project.",
            ],
            "Quantitative analyses": [score_table(verdict)],
            "Ethical considerations and limits": [limits],
            "Caveats and recommendations": [
                "The scores hold for data like the test split; `make monitor` tells when requests depart from them.",
                *notes(provenance),
            ],
        },
    )


def details(run: dict[str, Any], described: dict[str, Any], version: int) -> dict[str, object]:
    """Who made it, of what and under which terms."""
    return {
        "version": version,
        "exported at": described["exported_at"],
        "trained at": run["time"],
        "weights": f"{run['num_weights']:,}",
        "hyperparameters": ", ".join(f"{name} {value}" for name, value in run["hyperparameters"].items()),
        "libraries": ", ".join(f"{name} {number}" for name, number in run["versions"].items()),
        "code": run["commit"] or "not in a repository",
        "template": template_version(),
        "model hash": described["model"],
        "licence": licence(),
    }


def training_data(config: Config, run: dict[str, Any], provenance: dict[str, Any]) -> dict[str, object]:
    """How many examples it was learned from, under which terms they are, and by which hash they are known."""
    return {
        "examples": provenance["rows"]["train"],
        "examples to stop and calibrate by": provenance["rows"]["validation"],
        "licence": cards.licence(config),
        "hash": run["data"],
    }


def licence() -> str:
    """The first lines of the project's LICENSE."""
    path = Path("LICENSE")
    lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    return ", ".join([line.strip() for line in lines if line.strip()][:2]) or "none stated"


def template_version() -> str:
    """The version of the template that the project follows, as recorded for updates."""
    try:
        record = json.loads(Path(".cruft.json").read_text(encoding="utf-8"))
        (answers,) = record["context"].values()
        return str(answers["_template_version"])
    except (OSError, ValueError, LookupError):  # no such file, or edited
        return "not recorded"


def factors(config: Config, run: dict[str, Any]) -> list[str]:
    """The scores of parts of the validation split, if this very model was evaluated."""
    path = config.paths.evaluation / "metrics.json"
    content = artifacts.read_json(path, "evaluate") if path.exists() else {}
    if content.get("model") != run["model"] or not content["slices"]:
        return ["No slices were evaluated: `make evaluate`."]
    rows = [[entry["column"], entry["slice"], entry["examples"], cards.score(entry)] for entry in content["slices"]]
    label = metrics.METRICS[config.metric].label
    shown = f"The {min(MAX_SLICES, len(rows))} worst of {len(rows)} slices of the validation split:"
    return [shown, cards.table(["Column", "Slice", "Examples", label], rows[:MAX_SLICES])]


def metrics_note(config: Config) -> str:
    """What the scores are."""
    return (
        f"The primary metric is {metrics.METRICS[config.metric].label}. Brackets hold bootstrap 95 % intervals. "
        "The version was exported because it met these criteria on the test split:"
    )


def criteria_table(verdict: dict[str, Any]) -> str:
    """The success criteria and how they were met."""
    rows = [
        [metrics.METRICS[entry["metric"]].label, *(format_number(entry[name]) for name in ("threshold", "value"))]
        for entry in verdict["criteria"]
    ]
    return cards.table(["Metric", "Threshold", "Value"], rows)


def score_table(verdict: dict[str, Any]) -> str:
    """The scores on the test split, beside those of the baselines that the criteria name."""
    baselines = verdict["baseline"]
    rows = [
        [
            metrics.METRICS[name].label,
            cards.score(interval),
            *(baseline_score(values, name) for values in baselines.values()),
        ]
        for name, interval in verdict["metrics"].items()
    ]
    return cards.table(["Metric", "This model", *baselines], rows)


def baseline_score(values: dict[str, float | None], name: str) -> str:
    """A baseline's score, where it is defined."""
    return cards.score({"value": values.get(name), "low": None, "high": None})


def notes(provenance: dict[str, Any]) -> list[str]:
    """What was decided while the data were collected."""
    return [f"Of the data: {cards.text(note)}" for note in provenance["notes"]]
