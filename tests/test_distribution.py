"""Several processes, or devices, find the weights that one finds; a killed one costs an epoch at most."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from projects import Project, grouped, succeed

DIFFERENCE = """
import io, sys, zipfile, h5py, numpy

def arrays(path):
    found = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {name: array for name, array in found.items() if array.dtype.kind == "f"}

one, other = map(arrays, sys.argv[1:])
assert set(one) == set(other) and one
print(max(numpy.where(one[name] == other[name], 0, abs(one[name] - other[name])).max(initial=0) for name in one))
"""
TWO_DEVICES = """
import sys, tensorflow as tf
from {package}.core import command
from {package}.distributed import distribution
from {package}.training import placement

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
placement.strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
sys.exit(command.main(["train", "--only", *sys.argv[1:]]))
"""
FEWER = """
import json, sys
from {package}.config import Config
from {package}.core import command, staleness
from {package}.data import tables

config = command.load_settings(Config, sys.argv[2:])
if (step := int(sys.argv[1])) > 1:
    tables.read_rows(config, "train").iloc[::step].to_parquet(config.paths.examples("train"))
print(json.dumps({{"data": tables.data_hash(config), "network": staleness.network_hash(config)}}))
"""
OWN_OPTIMIZATION = """
import keras

class Stairs(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.01 * 0.5 ** (keras.ops.cast(step, "float32") // 4)

    def get_config(self):
        return {}

class Notes(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"epoch {epoch}: rate {float(self.model.optimizer.learning_rate):.6f}, loss {logs['val_loss']:.4f}")

def optimizer(config, hp, num_steps):
    return keras.optimizers.SGD(Stairs(), momentum=0.9)

def callbacks(config):
    return [Notes()]
"""
# By problem: hyperparameters that leave nothing to chance, options that leave little to do, and of how many training
# examples one is enough. Texts are trained like tables and recordings like images, so that these stand for all. Batch
# statistics and Adam together make of a rounding error in the first step another network: these are compared in double
# precision. A Transformer and the network of series take small steps, for the same reason.
CASES = {
    "tabular-classification": ({"dropout": 0.0}, ["--epochs=2"], "float32", 1),
    "translation": ({"dropout": 0.0, "learning_rate": 2e-5}, ["--epochs=1", "--batch-size=200"], "float32", 5),
    "time-series-forecasting": (
        {"feature_dropout": 0.0, "first_dropout": 0.0, "dropout": 0.0, "learning_rate": 2e-5},
        ["--epochs=1"],
        "float32",
        1,
    ),
    "image-classification": (
        {"dropout": 0.0, "width": 8},
        ["--epochs=1", "--augmentation=", "--batch-size=200"],
        "float64",
        3,
    ),
}
SHARED = grouped(CASES)
FIRST = SHARED[:1]


def leave_few(project: Project) -> dict[str, str]:
    """Keeps some of the training examples; tells for which data and network hyperparameters then have to be found."""
    _, options, _, step = CASES[project.problem]
    script = FEWER.format(package=project.package)
    python = project.venv / "bin" / "python"
    found: dict[str, str] = json.loads(
        succeed(project.run("env", "PYTHONPATH=src", python, "-c", script, str(step), *options))
    )
    return found


@pytest.fixture
def prepared(cluster: Project) -> Project:
    """A copy that trains without dropout."""
    run = json.loads((cluster.folder / "artifacts/training/run.json").read_text(encoding="utf-8"))
    hyperparameters, _, precision, _ = CASES[cluster.problem]
    winner = {"values": run["hyperparameters"] | hyperparameters, "monitor": run["monitor"], **leave_few(cluster)}
    (cluster.folder / "artifacts/tuning").mkdir(exist_ok=True)
    (cluster.folder / "artifacts/tuning/best_hyperparameters.json").write_text(json.dumps(winner), encoding="utf-8")
    keras_home = cluster.folder.parent
    (keras_home / "keras.json").write_text(json.dumps({"floatx": precision}), encoding="utf-8")
    return cluster


def command(project: Project, *arguments: str | Path) -> list[str | Path]:
    """Python with the project's package, in which Keras has the precision of the case."""
    variables = ["PYTHONPATH=src", f"KERAS_HOME={project.folder.parent}"]
    return ["env", *variables, project.venv / "bin" / "python", *arguments]


def trained(project: Project, *arguments: str | Path) -> Path:
    """Trains, and keeps the model under a name of its own."""
    succeed(project.run(*command(project, *arguments)))
    kept = project.folder / f"{len(list(project.folder.glob('*.keras')))}.keras"
    return (project.folder / "artifacts/training/model.keras").rename(kept)


def difference(project: Project, one: Path, other: Path) -> float:
    """The largest difference between two models' weights."""
    finished = subprocess.run(
        [project.venv / "bin" / "python", "-c", DIFFERENCE, one, other], capture_output=True, text=True, check=True
    )
    return float(finished.stdout)


def runs(project: Project) -> int:
    """How many runs the project keeps."""
    return len(list((project.folder / "artifacts/runs").iterdir()))


@pytest.mark.parametrize("problem", SHARED, indirect=True)
def test_two_workers_find_the_weights_of_one_process(prepared: Project, problem: str) -> None:
    options = CASES[problem][1]
    one = trained(prepared, "-m", prepared.package, "train", "--only", *options)
    before = runs(prepared)
    two = trained(prepared, "-m", prepared.package, "train-workers", "--only", "--workers=2", *options)
    assert difference(prepared, one, two) < 1e-5
    assert runs(prepared) == before + 1  # the chief's
    assert "wrote" not in (prepared.folder / "artifacts/training/workers/1.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("problem", FIRST, indirect=True)
def test_two_devices_find_the_weights_of_one(prepared: Project) -> None:
    one = trained(prepared, "-m", prepared.package, "train", "--only", "--epochs=1")
    two = trained(prepared, "-c", TWO_DEVICES.format(package=prepared.package), "--epochs=1")
    assert difference(prepared, one, two) < 1e-5


@pytest.mark.parametrize("problem", FIRST, indirect=True)
def test_workers_take_a_schedule_and_a_callback_of_ones_own(prepared: Project) -> None:
    path = prepared.folder / "src" / prepared.package / "model.py"
    text = path.read_text(encoding="utf-8")
    text, count = re.subn(r'(hp.Float\("dropout", .*)default=[\d.]+', r"\1default=0.0", text)
    assert count == 1  # what was found for another network is not used
    path.write_text(text + OWN_OPTIMIZATION, encoding="utf-8")
    printed = []
    for words in (["train"], ["train-workers", "--workers=2"]):
        run = prepared.run(*command(prepared, "-m", prepared.package, *words, "--only", "--epochs=2"))
        printed.append([line for line in succeed(run).splitlines() if line.startswith("epoch ")])
        kept = prepared.folder / f"{words[0]}.keras"
        (prepared.folder / "artifacts/training/model.keras").rename(kept)
    assert printed[0] == printed[1]
    assert len(printed[0]) == 2
    assert difference(prepared, prepared.folder / "train.keras", kept) < 1e-5


@pytest.mark.parametrize("problem", FIRST, indirect=True)
def test_training_goes_on_when_a_worker_is_killed(prepared: Project) -> None:
    options = ["--epochs=12", "--patience=12"]
    whole = trained(prepared, "-m", prepared.package, "train", "--only", *options)
    launched = ["make", f"VENV={prepared.venv}", "train-workers", "N=2", f"ARGS={' '.join(options)}"]
    with subprocess.Popen(launched, cwd=prepared.folder, stdout=subprocess.PIPE, text=True) as launcher:
        os.kill(second_worker(prepared), signal.SIGKILL)
        printed = launcher.communicate(timeout=300)[0]
    assert launcher.returncode == 0
    assert "a worker was lost" in printed
    assert "going on after epoch" in printed
    with (prepared.folder / "artifacts/training/history.csv").open(encoding="utf-8") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(12))
    assert difference(prepared, whole, prepared.folder / "artifacts/training/model.keras") < 1e-5


def second_worker(project: Project) -> int:
    """The process of the second worker, as soon as the first epoch is done."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        if list(project.folder.glob("artifacts/training/checkpoint/*/epoch-*")):
            for process in Path("/proc").glob("[0-9]*"):
                if is_second_worker(process, project.folder):
                    return int(process.name)
        time.sleep(0.05)
    raise AssertionError("no worker has ended an epoch")


def is_second_worker(process: Path, folder: Path) -> bool:
    """Whether a process is the worker with index 1 of the project in a folder."""
    try:
        is_here = (process / "cwd").readlink() == folder
        return is_here and b'"index": 1' in (process / "environ").read_bytes()
    except OSError:  # it has ended
        return False


@pytest.mark.parametrize("problem", FIRST, indirect=True)
def test_wrong_cluster_is_told(cluster: Project) -> None:
    started = command(cluster, "-m", cluster.package, "train", "--only")
    finished = cluster.run("env", "TF_CONFIG=here", *started)
    assert finished.returncode == 1
    assert "TF_CONFIG is" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("problem", [each for each in SHARED if each.values[0] not in FIRST[0].values], indirect=True)
def test_bfloat16_is_for_training_only(copy: Project) -> None:
    leave_few(copy)
    facts: dict[str, Any] = json.loads((copy.folder / "artifacts/training/run.json").read_text(encoding="utf-8"))
    assert facts["settings"]["precision"] == "auto"
    succeed(copy.stage("train", "--precision=bfloat16", "--epochs=1"))
    script = "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read('config.json').decode())"
    shown = subprocess.run(
        [sys.executable, "-c", script, copy.folder / "artifacts/training/model.keras"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "bfloat16" not in shown.stdout
    history = (copy.folder / "artifacts/training/history.csv").read_text(encoding="utf-8")
    assert "nan" not in history.lower()
