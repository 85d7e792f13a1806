"""How much of what was predicted is left when something is taken away from an example."""

from collections.abc import Mapping

import numpy as np


def amounts(outputs: Mapping[str, np.ndarray], whole: np.ndarray) -> np.ndarray:
    """How much of what was predicted for the whole example there is in each variant of it, (num_variants,).

    The logarithm of the odds of the class that was predicted, or the predicted number. `whole` is the row of the whole
    example of each variant, (num_variants,).
    """
    if "probabilities" not in outputs:
        return outputs["prediction"].astype("float64")
    leading = outputs["probabilities"][whole].argmax(axis=1)
    probability = np.clip(outputs["probabilities"][np.arange(len(whole)), leading].astype("float64"), 1e-6, 1 - 1e-6)
    return np.log(probability / (1 - probability))
