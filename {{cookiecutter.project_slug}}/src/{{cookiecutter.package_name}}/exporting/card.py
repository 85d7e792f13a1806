"""Metadata of an export: provenance, inputs, outputs and scores, as model.json and as the model card."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from markupsafe import Markup
from tensorflow_metadata.proto.v0 import schema_pb2

from .. import metrics, preprocessing, task
from ..config import Config
from ..core import artifacts
from ..data import cell_formats, loading, requests
from ..evaluation import criteria
from ..reporting import cards
from ..reporting.report import NO_GOAL, format_number
from ..settings.base import CHOSEN, PROJECT
from ..validation import schema

NAME = "MODEL_CARD.md"
TEMPLATE = Path(__file__).with_name("model_card.md.j2")
MAX_SLICES = 20
NOT_EVALUATED = "No slices were evaluated: `make evaluate`."
NO_SLICES = "No column has slices of enough examples; the setting `slices` names columns."
NOT_STATED = "Not stated: use the setting `limits`."


def describe(config: Config, serving_model: keras.Model, identity: dict[str, Any]) -> dict[str, Any]:
    """The content of model.json, which the server and the monitor read.

    `inputs` holds for each input of the signature its column, its kind and what the schema allows when serving;
    `unused` are other columns of a table, which requests may have; `example` is an example request, `parts` names
    the entries of outputs that have several, and `decision`, `referral` and `thresholds`, as far as there are any, say
    how labels are chosen from probabilities. `scale` has the standard deviations of several targets.
    """
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    examples, target = loading.read_examples(config, "train"), serving_model.get_layer("decode").target
    inputs, parts = describe_inputs(config, serving_model, examples), task.output_parts(target)
    chosen = {name: value for name, value in asdict(target).items() if name in CHOSEN and value}
    if "thresholds" in chosen:
        chosen["thresholds"] = dict(zip(parts["labels"], chosen["thresholds"], strict=True))
    return {
        "name": PROJECT,
        "goal": config.goal,
        "target": config.target,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **identity,
        "metric": config.metric,
        **{name: verdict[name] for name in ("metrics", "unweighted") if name in verdict},
        "inputs": inputs,
        "unused": unused(config, inputs, examples),
        "example": {name: requests.example(entry, examples[entry["column"]]) for name, entry in inputs.items()},
        "parts": parts,
        **({"scale": target.scale} if len(config.targets) > 1 else {}),
        **chosen,
    }


def unused(config: Config, inputs: dict[str, dict[str, Any]], examples: pd.DataFrame) -> list[str]:
    """The columns of a table that the model does not take, such as identifiers; not the target.

    Other data types have columns that describe an example, which no client sends.
    """
    if "keep_identifiers" not in type(config).model_fields:
        return []
    taken = {*config.targets, *(entry["column"] for entry in inputs.values())}
    return [str(name) for name in examples.columns if name not in taken]


def describe_inputs(config: Config, serving_model: keras.Model, examples: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Each input of the signature: its column, its kind, and the values that the schema allows."""
    kinds, features = preprocessing.input_kinds(config, examples), schema_features(config)
    written = cell_formats.load(config)
    return {
        tensor.name: {
            "column": column,
            "kind": kinds[column],
            **requests.limits(config, kinds[column], features.get(column, schema_pb2.Feature())),
            **truth_values(kinds[column], written.get(column)),
        }
        for column, tensor in serving_model.input.items()
    }


def truth_values(kind: str, written: cell_formats.CellFormat | None) -> dict[str, list[str]]:
    """The texts for false and true, if an input that the model takes as a number was learned from truth values."""
    if written is None or written.kind != "truth value" or not kind.endswith("number"):
        return {}
    return {"truth_values": [written.false.lower(), written.true.lower()]}


def schema_features(config: Config) -> dict[str, schema_pb2.Feature]:
    """What the schema says of each column that a client sends; nothing where no schema was written yet."""
    if not config.schema_path.exists():
        return {}
    features = schema.load(config).feature
    return {feature.name: feature for feature in features if "SERVING" not in feature.not_in_environment}


def compose(config: Config, version: int, described: dict[str, Any]) -> str:
    """The model card of a version, from its metadata, the test evaluation, the training run and the evaluation."""
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    run = artifacts.read_json(config.paths.run, "train")
    slices = slice_rows(config, run)
    return cards.render(
        TEMPLATE,
        config=config,
        version=version,
        described=described,
        run=run,
        provenance=artifacts.read_json(config.paths.provenance, "collect"),
        template_version=template_version(),
        licence=licence(),
        data_licence=cards.licence(config),
        data_card=cards.NAME,
        inputs=[[name, entry["kind"], entry["column"]] for name, entry in described["inputs"].items()],
        thresholds=[[label, f"{value:.3g}"] for label, value in described.get("thresholds", {}).items()],
        metric=metrics.METRICS[config.metric].label,
        slices=slices or [],
        no_slices=Markup(NOT_EVALUATED if slices is None else NO_SLICES),  # noqa: S704 - ours, too
        max_slices=MAX_SLICES,
        criteria=criteria_rows(verdict),
        baselines=list(verdict["baseline"]),
        scores=score_rows(verdict),
        test_evaluations=criteria.test_evaluations(verdict),
        not_stated=Markup(NOT_STATED),  # noqa: S704 - our own sentence
        no_goal=Markup(NO_GOAL),  # noqa: S704 - also ours
        remarks=verdict.get("remarks", []),
    )


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


def slice_rows(config: Config, run: dict[str, Any]) -> list[list[Any]] | None:
    """The scores by slice of the validation split; None if this very model was not evaluated."""
    path = config.paths.evaluation / "metrics.json"
    content = artifacts.read_json(path, "evaluate") if path.exists() else {}
    if content.get("model") != run["model"]:
        return None
    form = metrics.METRICS[config.metric].format
    return [
        [entry["column"], entry["slice"], entry["examples"], cards.score(entry, form)] for entry in content["slices"]
    ]


def criteria_rows(verdict: dict[str, Any]) -> list[list[str]]:
    """The success criteria and what they got."""
    return [[criteria.sentence(entry), criteria.outcome(entry)] for entry in verdict["criteria"]]


def score_rows(verdict: dict[str, Any]) -> list[list[str]]:
    """The scores on the test split, beside those of the baselines that the criteria name."""
    return [
        [
            metrics.METRICS[name].label,
            cards.score(interval, metrics.METRICS[name].format),
            *(format_number(values.get(name), metrics.METRICS[name].format) for values in verdict["baseline"].values()),
        ]
        for name, interval in verdict["metrics"].items()
    ]
