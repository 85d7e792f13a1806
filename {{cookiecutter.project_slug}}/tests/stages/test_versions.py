"""make versions: the exported versions are listed, and which one is in service."""

import shutil

import pytest

from project.core import artifacts
from project.core.errors import InputError
from project.settings.base import DESCRIPTION
from project.stages import versions

from declared import Config


def add_version(config: Config, number: int) -> None:
    """Another version, as if another model had been exported."""
    shutil.copytree(config.paths.version(1), config.paths.version(number))
    described = artifacts.read_json(config.paths.version(number) / DESCRIPTION, "export")
    artifacts.write_json(config.paths.version(number) / DESCRIPTION, described | {"model": f"model {number}"})


def test_the_list_shows_which_version_is_in_service(trained: Config, capsys: pytest.CaptureFixture[str]) -> None:
    add_version(trained, 2)
    versions.main(trained)
    _, newest, oldest = capsys.readouterr().out.splitlines()
    assert "2  in service" in newest
    assert "1  kept" in oldest
    assert trained.metric in newest


def test_without_a_version_the_target_to_run_is_named(trained: Config) -> None:
    artifacts.remove(trained.paths.export)
    with pytest.raises(InputError, match="make export"):
        versions.main(trained)
