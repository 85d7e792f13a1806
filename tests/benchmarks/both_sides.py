"""What it brings that a network for images sees both sides: scores of the same weights by one side and by both.

    python tests/benchmarks/both_sides.py PROJECT

Runs in the environment of a generated project for images, whose network is trained from scratch by the settings that
files.py gives it. Prints a Markdown table of the validation and the test split.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import trained

COLUMNS = ("accuracy", "map", "log_loss")


def main() -> None:
    project = trained.enter(Path(sys.argv[1]))
    config, inference = project.config, project.module("evaluation.inference")
    models = {"both": project.model, "one": one_sided(project)}
    print("| split | sides | scores |\n|---|---|---|")
    for split in ("validation", "test"):
        examples = project.module("data.loading").read_examples(config, split)
        for sides, model in models.items():
            truths, predictions = inference.predict_split(config, model, examples, "test")
            found = project.module("metrics").score(truths, predictions, inference.context_of(config, model))
            scores = ", ".join(f"{name} {found[name]:.4f}" for name in COLUMNS if name in found)
            print(f"| {split} | {sides} | {scores} |", flush=True)


def one_sided(project: trained.Trained) -> Any:
    """A model with the same weights and temperature, whose network sees images as they are."""
    import keras_tuner

    config, model = project.config, project.model
    alone = config.model_copy(update={"augmentation": tuple(each for each in config.augmentation if each != "flip")})
    target, preprocessor = model.get_layer("decode").target, model.get_layer("preprocessor")
    serving_model = project.module("training.serving_model")
    build = project.module("model").build_model
    network = build(keras_tuner.HyperParameters(), alone, preprocessor, target, 1)
    complete = serving_model.assemble(alone, serving_model.Prepared(preprocessor, target, None), network)
    complete.set_weights(model.get_weights())
    return complete


if __name__ == "__main__":
    main()
