"""make versions: lists the exported versions with their dates and scores, and which one is in service."""

from ..config import Config
from ..core.errors import InputError
from ..exporting import registry


def main(config: Config) -> None:
    """Prints a line per version, newest first."""
    standing, withdrawn = config.paths.versions(), config.paths.withdrawn_versions()
    if not standing and not withdrawn:
        raise InputError(f"{config.paths.export} holds no version: run `make export` first")
    states = dict.fromkeys(standing, "kept") | dict.fromkeys(withdrawn, "withdrawn")
    if standing:
        states[standing[-1]] = "in service"
    print(f"{'version':>7}  {'state':10}  {'exported':16}  score on the test split")
    for number in sorted(states, reverse=True):
        described = registry.describe(config, number)
        exported_at = described["exported_at"][:16].replace("T", " ")
        print(f"{number:>7}  {states[number]:10}  {exported_at}  {registry.score(described)}")
