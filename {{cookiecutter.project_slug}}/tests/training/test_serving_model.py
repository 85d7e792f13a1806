"""A layer that could not be loaded again is refused before training, by name."""

from typing import Any

import keras
import pytest

from project.core.errors import InputError
from project.training import serving_model


class Scale(keras.layers.Layer):
    """A layer of one's own that is not registered."""

    def __init__(self, factor: float, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="test")
class Registered(Scale):
    """Can be loaded again."""


@keras.saving.register_keras_serializable(package="test")
class WithoutConfig(Scale):
    """Does not say with which factor it was made."""

    def get_config(self) -> dict[str, Any]:
        return keras.layers.Layer.get_config(keras.layers.Layer(name=self.name))


@keras.saving.register_keras_serializable(package="test")
class WithoutOptions(Scale):
    """Cannot be given its name and type."""

    def __init__(self, factor: float) -> None:
        super().__init__(factor)


def nested(layer: keras.layers.Layer) -> keras.Model:
    """A model with the layer in a model that it contains."""
    inputs = keras.Input((3,))
    inner = keras.Model(inputs, layer(inputs))
    return keras.Model(inputs, keras.layers.Dense(1)(inner(inputs)))


@pytest.mark.parametrize(
    ("layer", "name", "reason"),
    [
        (Scale(2.0), "Scale", "Could not locate class 'Scale'"),
        (WithoutConfig(2.0), "WithoutConfig", "missing 1 required positional argument: 'factor'"),
        (WithoutOptions(2.0), "WithoutOptions", "unexpected keyword argument"),
        (keras.layers.Dense(1, activation=lambda values: values), "Dense", "activation function"),
        (keras.layers.Lambda(lambda values: values), "Lambda", "could not be loaded again"),
    ],
)
def test_a_layer_that_cannot_be_loaded_again_is_named(layer: keras.layers.Layer, name: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"(?s)the layer .*{reason}.*\n{name}, or a function"):
        serving_model.check_layers(nested(layer))


def test_layers_that_can_be_loaded_again_pass() -> None:
    serving_model.check_layers(nested(Registered(2.0)))
