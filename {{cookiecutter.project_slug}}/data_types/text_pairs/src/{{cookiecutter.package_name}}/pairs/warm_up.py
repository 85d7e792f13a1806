"""The optimizer of Transformers: Adam whose first steps are small."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="text_pairs")
class WarmUpAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) whose learning rate rises linearly in the first steps (Vaswani et al. 2017).

    It depends on the optimizer's own count of steps, so that a training that goes on after a kill takes the same ones.
    """

    def __init__(self, warm_up_steps: int = 0, **options: Any) -> None:
        """Takes how many steps it rises."""
        super().__init__(**options)
        self.warm_up_steps = warm_up_steps

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Takes a step as long as its number allows."""
        share = ops.minimum((ops.cast(self.iterations, "float32") + 1) / max(1, self.warm_up_steps), 1.0)
        super().update_step(gradient, variable, learning_rate * ops.cast(share, variable.dtype))

    def get_config(self) -> dict[str, Any]:
        """Adds the number of steps."""
        return {**super().get_config(), "warm_up_steps": self.warm_up_steps}
