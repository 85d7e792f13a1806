"""How sure a classifier should be: its log loss on the test split by its temperature and by others.

    python tests/benchmarks/temperature.py PROJECT

Runs in the environment of a generated project for classification with a single network, such as those that
pretrained.py leaves in --output, whose test split is large beside the validation split. Prints a Markdown table: the
temperature that the model has, that which the validation split gives if nothing is expected of the network, and that
which would suit the test split best.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import trained

SMALLEST = 1e-30  # probability, of which a logarithm is taken


def main() -> None:
    project = trained.enter(Path(sys.argv[1]))
    config, model, inference = project.config, project.model, project.module("evaluation.inference")
    logits, targets = {}, {}
    own = float(model.get_layer("decode").temperature)
    for split in ("validation", "test"):
        targets[split], found = inference.predict_split(
            config, model, project.module("data.loading").read_examples(config, split), "test"
        )
        logits[split] = own * np.log(found["probabilities"].astype("float64") + SMALLEST)

    def fitted(split: str) -> float:
        best_temperature = project.module("data.probability").best_temperature
        return float(best_temperature(lambda each: log_loss(logits[split], targets[split], each), len(targets[split])))

    num_examples = {split: len(each) for split, each in targets.items()}
    temperatures = {
        "of the model": own,
        "nothing expected": fitted("validation"),
        "best on the test split": fitted("test"),
    }
    print(f"{num_examples}\n\n| temperature | | log loss on the test split |\n|---|---|---|")
    for name, temperature in temperatures.items():
        print(f"| {name} | {temperature:.2f} | {log_loss(logits['test'], targets['test'], temperature):.3f} |")


def log_loss(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    """The mean log loss of logits (num_examples, classes), divided by a temperature, for classes (num_examples,)."""
    scaled = logits / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(targets)), targets]))


if __name__ == "__main__":
    main()
