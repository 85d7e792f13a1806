"""The page of make accept: whether the model passed its final exam, and by what."""

from typing import Any

from ..config import Config
from ..reporting import report
from ..reporting.report import Banner, Column, Interval, Page, Row, Section, Table
from . import criteria, scoring


def write(config: Config, verdict: dict[str, Any], looks: str) -> None:
    """Writes artifacts/acceptance/report.html; `looks` says how often models have faced the test split."""
    accepted = verdict["accepted"]
    banner = Banner(
        "good" if accepted else "bad",
        "Accepted: it may be exported" if accepted else "Not accepted: it cannot be exported",
        criteria.summary(verdict["criteria"], "the test split"),
    )
    sections = [
        Section("Success criteria", [criteria.table(verdict["criteria"], verdict["metrics"])]),
        Section("Scores on the test split", [score_table(verdict)]),
        Section(
            "How far to trust them",
            [f"{verdict['examples']} test examples; the test split has been looked at {looks}."],
        ),
    ]
    examined = f"{verdict['time'][:16].replace('T', ' ')} UTC"
    facts = {"Goal": config.goal, "Target": config.target, "Examined": examined, "Model": verdict["model"][:12]}
    report.write_page(
        config.paths.verdict.with_name("report.html"), Page("Is the model good enough?", banner, sections, facts)
    )


def score_table(verdict: dict[str, Any]) -> Table:
    """Every metric of the model, and of the baselines that the criteria name."""
    baselines = verdict["baseline"]
    rows: list[Row] = [
        [scoring.METRICS[name].label, Interval(**score), *(values.get(name) for values in baselines.values())]
        for name, score in verdict["metrics"].items()
    ]
    columns: list[str | Column] = ["Metric", "This model", *(name.replace("_", " ") for name in baselines)]
    return Table("Scores", columns, rows, "Brackets are bootstrap 95 % intervals.")
