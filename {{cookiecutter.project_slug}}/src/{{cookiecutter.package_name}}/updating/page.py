"""The page of make update: champion and challenger side by side, and the reason of the decision."""

from collections.abc import Sequence
from typing import Any

from .. import metrics
from ..config import Config
from ..core import artifacts
from ..evaluation import criteria
from ..evaluation.promotion import Comparison
from ..reporting import report
from ..reporting.report import Banner, Column, Interval, Page, Row, Score, Scores, Section, Table


def write(config: Config, decision: dict[str, Any], comparison: Comparison, slices: Sequence[Row]) -> None:
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
