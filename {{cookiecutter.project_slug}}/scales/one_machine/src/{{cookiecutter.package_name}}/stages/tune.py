"""make tune: searches hyperparameters on the training and validation splits; training then uses the winner."""

from ..config import Config
from ..training import search


def main(config: Config) -> None:
    """From the examples tables to artifacts/tuning; a search that was stopped goes on."""
    search.spare_collections()
    tuner = search.make_tuner(config, search.Reporting)
    search.run_trials(config, tuner)
    search.finish(config, tuner)
