"""What stands beside an exported graph: who made it, what it takes, what it gives and how good it was found to be."""

from datetime import UTC, datetime
from typing import Any

import keras
import pandas as pd
from tensorflow_metadata.proto.v0 import schema_pb2

from .. import preprocessing, task
from ..config import Config
from ..core import artifacts
from ..core.paths import PROJECT
from ..data import request_format
from ..validation import schema_file


def describe(config: Config, complete: keras.Model, identity: dict[str, Any]) -> dict[str, Any]:
    """The content of model.json: what the server, the monitor and people who compare versions go by.

    `inputs` holds for each input of the signature its column, its kind and what the schema allows when serving;
    `example` is a made-up request, `parts` names the entries of outputs that have several.
    """
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    examples = artifacts.read_examples(config, "train")
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
        "example": {name: request_format.example(entry, examples[entry["column"]]) for name, entry in inputs.items()},
        "parts": task.output_parts(complete.get_layer("decode").target),
    }


def describe_inputs(config: Config, complete: keras.Model, examples: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Each input of the signature: its column, its kind, and what the reviewed schema allows."""
    kinds, features = preprocessing.input_kinds(config, examples), schema_features(config)
    return {
        tensor.name: {
            "column": column,
            "kind": kinds[column],
            **request_format.limits(config, kinds[column], features.get(column, schema_pb2.Feature())),
        }
        for column, tensor in complete.input.items()
    }


def schema_features(config: Config) -> dict[str, schema_pb2.Feature]:
    """What the schema says of each column that a client sends; nothing where no schema was written yet."""
    if not config.schema_path.exists():
        return {}
    features = schema_file.load(config).feature
    return {feature.name: feature for feature in features if "SERVING" not in feature.not_in_environment}
