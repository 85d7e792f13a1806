"""Precision and compilation: the settings decide, and else what pays on the devices of the machine."""

import keras

from project.training import fit

from declared import Config


def test_settings_decide_about_precision_and_compilation() -> None:
    config = Config()
    assert not fit.uses_bfloat16(config)
    with fit.precision(config.model_copy(update={"precision": "bfloat16"})):
        dense = keras.layers.Dense(1)
    assert (dense.compute_dtype, dense.variable_dtype) == ("bfloat16", "float32")
    assert keras.layers.Dense(1).compute_dtype == "float32"
    assert config.model_copy(update={"xla": "off"}).jit_compile is False
    assert config.model_copy(update={"xla": "on"}).jit_compile is True
