"""Hyperparameters are searched where they have an effect."""

from typing import Any

import keras_tuner

from project.settings.training import COMPARED
from project.transfer import search_space
from project.transfer.search_space import COMBINED, FINE_TUNED, FROZEN, SCRATCH

from declared import Config


def asked(config: Any, **values: Any) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The values of a trial, and what a model of it would be built with."""
    hp = keras_tuner.HyperParameters()
    hp.values = values
    hp.Choice(COMPARED, [FROZEN, SCRATCH, FINE_TUNED])
    dropout = search_space.trained(hp, config, "dropout", 0.0, 0.5, 0.2, step=0.1)
    with search_space.of_networks(hp, SCRATCH):
        width = hp.Int("width", 8, 16, default=8)
    assert {each.name for each in hp.space} == {COMPARED, "dropout", "width"}
    return hp.values, (dropout, width)


def test_what_has_no_effect_on_a_network_is_no_value_of_its_trials() -> None:
    config = Config()
    assert asked(config) == ({COMPARED: FROZEN}, (0.2, None))
    assert asked(config, **{COMPARED: FINE_TUNED, "dropout": 0.4})[1] == (0.4, None)
    assert asked(config, **{COMPARED: COMBINED, "dropout": 0.4})[1] == (0.4, None)
    assert asked(config, **{COMPARED: SCRATCH})[1] == (0.2, 8)


def test_without_a_choice_of_networks_everything_is_searched() -> None:
    hp = keras_tuner.HyperParameters()
    assert search_space.trained(hp, Config(), "dropout", 0.0, 0.5, 0.2, step=0.1) == 0.2
    with search_space.of_networks(hp, FINE_TUNED):
        assert hp.Choice("tuned_share", [0.5, 1.0]) == 0.5
    assert hp.values == {"dropout": 0.2, "tuned_share": 0.5}
