"""The registry of exported versions: their numbers, their metadata, and which one is in service."""

from pathlib import Path
from typing import Any

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..reporting import report
from ..settings.base import DESCRIPTION


def in_service(config: Config) -> int:
    """The number of the version in service, which is the highest.

    Raises:
        InputError: there is none.
    """
    if not config.paths.versions():
        raise InputError(f"{config.paths.export} holds no version: run `make export` first")
    return config.paths.versions()[-1]


def folder_of(config: Config, number: int) -> Path:
    """The folder of a version, in service or withdrawn."""
    folder = config.paths.version(number)
    return folder if folder.exists() else config.paths.withdrawn / str(number)


def describe(config: Config, number: int) -> dict[str, Any]:
    """The metadata of a version, written when it was exported."""
    described: dict[str, Any] = artifacts.read_json(folder_of(config, number) / DESCRIPTION, "export")
    return described


def score(described: dict[str, Any]) -> str:
    """The primary metric with its interval."""
    interval = report.Interval.of(described["metrics"][described["metric"]])
    return " ".join([described["metric"], *report.format_interval(interval)])


def next_number(config: Config) -> int:
    """The number of the next version, above all earlier ones."""
    return max([*config.paths.versions(), *config.paths.withdrawn_versions()], default=0) + 1


def number_of(config: Config, identity: dict[str, Any]) -> int | None:
    """The number of the version in service if it is the same model.

    Raises:
        RefusedError: the same model was rolled back.
    """
    for number in config.paths.withdrawn_versions():
        if is_about(describe(config, number), identity):
            raise RefusedError(
                f"the same model is version {number}, which was rolled back; train another one, or put it back in "
                f'service with `make rollback ARGS="--version {number}"`'
            )
    newest = max(config.paths.versions(), default=0)
    return newest if newest and is_about(describe(config, newest), identity) else None


def is_about(described: dict[str, Any], identity: dict[str, Any]) -> bool:
    """Whether a version has the model and the data of an identity."""
    return all(described.get(name) == value for name, value in identity.items())
