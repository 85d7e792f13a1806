"""What it brings that a network for images sees both sides: scores of the same weights by one side and by both.

    python tests/benchmarks/both_sides.py PROJECT

Runs in the environment of a generated project for images, whose network is trained from scratch by the settings that
files.py gives it. Prints a Markdown table of the validation and the test split.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

COLUMNS = ("accuracy", "map", "log_loss")


def main() -> None:
    project = Path(sys.argv[1]).resolve()
    package = next(project.glob("src/*/__init__.py")).parent.name
    os.chdir(project)
    sys.path.insert(0, str(project / "src"))
    settings = json.loads((project / "artifacts" / "training" / "run.json").read_text(encoding="utf-8"))["settings"]
    config = importlib.import_module(f"{package}.config").Config(**settings)
    inference = importlib.import_module(f"{package}.evaluation.inference")
    model = inference.load_model(config)
    models = {"both": model, "one": one_sided(package, config, model)}
    print("| split | sides | scores |\n|---|---|---|")
    for split in ("validation", "test"):
        examples = importlib.import_module(f"{package}.data.loading").read_examples(config, split)
        for sides, model in models.items():
            truths, predictions = inference.predict_split(config, model, examples, "test")
            context = inference.context_of(config, model)
            found = importlib.import_module(f"{package}.metrics").score(truths, predictions, context)
            scores = ", ".join(f"{name} {found[name]:.4f}" for name in COLUMNS if name in found)
            print(f"| {split} | {sides} | {scores} |", flush=True)


def one_sided(package: str, config: Any, model: Any) -> Any:
    """A model with the same weights and temperature, whose network sees images as they are."""
    import keras_tuner

    alone = config.model_copy(update={"augmentation": tuple(each for each in config.augmentation if each != "flip")})
    target, preprocessor = model.get_layer("decode").target, model.get_layer("preprocessor")
    serving_model = importlib.import_module(f"{package}.training.serving_model")
    build = importlib.import_module(f"{package}.model").build_model
    network = build(keras_tuner.HyperParameters(), alone, preprocessor, target, 1)
    complete = serving_model.assemble(alone, serving_model.Prepared(preprocessor, target, None), network)
    complete.set_weights(model.get_weights())
    return complete


if __name__ == "__main__":
    main()
