"""make export: writes the accepted model as a SavedModel with its preprocessing, verified in a new process."""

import json
import pickle
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .. import preprocessing
from ..config import Config
from ..core import artifacts
from ..core.errors import RefusedError
from ..data import batching, loading
from ..evaluation import inference
from ..exporting import card, registry, saved_model, verify_export
from ..settings import evaluation
from ..settings.base import DESCRIPTION

NUM_VERIFIED = 200  # raw examples on which the export must equal the training path
NUM_WARMUP = 8  # examples in the request by which a server warms up

# A GPU sums in an order, and with TensorFloat-32 of 10 bits of precision, that each process chooses anew by measuring:
# there equal graphs differ by some 2^-10. Texts and whole numbers must be equal everywhere.
GPU_TOLERANCE = 1e-3


def main(config: Config) -> None:
    """From an accepted model to artifacts/export/<project>/<version>."""
    identity = check_verdict(config)
    version = registry.number_of(config, identity)
    if version:
        described = artifacts.read_json(config.paths.version(version) / DESCRIPTION, "export")
        check_measured(config, described.get("measured", {}))
        write_card(config, version, config.paths.version(version))  # the goal and the limits may have changed
        config.paths.exported.touch()
        print(f"this model is already exported as {config.paths.version(version)}")
        return
    folder = config.paths.version(registry.next_number(config))
    with verify_export.start() as verifier, artifacts.replacing(folder) as temporary:
        serving_model = inference.load_model(config)
        saved_model.keep(config, serving_model, int(folder.name))
        measured = write_and_verify(config, serving_model, temporary, verifier)
        check_measured(config, measured)
        described = card.describe(config, serving_model, identity)
        artifacts.write_json(temporary / DESCRIPTION, {**described, "measured": measured})
        write_card(config, int(folder.name), temporary)
    artifacts.write_json(config.paths.exported, {"version": int(folder.name), **identity})
    limit = tolerance()
    how = f"up to {limit:g} of the largest, which is as exact as a GPU is," if limit else "exactly"
    print(f"verified: in a new process, {NUM_VERIFIED} predictions are {how} those of the training path")
    print(f"wrote {folder}, with its {card.NAME}")


def write_card(config: Config, version: int, folder: Path) -> None:
    """Writes the model card of a version beside its description."""
    described = artifacts.read_json(folder / DESCRIPTION, "export")
    artifacts.write_text(folder / card.NAME, card.compose(config, version, described))


def check_verdict(config: Config) -> dict[str, Any]:
    """The hashes of the trained model and its data, if the model was accepted.

    Raises:
        RefusedError: the model was not evaluated on the test split, or was rejected, or is another one.
    """
    if not config.paths.verdict.exists():
        raise RefusedError("the model has not been evaluated on the test split; run `make accept`")
    verdict, identity = artifacts.read_json(config.paths.verdict, "accept"), inference.identity(config)
    if any(verdict[name] != value for name, value in identity.items()):
        raise RefusedError(f"{config.paths.verdict} is about another model or other data; run `make accept`")
    if not verdict["accepted"]:
        failed = ", ".join(entry["metric"] for entry in verdict["criteria"] if not entry["passed"])
        raise RefusedError(f"the model was rejected (criteria not met: {failed}); improve it and run `make accept`")
    return identity


def check_measured(config: Config, measured: dict[str, float]) -> None:
    """Refuses an export that is slower, larger or takes more memory than the criteria allow."""
    limits = {name: config.criteria[name] for name in evaluation.OF_EXPORT if name in config.criteria}
    missed = [
        f"{measured[name]:.3g} {name}, at most {limit}"
        for name, limit in limits.items()
        if name in measured and not measured[name] <= float(limit)
    ]
    if missed:
        raise RefusedError(f"the export does not meet the criteria, so nothing was exported: {'; '.join(missed)}")


def write_and_verify(
    config: Config, serving_model: keras.Model, folder: Path, verifier: "subprocess.Popen[str]"
) -> dict[str, float]:
    """Writes the SavedModel and compares its predictions in a new process with those of the training path.

    Returns the milliseconds that one example takes there, the size in megabytes, and the peak memory of that process.

    Raises:
        RefusedError: the predictions differ.
    """
    examples = loading.read_examples(config, "validation")
    examples = examples.iloc[np.arange(NUM_VERIFIED) % len(examples)]
    arrays = preprocessing.raw_arrays(serving_model.input, examples)
    expected = training_path(serving_model, arrays)
    saved_model.write(serving_model, folder)
    saved_model.write_warm_up(serving_model, {name: array[:NUM_WARMUP] for name, array in arrays.items()}, folder)
    cases = {
        saved_model.NAMED: (saved_model.named(serving_model, arrays), expected),
        saved_model.SERIALIZED: (saved_model.serialized(arrays), expected),
    }
    with tempfile.NamedTemporaryFile(suffix=".pickle") as file:
        Path(file.name).write_bytes(pickle.dumps(cases))
        answer, problem = verifier.communicate(json.dumps({"model": str(folder), "cases": file.name}) + "\n")
    if not answer:
        raise RefusedError(
            f"the export could not be loaded in a new process, so nothing was exported:\n{problem[-2000:]}"
        )
    found = json.loads(answer)
    difference = float(found["difference"])
    if not difference <= tolerance():
        by = f"by up to {difference:.2g} of the largest" if np.isfinite(difference) else "in NaN, type, shape or text"
        raise RefusedError(
            f"the export's predictions differ from training's {by}, so nothing was exported: "
            "look in features.py and model.py for a layer whose state is not in its weights"
        )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {name: found[name] for name in ("milliseconds", "memory_megabytes")} | {"megabytes": size / 1e6}


def tolerance() -> float:
    """The difference that is tolerated, as a share of the largest value: none on a CPU, where runs are repeatable."""
    return GPU_TOLERANCE if tf.config.list_physical_devices("GPU") else 0.0


def training_path(serving_model: keras.Model, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predictions as in training: examples are encoded in batches, then passed to the network."""
    encoded = batching.run_in_batches(serving_model.get_layer("preprocessor"), arrays, preprocessing.ENCODING_BATCH)
    network = serving_model.get_layer("network")
    decoded = keras.Model(network.input, serving_model.get_layer("decode")(network.output))
    predictions: dict[str, np.ndarray] = decoded.predict(encoded, batch_size=NUM_VERIFIED, verbose=0)
    return predictions
