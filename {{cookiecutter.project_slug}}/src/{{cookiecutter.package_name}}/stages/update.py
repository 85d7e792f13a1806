"""make update: adds new labelled data, trains a challenger, and promotes it if it is accepted and not worse.

Until the decision, everything is written to artifacts/update/candidate: an interrupted update leaves the version in
service and the last good artifacts intact.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import keras
import pandas as pd

from .. import examples, metrics, task
from ..config import Config
from ..core import artifacts, staleness
from ..core.errors import InputError, RefusedError
from ..data import loading, reading, requests, tables, targets
from ..data.provenance import Provenance
from ..evaluation import criteria, inference, scoring
from ..evaluation.scoring import Comparison
from ..exporting import registry, saved_model
from ..reporting import report
from ..reporting.report import Banner, Column, Interval, Page, Row, Score, Scores, Section, Table
from ..training import fit, run_history
from ..updating import new_data
from . import accept, collect, evaluate, export, train, validate

DECISION = "decision.json"
READINGS = 3  # of the new data, if files arrive meanwhile
WARM_RATE = 0.25  # of the learning rate: trained weights need smaller steps
MOVED = {
    "examples": "provenance.json",
    "validation": "statistics.pb",
    "training": "run.json",
    "evaluation": "metrics.json",
    "acceptance": "verdict.json",
}  # folders of artifacts that a promoted challenger replaces, and a file by which each is known to be ours


def main(config: Config) -> None:
    """From new labelled data to the next version, or to the reason why the champion stays."""
    champion = max(config.paths.versions(), default=0)
    if not champion:
        raise InputError("there is no version in service to update: run `make all` first")
    with artifacts.locked(config.artifacts):
        new_data.restore(config)
        if config.use_feedback:
            new_data.write_table(config, champion)
        if not new_data.files(config) and not is_unfinished(config):
            print(f"nothing new: {config.incoming} is empty, and no request has a new label; see docs/updating.md")
            return
        candidate = candidate_config(config, champion)
        add_data(config, candidate)
        candidate = keep_positive(candidate, registry.describe(config, champion))
        keep_hyperparameters(config, candidate, champion)
        train.main(candidate)
        decide(config, candidate, champion)


def is_unfinished(config: Config) -> bool:
    """Whether an update that added data was interrupted before its decision."""
    path = config.paths.update / DECISION
    considered = artifacts.read_json(path, "update")["added"] if path.exists() else []
    return reading.taken(config) != considered


def candidate_config(config: Config, champion: int) -> Config:
    """The settings of the challenger: its own folder and, with `warm_start`, the champion's weights."""
    start = str(config.paths.record(champion) / saved_model.KEPT_MODEL) if config.warm_start else config.start
    return config.model_copy(update={"artifacts": config.paths.candidate, "start": start})


def keep_positive(candidate: Config, described: Mapping[str, Any]) -> Config:
    """The challenger's settings, with the champion's positive class of two, if none is named and both are still there.

    Otherwise new data could make the other class the rarer one, which costs, thresholds and metrics would then be of.
    """
    classes = described["parts"].get("probabilities", [])
    is_free = getattr(candidate, "positive", None) == "" and not getattr(candidate, "order", ())
    if not is_free or len(classes) != 2:
        return candidate
    present = tables.read_rows(candidate, "train", [candidate.target])[candidate.target].astype(str)
    return candidate.model_copy(update={"positive": classes[1]} if {*present} == {*classes} else {})


def keep_hyperparameters(config: Config, candidate: Config, champion: int) -> None:
    """Writes the champion's hyperparameters as the result of a search on the present data, for the challenger."""
    run = artifacts.read_json(config.paths.record(champion) / saved_model.KEPT_RUN, "export")
    values = dict(run["hyperparameters"])
    if config.warm_start and "learning_rate" in values:
        values["learning_rate"] *= WARM_RATE
    key = fit.found_for(candidate)
    winner = {"values": values, **key, "network": run.get("network", key["network"])}
    artifacts.write_json(candidate.paths.best_hyperparameters, winner)


