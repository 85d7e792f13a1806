"""make update: takes new labelled data in, trains a challenger, and lets it replace the model in service if it is fit.

Everything happens in artifacts/update/candidate until the decision: whenever it is interrupted, the version in service
and the last good artifacts are whole.
"""

import contextlib
import fcntl
from collections.abc import Generator, Iterator

import keras
import pyarrow as pa

from .. import examples
from ..config import Config
from ..core import artifacts, staleness
from ..core.errors import InputError, RefusedError
from ..data import gathering, tables
from ..data.provenance import Provenance
from ..evaluation import promotion
from ..exporting import saved_model
from ..training import run_history
from ..updating import new_data, page
from . import accept, collect, evaluate, export, train, validate

DECISION = "decision.json"
WARM_RATE = 0.25  # of the learning rate: weights that are nearly right need smaller steps
MOVED = ("examples", "validation", "training", "evaluation", "acceptance")  # what a promoted challenger replaces


def main(config: Config) -> None:
    """From new labelled data to the next version, or to the reason why there is none."""
    champion = max(config.paths.versions(), default=0)
    if not champion:
        raise InputError("there is no version in service to update: run `make all` first")
    with locked(config):
        if config.use_feedback:
            new_data.write_table(config, champion)
        if not new_data.is_waiting(config) and not is_unfinished(config):
            print(f"nothing new: {config.incoming} is empty, and no request got a new outcome; see docs/updating.md")
            return
        candidate = candidate_config(config, champion)
        take_in(config, candidate)
        keep_hyperparameters(config, candidate, champion)
        train.main(candidate)
        decide(config, candidate, champion)


def is_unfinished(config: Config) -> bool:
    """Whether data were taken in by an update that was interrupted before its decision."""
    path = config.paths.update / DECISION
    considered = artifacts.read_json(path, "update")["added"] if path.exists() else []
    return gathering.taken(config) != considered


@contextlib.contextmanager
def locked(config: Config) -> Generator[None, None, None]:
    """Keeps a second update from running at the same time."""
    config.paths.update.mkdir(parents=True, exist_ok=True)
    with (config.paths.update / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("another update is running: wait until it has ended") from None
        yield


def candidate_config(config: Config, champion: int) -> Config:
    """The settings of the challenger, which has a folder of its own and may start from the champion's weights."""
    start = str(config.paths.record(champion) / saved_model.KEPT_MODEL) if config.warm_start else config.start
    return config.model_copy(update={"artifacts": config.paths.candidate, "start": start})


def keep_hyperparameters(config: Config, candidate: Config, champion: int) -> None:
    """Gives the challenger the champion's hyperparameters, as if they had been searched on the present data."""
    run = artifacts.read_json(config.paths.record(champion) / saved_model.KEPT_RUN, "export")
    values = dict(run["hyperparameters"])
    if config.warm_start and "learning_rate" in values:
        values["learning_rate"] *= WARM_RATE
    winner = {"values": values, "data": tables.data_hash(candidate)}
    artifacts.write_json(candidate.paths.best_hyperparameters, winner)


def take_in(config: Config, candidate: Config) -> None:
    """Joins the new data to the examples of the challenger; when they passed the checks they belong to the project."""
    artifacts.remove(candidate.artifacts)
    is_waiting = new_data.is_waiting(config)
    provenance, collected = Provenance(), [config.source, *gathering.taken(config)]
    collected += [str(config.incoming)] if is_waiting else []
    parts = gathering.read(examples, config, collected, provenance)
    collect.assemble(candidate, check_new(config, parts), provenance)
    validate.main(candidate)
    if is_waiting:
        print(f"the new data are now in {new_data.take_in(config)}")


def check_new(config: Config, parts: Iterator[gathering.Part]) -> Iterator[gathering.Part]:
    """The examples of each source; those that are new have passed the checks of validation."""
    for source, part in parts:
        if source == str(config.incoming):
            validate.check_new(config, pa.Table.from_pandas(part, preserve_index=False))
        yield source, part


def decide(config: Config, candidate: Config, champion: int) -> None:
    """Examines the challenger, compares it with the champion, writes the page and acts on the decision."""
    try:
        accept.main(candidate)
        accepted = True
    except RefusedError:
        accepted = False
    comparison, slices = promotion.examine(candidate, old_model(config, champion))
    promoted = accepted and comparison.holds_up
    reason = promotion.reason(config, comparison, accepted)
    if promoted:
        evaluate.main(candidate)
        promote(config)
    run_history.take_over(config, candidate)
    newest = max(config.paths.versions())
    verdict = f"version {newest} replaces version {champion}" if promoted else f"version {champion} stays in service"
    decision = {"promoted": promoted, "champion": champion, "version": newest, "reason": reason}
    facts = {"added": gathering.taken(config), "comparison": vars(comparison)}
    artifacts.write_json(config.paths.update / DECISION, decision | facts)
    page.write(config, decision, comparison, slices)
    print(f"{verdict}: {reason}\nwrote {config.paths.update / 'report.html'}")


def old_model(config: Config, champion: int) -> keras.Model:
    """The model in service, as it was before its export."""
    path = artifacts.require(config.paths.record(champion) / saved_model.KEPT_MODEL, "export")
    model: keras.Model = keras.models.load_model(path)
    return model


def promote(config: Config) -> None:
    """Makes the challenger's artifacts the project's own and exports it as the next version."""
    for name in MOVED:
        with artifacts.replacing(config.artifacts / name) as temporary:
            (config.paths.candidate / name).rename(temporary)
    export.main(config)
    staleness.settle(config)
