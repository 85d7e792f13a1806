"""Times the input pipeline of an image project beside `image_dataset_from_directory` of Keras, in one process.

    PROJECT/.venv/bin/python tests/benchmarks/pipelines.py --project PROJECT

PROJECT is an image classification whose examples were collected; the files of its training split are put in a folder
per class. Prints the seconds of the first epoch and of those after it, without a network and with the project's.
"""

import argparse
import importlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace

MODULES = ("config", "data.batching", "data.loading", "model", "preprocessing", "task", "training.fit")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    sys.path.insert(0, str(options.project / "src"))
    package = next(options.project.glob("src/*/__init__.py")).parent.name
    project = modules(lambda name: importlib.import_module(f"{package}.{name}"))
    with tempfile.TemporaryDirectory() as folder:
        compare(project, options.project, Path(folder), options.epochs)


def modules(find: Callable[[str], ModuleType]) -> SimpleNamespace:
    """The modules of a project that an input pipeline is made of, by their names without their rooms."""
    return SimpleNamespace(**{name.rpartition(".")[2]: find(name) for name in MODULES})


def compare(modules: SimpleNamespace, project: Path, folder: Path, num_epochs: int) -> None:
    """Times both pipelines on the training split."""
    import os

    import keras_tuner

    os.chdir(project)
    config = modules.config.Config()
    train = modules.loading.read_examples(config, "train")
    target = modules.task.describe_target(config, train[config.target])
    preprocessor = modules.preprocessing.build_preprocessor(config, train)
    shape, size = preprocessor.output["image"].shape[1:], modules.batching.batch_size(config, len(train))
    sort(train["image"], train[config.target], folder)

    def theirs() -> Iterable[object]:
        return from_directory(folder, shape, size)

    def ours() -> Iterable[object]:
        return modules.preprocessing.make_dataset(config, "train", preprocessor, target, modules.fit.epoch_counter())

    def fit() -> Callable[..., object]:
        network = modules.model.build_model(
            keras_tuner.HyperParameters(), config, preprocessor, target, num_steps=1_000
        )
        return network.fit

    print(f"{len(train)} images of shape {shape}, batches of {size}; seconds of an epoch")
    print("| | first epoch | later epochs |\n|---|---|---|")
    for name, work in (("pipeline alone", lambda: iterate), ("with the network", fit)):
        for dataset in (theirs(), ours()):
            iterate(dataset, verbose=0)  # TensorFlow starts, and the files are in the memory of the system
        rival, own = timed(work(), theirs, num_epochs), timed(work(), ours, num_epochs)
        print(f"| image_dataset_from_directory, {name} | {rival[0]:.2f} | {rival[1]:.2f} |")
        print(f"| this project, {name} | {own[0]:.2f} | {own[1]:.2f} |")
        print(f"| ratio | {rival[0] / own[0]:.2f} | {rival[1] / own[1]:.2f} |", flush=True)


def sort(paths: Iterable[str], labels: Iterable[object], folder: Path) -> None:
    """Copies files to a folder per class."""
    for path, label in zip(paths, labels, strict=True):
        (folder / str(label)).mkdir(exist_ok=True)
        shutil.copy(path, folder / str(label))


def from_directory(folder: Path, shape: tuple[int, int, int], size: int) -> Iterable[object]:
    """What the pipeline of Keras makes of the files."""
    import keras

    directory = keras.utils.image_dataset_from_directory(
        folder,
        image_size=shape[:2],
        batch_size=size,
        color_mode="grayscale" if shape[2] == 1 else "rgb",
        pad_to_aspect_ratio=True,
        seed=0,
        verbose=False,
    )
    return directory.map(lambda images, targets: ({"image": images}, targets[:, None])).prefetch(2)


def iterate(dataset: Iterable[object], verbose: int) -> None:
    """Goes through a dataset once."""
    del verbose
    for _batch in dataset:
        pass


def timed(work: Callable[..., object], make: Callable[[], object], num_epochs: int) -> tuple[float, float]:
    """The seconds of the first epoch, in which the dataset is made, and the median of the others."""
    seconds = []
    started = time.perf_counter()
    dataset = make()
    for _ in range(num_epochs):
        work(dataset, verbose=0)
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
    return seconds[0], statistics.median(seconds[1:])


if __name__ == "__main__":
    main()