def add_data(config: Config, candidate: Config) -> None:
    """Adds new data to the challenger's examples, and to the project's data once they have passed the checks."""
    artifacts.remove(candidate.artifacts)
    used = columns_in_use(config)
    for _ in range(READINGS):
        found = new_data.files(config)
        provenance, collected = Provenance(), reading.collected(config) + ([str(config.incoming)] if found else [])
        parts = reading.read(examples, config, collected, provenance)
        collect.assemble(candidate, check_new(config, parts, used), provenance)
        if new_data.files(config) == found:
            break
    else:
        raise InputError(f"{config.incoming} changed while it was read: run `make update` when all files are there")
    columns = artifacts.read_json(candidate.paths.provenance, "collect")["columns"]
    validate.main(candidate, columns.keys() - used)
    if found:
        print(f"added the new data in {new_data.add(config, found)}")


def columns_in_use(config: Config) -> set[str]:
    """The columns that matter to the version in service: what it takes, what describes that, and the target."""
    inputs = [entry["column"] for entry in registry.describe(config, max(config.paths.versions()))["inputs"].values()]
    roles = {*config.targets, config.group, config.time, config.sample_weight}
    return roles | {*inputs, *requests.columns(inputs)} - {config.key, *config.ignore}


def check_new(config: Config, parts: Iterator[reading.Part], used: Collection[str]) -> Iterator[reading.Part]:
    """The examples of each source, after new ones that have a target have been validated; the others are left out."""
    for source, part in parts:
        if source == str(config.incoming):
            labelled = part[part[[*config.targets]].notna().any(axis=1)] if {*config.targets} <= {*part} else part
            own = without_unknown_rare(config, labelled.drop(columns=reading.GIVEN, errors="ignore"))
            if len(own):
                validate.check_new(config, reading.to_arrow(own), used)
        yield source, part


def without_unknown_rare(config: Config, part: pd.DataFrame) -> pd.DataFrame:
    """New examples as the schema can know them: with rare classes merged, or left out if it knows no such class."""
    name = config.targets[0]  # classes are never several targets
    trained = tables.read_rows(config, "train", [name])[name]
    known = targets.without_rare(config, part[name], trained)
    is_as_before = known.astype(str) == part[name].astype(str)
    return part.assign(**{name: known})[is_as_before | known.isin(trained)]


def decide(config: Config, candidate: Config, champion: int) -> None:
    """Evaluates the challenger, compares it with the champion, and promotes it or not."""
    accepted = is_accepted(config, candidate)
    comparison, slices = compare(candidate, old_model(config, champion))
    promoted = accepted and comparison.is_not_inferior
    reason = scoring.reason(config, comparison, accepted)
    if promoted:
        evaluate.main(candidate)
        promote(config)
    run_history.take_over(config, candidate)
    newest = max(config.paths.versions())
    verdict = f"version {newest} replaces version {champion}" if promoted else f"version {champion} stays in service"
    decision = {"promoted": promoted, "champion": champion, "version": newest, "reason": reason}
    facts = {"added": reading.taken(config), "comparison": vars(comparison)}
    artifacts.write_json(config.paths.update / DECISION, decision | facts)
    write_report(config, decision, comparison, slices)
    print(f"{verdict}: {reason}\nwrote {config.paths.update / 'report.html'}")


def compare(config: Config, old: keras.Model) -> tuple[Comparison, list[Row]]:
    """Compares the model of `config` with an old one on the test split; also returns both scores of each slice."""
    new = inference.load_model(config)
    examples = loading.read_examples(config, "test")
    known, wanted = inference.target_of(old), inference.target_of(new)
    champion = task.aligned(inference.predict(old, examples), known, wanted)
    challenger = inference.predict(new, examples)
    targets, context = task.actual(wanted, examples[config.target_columns]), inference.context_of(config, new)
    rows: list[Row] = []
    before = {key(entry): entry for entry in scoring.score_slices(context, examples, targets, champion)}
    for entry in scoring.score_slices(context, examples, targets, challenger):
        if key(entry) in before:
            both = [report.Interval.of(each) for each in (before[key(entry)], entry)]
            rows.append([entry["column"], entry["slice"], entry["examples"], *both])
    return scoring.compare(context, targets, champion, challenger, tables.sample_weights(config, examples)), rows


