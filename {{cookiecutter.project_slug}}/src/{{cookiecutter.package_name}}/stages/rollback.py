"""make rollback: puts the previous version back in service, or the one given by the setting `version`.

Servers serve the highest number, so the versions above it are moved to the folder `withdrawn`, from where they can be
put back. Each move is one rename: whenever it is interrupted, a complete version is in service.
"""

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..exporting import registry


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
    print(f"version {wanted} is in service again instead of {live}: {registry.score(described)}")
    if above:
        print(f'withdrawn: {", ".join(map(str, above))}; restore with `make rollback ARGS="--version {max(above)}"`')


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
