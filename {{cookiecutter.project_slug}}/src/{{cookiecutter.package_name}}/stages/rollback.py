"""make rollback: puts the previous version back in service, or the one given by the setting `version`.

Servers serve the highest number, so the versions above it are moved to the folder `withdrawn`, from where they can be
put back. Each move is one rename: whenever it is interrupted, a complete version is in service. A server that runs is
asked whether it has followed.
"""

import contextlib
import json
import time
import urllib.request
from collections.abc import Mapping

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, RefusedError
from ..exporting import registry
from ..settings.base import PROJECT
from ..settings.serving import local_address

PATIENCE = 60  # seconds for a server to load a version, beyond the time between two looks for one
ANSWER_SECONDS = 5


def main(config: Config) -> None:
    """Moves folders so that the chosen version has the highest number."""
    live, wanted = choose(config)
    if wanted == live:
        print(f"version {wanted} is already in service")
        return
    if not config.paths.version(wanted).exists():
        (config.paths.withdrawn / str(wanted)).rename(config.paths.version(wanted))
    above = [number for number in config.paths.versions() if number > wanted]
    config.paths.withdrawn.mkdir(exist_ok=True)
    for number in above:  # the live one last, so that a server goes straight from it to the wanted one
        config.paths.version(number).rename(config.paths.withdrawn / str(number))
    described = registry.describe(config, wanted)
    record = {"version": wanted, "model": described["model"], "data": described["data"]}
    artifacts.write_json(config.paths.exported, record)
    verify(config, wanted)
    print(f"version {wanted} is in service again instead of {live}: {registry.score(described)}")
    if above:
        print(f'withdrawn: {", ".join(map(str, above))}; restore with `make rollback ARGS="--version {max(above)}"`')


def verify(config: Config, wanted: int) -> None:
    """Waits until the server, if one runs, has put a version in service.

    Raises:
        RefusedError: it has not in time.
    """
    address = server_address(config)
    deadline = time.monotonic() + config.poll_seconds + PATIENCE
    while (served := version_served(config, address)) not in (None, wanted):
        if time.monotonic() > deadline:
            raise RefusedError(
                f"version {wanted} is in its place, but the server at {address} still serves version {served}; "
                f"see {address}/healthz, or restart it"
            )
        time.sleep(min(0.2, config.poll_seconds))


def server_address(config: Config) -> str:
    """The address of the server that was started last, or else that of the settings."""
    if config.paths.server.exists():
        with contextlib.suppress(InputError, KeyError, TypeError):
            return str(artifacts.read_json(config.paths.server, "serve")["address"])
    return local_address(config.host, config.port)


def version_served(config: Config, address: str) -> int | None:
    """The version that a server of this project says is in service; None if none answers."""
    headers = {"X-API-Key": config.api_key.get_secret_value()}
    request = urllib.request.Request(f"{address}/v1/models/{PROJECT}", headers=headers)  # noqa: S310 (http, our own)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310
            states: list[Mapping[str, str]] = json.load(response)["model_version_status"]
    except (OSError, ValueError, LookupError, TypeError):  # urllib's errors too: nobody, or somebody else
        return None
    return next((int(each["version"]) for each in states if each["state"] == "AVAILABLE"), None)


def choose(config: Config) -> tuple[int, int]:
    """The numbers of the version in service and of the chosen one.

    Raises:
        InputError: the version does not exist, or there is none before the one in service.
    """
    live, standing = registry.in_service(config), config.paths.versions()
    known = sorted({*standing, *config.paths.withdrawn_versions()})
    if config.version and config.version not in known:
        raise InputError(f"version is {config.version}, which does not exist; there are: {', '.join(map(str, known))}")
    if not config.version and len(standing) < 2:
        raise InputError(f"version {live} is the only one: there is no earlier version to go back to")
    return live, config.version or standing[-2]