def key(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The column and value that define a slice."""
    return entry["column"], entry["slice"]


def is_accepted(config: Config, candidate: Config) -> bool:
    """Evaluates the challenger on the test split, which the project counts as well."""
    if config.paths.test_evaluations.exists():
        artifacts.copy(config.paths.test_evaluations, candidate.paths.test_evaluations)
    try:
        accept.main(candidate)
    except RefusedError:
        return False
    finally:
        if candidate.paths.test_evaluations.exists():
            artifacts.copy(candidate.paths.test_evaluations, config.paths.test_evaluations)
    return True


def old_model(config: Config, champion: int) -> keras.Model:
    """The Keras model of the version in service."""
    return inference.read_model(config.paths.record(champion) / saved_model.KEPT_MODEL, "export")


def promote(config: Config) -> None:
    """Moves the challenger's artifacts to the project's and exports it as the next version."""
    for name, mark in MOVED.items():
        with artifacts.replacing(config.artifacts / name, mark) as temporary:
            (config.paths.candidate / name).rename(temporary)
    export.main(config)
    staleness.settle(config)


def write_report(config: Config, decision: dict[str, Any], comparison: Comparison, slices: Sequence[Row]) -> None:
    """Writes artifacts/update/report.html."""
    version, champion = decision["version"], decision["champion"]
    headline = f"Version {version} replaces version {champion}" if decision["promoted"] else f"Version {champion} stays"
    state: report.State = "good" if decision["promoted"] else "neutral"
    reason = str(decision["reason"])
    evaluated = (
        config.paths if decision["promoted"] else config.model_copy(update={"artifacts": config.paths.candidate}).paths
    )
    verdict = artifacts.read_json(evaluated.verdict, "update")
    sections = [
        Section("Scores on the same test examples", [key_figures(config, comparison), score_table(comparison)]),
        Section("Success criteria", [criteria.table(verdict["criteria"])]),
        Section("Scores by slice", [slice_table(config, slices)]),
        Section("Data", data_blocks(artifacts.read_json(evaluated.provenance, "update"))),
        Section("Training", [training_table(artifacts.read_json(evaluated.run, "update"))]),
    ]
    page = Page(
        "Update: champion and challenger",
        Banner(state, headline, reason[0].upper() + reason[1:] + "."),
        sections,
        {
            "Goal": report.goal(config.goal),
            "Target": config.target,
            "Evaluated": f"{verdict['time'][:16].replace('T', ' ')} UTC",
        },
    )
    report.write_page(config.paths.update / "report.html", page)


def key_figures(config: Config, comparison: Comparison) -> Scores:
    """The primary metric of both models, and the gain."""
    label, form = metrics.METRICS[config.metric].label, metrics.METRICS[config.metric].format
    champion, challenger, gain = (
        Interval.of(scores[config.metric], form)
        for scores in (comparison.champion, comparison.challenger, comparison.gains)
    )
    state: report.State = "good" if comparison.is_not_inferior else "bad"
    return Scores(
        [
            Score(f"{label} of the champion", champion),
            Score(f"{label} of the challenger", challenger),
            Score("Gain", gain, "above 0 the challenger is better", state),
        ]
    )


def score_table(comparison: Comparison) -> Table:
    """Every metric of both models."""
    rows: list[Row] = [
        [
            metrics.METRICS[name].label,
            *(
                Interval.of(scores[name], metrics.METRICS[name].format)
                for scores in (comparison.champion, comparison.challenger, comparison.gains)
            ),
        ]
        for name in comparison.gains
    ]
    note = "In brackets: 95 % bootstrap intervals. Gains are from a paired bootstrap over the same examples."
    return Table("Scores", ["Metric", "Champion", "Challenger", "Gain"], rows, note)


def slice_table(config: Config, slices: Sequence[Row]) -> Table:
    """The primary metric of both models by slice of the test split."""
    metric = metrics.METRICS[config.metric]
    scores = [Column(model, metric.format) for model in ("Champion", "Challenger")]
    columns: list[str | Column] = ["Column", "Slice", "Examples", *scores]
    return Table(f"{metric.label} by slice", columns, slices, "Sorted by the score of the challenger, worst first.")


def data_blocks(provenance: dict[str, Any]) -> list[report.Block]:
    """The data of the challenger."""
    files: list[Row] = [[source["name"], source["bytes"]] for source in provenance["sources"]]
    return [*report.data_tables(provenance), Table("Files", ["File", "Bytes"], files)]


def training_table(run: dict[str, Any]) -> Table:
    """The training run of the challenger."""
    rows: list[list[str]] = [
        [name, str(run[name])] for name in ("time", "seconds", "epochs", "best_epoch", "commit", "model")
    ]
    start = run["settings"]["start"] or "from scratch"
    return Table("Training of the challenger", ["Name", "Value"], [*rows, ["start", start]])
