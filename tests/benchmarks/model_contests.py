"""The contests of a trained model: evaluation, export, prediction and service; and pipelines of images and series."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest import Contestant, Setting

HANDWRITTEN_SERVER = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, uvicorn
from fastapi import FastAPI, Request
sys.path.insert(0, "src")
__import__(sys.argv[2] + ".evaluation.inference")
model = keras.models.load_model(sys.argv[1])
app = FastAPI()

@app.post("/v1/models/{name}:predict")
async def predict(name: str, request: Request):
    rows = (await request.json())["instances"]
    arrays = {c: np.array([row[t.name] for row in rows], t.dtype if t.dtype != "string" else object)
              for c, t in model.input.items()}
    outputs = model.predict_on_batch(arrays)
    return {"predictions": [{key: str(values[place]) for key, values in outputs.items()} for place in range(len(rows))]}

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]} ready", flush=True)

Server(uvicorn.Config(app, port=0, log_level="error")).run()
"""


def batched(arrays: dict[str, Any]) -> Any:
    """Batches of raw inputs by tf.data, which unlike arrays may hold texts."""
    import tensorflow as tf

    tensors = {name: tf.constant(array) for name, array in arrays.items()}
    return tf.data.Dataset.from_tensor_slices(tensors).batch(1_024)


def evaluate(setting: Setting) -> dict[str, Contestant]:
    """Scores with intervals, baselines, explanations and a report, of the validation split."""
    config, inference = setting.config(), setting.module("evaluation.inference")
    stage, loading = setting.module("stages.evaluate"), setting.module("data.loading")
    complete = inference.load_model(config)
    examples = loading.read_examples(config, "validation")
    arrays = setting.module("preprocessing").raw_arrays(complete.input, examples)
    batches = batched(arrays)

    def instead() -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import classification_report, roc_auc_score

        train, rows = (loading.read_examples(config, split) for split in ("train", "validation"))
        numbers = [name for name in train.columns if name.startswith("number")]
        boosting = HistGradientBoostingClassifier().fit(train[numbers], train["target"])
        roc_auc_score(rows["target"], boosting.predict_proba(rows[numbers])[:, 1])
        outputs = inference.load_model(config).predict(batches, verbose=0)
        named = next(values for values in outputs.values() if values.ndim == 1 and values.dtype == object)
        classification_report(rows["target"], named.astype(str))

    return {
        "ours": lambda: stage.main(config),
        "instead: scikit-learn's report and baseline": instead,
        "floor: model.predict": lambda: complete.predict(batches, verbose=0),
    }


def export(setting: Setting) -> dict[str, Contestant]:
    """Writing a version and its proof in a new process, beside a SavedModel that nobody checks."""
    config, stage = setting.config(), setting.module("stages.export")
    kept = Path(tempfile.mkdtemp()) / "artifacts"
    shutil.copytree(config.artifacts, kept)
    copy = config.model_copy(update={"artifacts": kept})
    complete = setting.module("evaluation.inference").load_model(config)

    def ours() -> None:
        shutil.rmtree(kept / "export", ignore_errors=True)
        shutil.rmtree(kept / "versions", ignore_errors=True)
        stage.main(copy)

    def instead() -> None:
        model = setting.module("evaluation.inference").load_model(config)
        with tempfile.TemporaryDirectory() as folder:
            model.export(folder, verbose=False)

    def floor() -> None:
        import tensorflow as tf

        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(complete, folder)

    return {"ours": ours, "instead: Keras's model.export": instead, "floor: tf.saved_model.save": floor}


def newest(project: Path) -> Path:
    """The newest exported version."""
    return max((project / "artifacts/export").glob("*/[0-9]*"), key=lambda path: int(path.name))


def predict(setting: Setting) -> dict[str, Contestant]:
    """A CSV file into one with predictions."""
    import tensorflow as tf

    output = Path(tempfile.mkdtemp()) / "predictions.csv"
    config, stage = setting.config(input=str(setting.source), output=str(output)), setting.module("stages.predict")
    inference = setting.module("evaluation.inference")
    signature = (loaded := tf.saved_model.load(str(newest(setting.project)))).signatures["serving_default"]
    complete, table = inference.load_model(config), pd.read_csv(setting.source)
    raw = setting.module("preprocessing").raw_arrays(complete.input, table)
    tensors = {complete.input[column].name: tf.constant(array) for column, array in raw.items()}

    def instead() -> None:
        rows = pd.read_csv(setting.source)
        columns = {name: rows[name].fillna("" if tensor.dtype == "string" else np.nan).to_numpy()
                   for name, tensor in complete.input.items()}  # fmt: skip
        outputs = inference.load_model(config).predict(batched(columns), verbose=0)
        rows.assign(**{name: values for name, values in outputs.items() if values.ndim == 1}).to_csv(output)

    return {
        "ours": lambda: stage.main(config),
        "instead: read_csv, model.predict, to_csv": instead,
        "floor: the raw SavedModel on tensors": lambda: (loaded, signature(**tensors)),
    }


def serve(setting: Setting) -> dict[str, Contestant]:
    """The median time from request to response, of one row over one connection."""
    import atexit
    import json
    import re

    import serving

    serving.REQUESTS = 50 * setting.repetitions
    folder = newest(setting.project)
    description = json.loads((folder / "assets.extra/model.json").read_text(encoding="utf-8"))
    request = serving.message(description)
    ours = serving.Server(setting.project, 1_024, 1.0)
    model, package = setting.project / "artifacts/training/model.keras", setting.package
    command = [sys.executable, "-c", HANDWRITTEN_SERVER, str(model), package]
    plain = subprocess.Popen(command, cwd=setting.project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for process in (ours.process, plain):
        atexit.register(process.terminate)
    assert plain.stdout is not None
    found = re.search(r":(\d+) ", plain.stdout.readline())
    raw = serving.raw_call(folder, description)
    return {
        "ours": lambda: serving.one_connection(ours.port, request),
        "instead: FastAPI calling the Keras model": lambda: serving.one_connection(int(found[1]), request),
        "floor: the raw SavedModel": lambda: serving.median_time(raw),
    }


def images(setting: Setting) -> dict[str, Contestant]:
    """An epoch of batches of images from the second one on, without a network."""
    import pipelines
    import tensorflow as tf

    modules = pipelines.modules(setting.module)
    config = setting.config()
    train = modules.loading.read_examples(config, "train")
    target = modules.task.describe_target(config, train[config.target])
    preprocessor = modules.preprocessing.build_preprocessor(config, train)
    shape, size = preprocessor.output["image"].shape[1:], modules.batching.batch_size(config, len(train))
    folder = Path(tempfile.mkdtemp())
    pipelines.sort(train["image"], train[config.target], folder)
    theirs: Any = pipelines.from_directory(folder, shape, size)
    cached = theirs.cache()
    counter = modules.fit.epoch_counter()
    ours = modules.preprocessing.make_dataset(config, "train", preprocessor, target, counter)
    arrays = tf.data.Dataset.from_tensor_slices(np.zeros((len(train), *shape), "float32")).batch(size)
    return {
        "ours": lambda: pipelines.iterate(ours, 0),
        "instead: image_dataset_from_directory": lambda: pipelines.iterate(theirs, 0),
        "instead: the same with .cache()": lambda: pipelines.iterate(cached, 0),
        "floor: batches of an array, unshuffled": lambda: pipelines.iterate(arrays, 0),
    }


def series(setting: Setting) -> dict[str, Contestant]:
    """The seconds for 10,000 windows of a shuffled epoch."""
    import windows

    batching, preprocessing = setting.module("data.batching"), setting.module("preprocessing")
    sizes = argparse.Namespace(steps=setting.rows, columns=7, context=96, horizon=24)
    values = np.random.default_rng(0).normal(size=(sizes.steps, sizes.columns)).astype("float32")
    ours, theirs = windows.ours(batching, preprocessing, values, sizes), windows.theirs(values, sizes)
    return {
        "ours": lambda: 10_000 / windows.rate(ours),
        "instead: timeseries_dataset_from_array": lambda: 10_000 / windows.rate(theirs),
    }
