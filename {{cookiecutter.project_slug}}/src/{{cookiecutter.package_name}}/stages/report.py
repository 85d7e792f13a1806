"""make report: writes artifacts/index.html, which links every page with its headline, and opens it."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import NamedTuple

from .. import metrics
from ..config import Config
from ..core import artifacts
from ..evaluation import scoring
from ..exporting import registry
from ..reporting import report
from ..reporting.report import (
    Banner,
    Block,
    Cell,
    Column,
    Interval,
    Link,
    Page,
    Prose,
    Row,
    Section,
    Status,
    Table,
)
from ..settings.base import without_password
from ..training import run_history


class Entry(NamedTuple):
    """A page: what it is about, its folder, and the target that writes it."""

    title: str
    folder: str
    target: str


ENTRIES = (
    Entry("Data validation", "validation", "validate"),
    Entry("Preprocessing preview", "preview", "preview"),
    Entry("Embeddings", "embeddings", "embed"),
    Entry("Hyperparameter search", "tuning", "tune"),
    Entry("Evaluation", "evaluation", "evaluate"),
    Entry("Test evaluation", "acceptance", "accept"),
    Entry("Monitoring", "monitoring", "monitor"),
    Entry("Model update", "update", "update"),
)


def main(config: Config) -> None:
    """Writes the page, prints where it is and opens it where there is a display."""
    scoring.score_missing(config)
    summaries = {entry: report.read_summary(path_of(config, entry)) for entry in entries()}
    sections = [
        Section("Pages", [page_table(config, summaries)]),
        Section("Training runs", run_blocks(config)),
        Section("Exported versions", version_blocks(config)),
    ]
    facts: dict[str, Cell] = {"Goal": report.goal(config.goal), "Source": without_password(config.source)}
    facts["Test evaluation"] = acceptance(config)
    report.write_page(config.paths.index, Page(f"Project: {config.target}", overview(summaries), sections, facts))
    print(f"wrote {config.paths.index}")
    if has_display():
        webbrowser.open(config.paths.index.resolve().as_uri())


def entries() -> list[Entry]:
    """The pages that stages of this project write."""
    package = Path(__file__).parent
    return [entry for entry in ENTRIES if (package / f"{entry.target}.py").exists()]


def path_of(config: Config, entry: Entry) -> Path:
    """The file of a page."""
    return config.artifacts / entry.folder / "report.html"


def overview(summaries: dict[Entry, report.Summary | None]) -> Banner:
    """How many pages report a problem."""
    written = {entry: summary.banner for entry, summary in summaries.items() if summary}
    problems = [entry.title for entry, banner in written.items() if banner.state == "bad"]
    if not written:
        return Banner("neutral", "Nothing has been run yet", "`make all` runs every stage.")
    if problems:
        return Banner("bad", f"{len(problems)} of {len(written)} pages report a problem", ", ".join(problems))
    return Banner("good", "No page reports a problem", f"{len(written)} of {len(summaries)} pages have been written.")


def page_table(config: Config, summaries: dict[Entry, report.Summary | None]) -> Table:
    """A row per page, in the order of the life cycle."""
    rows: list[Row] = []
    for entry, summary in summaries.items():
        path = path_of(config, entry)
        if summary:
            link = Link(entry.title, path.relative_to(config.artifacts).as_posix())
            banner = summary.banner
            rows.append([link, Status(banner.state, banner.headline), Prose(banner.detail), summary.written])
        elif path.exists():
            link = Link(entry.title, path.relative_to(config.artifacts).as_posix())
            rows.append([link, None, Prose(f"Written by an older version; run `make {entry.target}` again"), None])
        else:
            rows.append([entry.title, None, Prose(f"Not written yet: `make {entry.target}`"), None])
    return Table("Results of the stages", ["Page", "Result", "Details", "Written (UTC)"], rows)


def acceptance(config: Config) -> Status:
    """Whether the current model was accepted on the test split."""
    if not config.paths.verdict.exists():
        return Status("neutral", "not done yet: make accept")
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    if not config.paths.model.exists() or verdict["model"] != artifacts.content_hash(config.paths.model):
        return Status("neutral", "not done for the current model: make accept")
    return Status("good", "accepted") if verdict["accepted"] else Status("bad", "rejected")


def run_blocks(config: Config) -> list[Block]:
    """The training runs that are kept, the newest first."""
    rows: list[Row] = []
    for run in run_history.read_all(config):
        score = Interval.of(run.scores[config.metric]) if config.metric in run.scores else Interval(None)
        rows.append([run.number, scoring.time(run), score, scoring.settings(run), *scoring.origin(run)])
    if not rows:
        return ["No model has been trained yet: `make train`."]
    metric = Column(f"{config.metric} on validation", metrics.METRICS[config.metric].format, bars=True)
    columns: list[str | Column] = ["Run", "Trained (UTC)", metric, "Other settings", "Data", "Code"]
    note = (
        "Other settings are those that differ from config.py. `make compare` tests whether a difference is significant."
    )
    return [Table("Runs", columns, rows, note)]


def version_blocks(config: Config) -> list[Block]:
    """The exported versions, the newest first."""
    rows: list[Row] = []
    versions = config.paths.versions()
    for number in reversed(versions):
        described = registry.describe(config, number)
        state = Status("good", "in service") if number == versions[-1] else Status("neutral", "kept")
        score = Interval.of(described["metrics"][described["metric"]])
        rows.append([number, state, described["exported_at"][:16].replace("T", " "), score])
    if not rows:
        return ["No version has been exported yet: `make export`."]
    return [Table("Versions", ["Version", "State", "Exported (UTC)", f"{config.metric} on test"], rows)]


def has_display() -> bool:
    """Whether a browser could show a page to somebody."""
    return sys.stdout.isatty() and (
        sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )
