"""make rollback: what is in service can be taken back and brought back."""

import shutil

import pytest

from project.core import artifacts
from project.core.errors import InputError, RefusedError
from project.exporting import registry
from project.settings.base import DESCRIPTION
from project.stages import export, rollback

from declared import Config


def add_version(config: Config, number: int) -> None:
    """Another version, as if another model had been exported."""
    shutil.copytree(config.paths.version(1), config.paths.version(number))
    described = artifacts.read_json(config.paths.version(number) / DESCRIPTION, "export")
    artifacts.write_json(config.paths.version(number) / DESCRIPTION, described | {"model": f"model {number}"})


def roll_back(config: Config, version: int = 0) -> None:
    rollback.main(config.model_copy(update={"version": version}))


def test_the_previous_version_comes_back_and_the_new_one_can_return(trained: Config) -> None:
    add_version(trained, 2)
    roll_back(trained)
    assert (trained.paths.versions(), trained.paths.withdrawn_versions()) == ([1], [2])
    assert artifacts.read_json(trained.paths.exported, "export")["version"] == 1
    roll_back(trained, version=2)
    assert (trained.paths.versions(), trained.paths.withdrawn_versions()) == ([1, 2], [])


def test_a_version_may_be_chosen_among_all(trained: Config) -> None:
    for number in (2, 3, 4):
        add_version(trained, number)
    roll_back(trained, version=2)
    assert trained.paths.versions() == [1, 2]
    roll_back(trained, version=3)
    assert trained.paths.versions() == [1, 2, 3]
    roll_back(trained, version=1)
    assert trained.paths.withdrawn_versions() == [2, 3, 4]
    assert registry.next_number(trained) == 5


def test_a_model_that_was_rolled_back_is_not_exported_again(trained: Config) -> None:
    trained.paths.withdrawn.mkdir()
    trained.paths.version(1).rename(trained.paths.withdrawn / "1")
    with pytest.raises(RefusedError, match="rolled back"):
        export.main(trained)


@pytest.mark.parametrize(("version", "words"), [(0, "the only one"), (7, "does not exist")])
def test_what_cannot_be_rolled_back_is_refused(trained: Config, version: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        roll_back(trained, version)
    assert trained.paths.versions() == [1]


def test_without_a_version_the_target_to_run_is_named(trained: Config) -> None:
    artifacts.remove(trained.paths.export)
    with pytest.raises(InputError, match="make export"):
        rollback.main(trained)
