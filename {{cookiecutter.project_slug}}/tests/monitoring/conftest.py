"""A service whose requests are on record, for the tests of monitoring."""

from collections.abc import Callable
from pathlib import Path

import pytest

import traffic_log
from declared import Config


@pytest.fixture
def service(finished: Config, tmp_path: Path) -> Callable[..., Config]:
    """Settings of the finished project, with a request log and a monitoring folder of the test's own."""
    traffic_log.known_rows(finished.artifacts, "train")
    folder = tmp_path / "artifacts"
    folder.mkdir()
    for name in ("export", "versions", "examples", "training"):
        (folder / name).symlink_to(finished.artifacts / name)
    return lambda **settings: finished.model_copy(update={"artifacts": folder, **settings})
