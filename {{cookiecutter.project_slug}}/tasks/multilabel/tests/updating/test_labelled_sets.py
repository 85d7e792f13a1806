"""Labels of logged requests become new data only if the model knows them."""

from typing import Any

import pytest

from project.updating import new_data

from declared import Config

PARTS = {"labels": ["drama", "war"]}


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (["war"], ""),
        ([], ""),
        (["opera"], "['opera'] is not a list of some of the labels drama, war, or of none"),
        ({"no": "value"}, "{'no': 'value'} is not a list of some of the labels drama, war, or of none"),
    ],
)
def test_what_is_no_set_of_known_labels_is_not_used(label: Any, reason: str) -> None:
    assert new_data.misfit(Config(), PARTS, None, {"labels": label}) == reason
