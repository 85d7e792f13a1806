"""make report: writes artifacts/index.html, which links all pages with the answer of each, and opens it."""

import os
import sys
import webbrowser
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

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
    State,
    Status,
    Table,
)
from ..settings.base import without_password
from ..training import run_history

STATES: dict[str, State] = {"good": "good", "bad": "bad"}  # of a page; another one is neutral
HEAD = 10_000  # characters of a page in which its answer stands


class Question(NamedTuple):
    """What a page answers, the folder it is in and the target that writes it."""

    text: str
    folder: str
    target: str


QUESTIONS = (
    Question("Are the data as expected?", "validation", "validate"),
    Question("What does training see?", "preview", "preview"),
    Question("Which hyperparameters are best?", "tuning", "tune"),
    Question("How good is the model?", "evaluation", "evaluate"),
    Question("Is the model good enough?", "acceptance", "accept"),
    Question("Is the model in service healthy?", "monitoring", "monitor"),
    Question("Did new data make it better?", "update", "update"),
)


def main(config: Config) -> None:
    """Writes the page, prints where it is and shows it where there is a display."""
    scoring.score_missing(config)
    answers = {question: read_answer(path_of(config, question)) for question in asked()}
    sections = [
        Section("Pages", [page_table(config, answers)]),
        Section("Training runs", run_blocks(config)),
        Section("Exported versions", version_blocks(config)),
    ]
    facts: dict[str, Cell] = {"Goal": config.goal, "Source": without_password(config.source)}
    page = Page(f"Project: {config.target}", verdict(answers), sections, facts | {"Final exam": final_exam(config)})
    report.write_page(config.paths.index, page)
    print(f"wrote {config.paths.index}")
    if has_display():
        webbrowser.open(config.paths.index.resolve().as_uri())


def asked() -> list[Question]:
    """The questions that stages of this project answer."""
    package = Path(__file__).parent
    return [question for question in QUESTIONS if (package / f"{question.target}.py").exists()]


def path_of(config: Config, question: Question) -> Path:
    """The page that answers a question."""
    return config.artifacts / question.folder / "report.html"


class Answer(HTMLParser):
    """Finds in the head of a page what it answers."""

    def __init__(self) -> None:
        """Begins without an answer."""
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps what `meta` elements say."""
        attributes = dict(attrs)
        if tag == "meta" and attributes.get("name"):
            self.found[str(attributes["name"])] = attributes.get("content") or ""


def read_answer(path: Path) -> Banner | None:
    """The answer that a page begins with; None if it has not been written."""
    if not path.exists():
        return None
    parser = Answer()
    with path.open(encoding="utf-8") as page:
        parser.feed(page.read(HEAD))
    found = parser.found
    state = STATES.get(found.get("state", ""), "neutral")
    return Banner(state, found.get("headline", "") or "There is an answer", found.get("detail", ""))


def verdict(answers: dict[Question, Banner | None]) -> Banner:
    """What all pages say together."""
    written = {question: answer for question, answer in answers.items() if answer}
    problems = [question.text for question, answer in written.items() if answer.state == "bad"]
    if not written:
        return Banner("neutral", "Nothing has been run yet", "`make all` runs every stage.")
    if problems:
        return Banner("bad", f"{len(problems)} of {len(written)} pages report a problem", " ".join(problems))
    return Banner("good", "No page reports a problem", f"{len(written)} of {len(answers)} pages have been written.")


def page_table(config: Config, answers: dict[Question, Banner | None]) -> Table:
    """A row per page, in the order of the life cycle."""
    rows: list[Row] = []
    for question, answer in answers.items():
        path = path_of(config, question)
        if answer:
            link = Link(question.text, path.relative_to(config.artifacts).as_posix())
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
            rows.append([link, Status(answer.state, answer.headline), Prose(answer.detail), written])
        else:
            rows.append([question.text, None, Prose(f"Not asked yet: `make {question.target}`"), None])
    return Table("What the stages found", ["Question", "Answer", "Why", "Written (UTC)"], rows)


def final_exam(config: Config) -> Status:
    """Whether the test split accepted the model."""
    if not config.paths.verdict.exists():
        return Status("neutral", "not yet: make accept")
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    if not config.paths.model.exists() or verdict["model"] != artifacts.content_hash(config.paths.model):
        return Status("neutral", "not of the present model: make accept")
    return Status("good", "accepted") if verdict["accepted"] else Status("bad", "not accepted")


def run_blocks(config: Config) -> list[Block]:
    """The training runs that are kept, the newest first."""
    rows: list[Row] = []
    for run in run_history.read_all(config):
        score = Interval(**run.scores[config.metric]) if config.metric in run.scores else Interval(None)
        rows.append([run.number, scoring.time(run), score, scoring.settings(run), *scoring.origin(run)])
    if not rows:
        return ["There is none yet: make train."]
    metric = Column(f"{config.metric} on validation", bars=True)
    columns: list[str | Column] = ["Run", "Trained (UTC)", metric, "Other settings", "Data", "Code"]
    note = "Other settings are those that differ from config.py. `make compare` tells whether a difference is chance."
    return [Table("Runs", columns, rows, note)]


def version_blocks(config: Config) -> list[Block]:
    """The exported versions, the newest first."""
    rows: list[Row] = []
    standing = config.paths.versions()
    for number in reversed(standing):
        described = registry.describe(config, number)
        state = Status("good", "in service") if number == standing[-1] else Status("neutral", "kept")
        score = Interval(**described["metrics"][described["metric"]])
        rows.append([number, state, described["exported_at"][:16].replace("T", " "), score])
    if not rows:
        return ["There is none yet: make export."]
    return [Table("Versions", ["Version", "State", "Exported (UTC)", f"{config.metric} on test"], rows)]


def has_display() -> bool:
    """Whether a browser could show a page to somebody."""
    return sys.stdout.isatty() and (
        sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )
