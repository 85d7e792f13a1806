"""The settings as the template declares them, for tests that must not depend on what a person has changed."""

import json
from pathlib import Path
from typing import Any

from project import config

VALUES = json.loads((Path(__file__).parent / "declared.json").read_text(encoding="utf-8"))


class Config(config.Config):
    """The project's settings, but for their values: those of the bundled sample, in `declared.json`."""

    def __init__(self, **settings: Any) -> None:
        known = {name: value for name, value in VALUES.items() if name in config.Config.model_fields}
        super().__init__(**(known | settings))
