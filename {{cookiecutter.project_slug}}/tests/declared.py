"""The settings as the template declares them, for tests that must not depend on what a person has changed."""

import json
import os
from pathlib import Path
from typing import Any

from project import config
from project.settings.base import ENVIRONMENT_PREFIX

VALUES = json.loads((Path(__file__).parent / "declared.json").read_text(encoding="utf-8"))


class Config(config.Config):
    """The project's settings, but for their values: those of the bundled sample, in `declared.json`.

    Variables of the environment win over them, as everywhere.
    """

    def __init__(self, **settings: Any) -> None:
        names = {name for name in config.Config.model_fields if f"{ENVIRONMENT_PREFIX}{name}".upper() not in os.environ}
        super().__init__(**({name: value for name, value in VALUES.items() if name in names} | settings))
