"""The base of the layers that change training examples at random."""

from typing import Any

import keras


class RandomLayer(keras.layers.Layer):
    """Calls `augment` in training and does nothing otherwise, so that an export is deterministic."""

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        """Takes the seed of the random numbers; computes in full precision, whatever the network does."""
        super().__init__(**{"dtype": keras.config.floatx(), **options})
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def uniform(self, shape: Any, low: float, high: float) -> Any:
        """Random numbers from the layer's own generator, whose state is part of a checkpoint."""
        return keras.random.uniform(shape, low, high, seed=self.seed_generator)

    def augment(self, inputs: Any) -> Any:
        """A changed copy of the inputs, of the same shape."""
        raise NotImplementedError

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Changes examples in training only."""
        return self.augment(inputs) if training else inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Keeps the shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Adds the seed."""
        return {**super().get_config(), "seed": self.seed}
