"""The settings and metrics of the template, for tests that must not depend on what a person has changed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from project import config
from project.settings import sample
from project.settings.base import ENVIRONMENT_PREFIX

import problem

VALUES = json.loads((Path(__file__).parent / "declared.json").read_text(encoding="utf-8"))
VALUES["cell_formats"] = "absent/cell_formats.json"  # the project's own describes a person's columns


class Config(config.Config):
    """The project's settings, but for their values: those in `declared.json`, which the template has for other data.

    Variables of the environment win over them, as everywhere.
    """

    def __init__(self, **settings: Any) -> None:
        names = {name for name in config.Config.model_fields if f"{ENVIRONMENT_PREFIX}{name}".upper() not in os.environ}
        values = VALUES | {name: other for name, (_, other) in sample.ELSEWHERE.items()}
        super().__init__(**({name: value for name, value in values.items() if name in names} | settings))


def leave_other_metrics_undefined(patch: pytest.MonkeyPatch) -> None:
    """Lets a person's metrics compute nothing: they may need classes or settings that the tests do not have."""
    # Here, since this takes a second and many tests do without
    from project.metrics import METRICS

    for name in METRICS.keys() - problem.METRICS:
        patch.setitem(METRICS, name, METRICS[name]._replace(function=lambda *_: None))
