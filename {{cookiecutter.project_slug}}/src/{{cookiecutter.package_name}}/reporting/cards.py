"""The data card, and what cards share: Markdown templates in which whatever data hold stays text."""

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..config import Config
from ..settings.base import SPLITS
from .report import NO_GOAL, Interval, format_interval, visible

SIGNS = re.compile(r"([\\`*_{}\[\]#|~])")  # that Markdown gives a meaning

NAME = "DATA_CARD.md"
TEMPLATE = Path(__file__).with_name("data_card.md.j2")
BESIDE = ("README*", "LICENSE*", "*.LICENSE", "LICENCE*")  # files beside the source that may state its licence
MAX_COLUMNS = 100  # more are counted
NOT_STATED = "not stated: write it into a README.md or LICENSE beside the source"


def render(template: Path, **content: Any) -> str:
    """A card from its template, in which every value is escaped."""
    environment = jinja2.Environment(  # noqa: S701 - it escapes HTML, too
        finalize=lambda value: value if isinstance(value, Markup) else text(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals.update(table=table, score=score)
    return environment.from_string(template.read_text(encoding="utf-8")).render(content)


def text(value: object) -> str:
    """A value as text on one line."""
    return SIGNS.sub(r"\\\1", html.escape(" ".join(visible(value).split()), quote=False))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """A table in Markdown."""
    lines = [" | ".join(text(cell) for cell in row) for row in (header, *rows)]
    lines.insert(1, " | ".join(["---"] * len(header)))
    return Markup("\n".join(f"| {line} |" for line in lines))  # noqa: S704 - escaped by `text`


def score(interval: Mapping[str, float | None], specification: str = "") -> str:
    """A score with its interval, by the format of its metric."""
    return " ".join(format_interval(Interval.of(interval, specification))).strip()


def compose(config: Config, record: dict[str, Any], hashes: dict[str, str]) -> str:
    """The data card for the content of provenance.json and the SHA-256 of each table."""
    total = sum(record["rows"].values())
    return render(
        TEMPLATE,
        config=config,
        record=record,
        no_goal=Markup(NO_GOAL),  # noqa: S704 - our own sentence
        licence=licence(config),
        sources=[[source.get(name, "") for name in ("name", "bytes", "sha256")] for source in record["sources"]],
        splits=[
            [split, record["rows"][split], f"{record['rows'][split] / total:.1%}", hashes[split]] for split in SPLITS
        ],
        assignment=f"the source, and else by {assignment(config)}" if record["splits_given"] else assignment(config),
        columns=[[name, kind, role(config, name)] for name, kind in record["columns"].items()],
        max_columns=MAX_COLUMNS,
        dropped=[
            [reason, rows["count"], ", ".join(map(str, rows["first_rows"]))]
            for reason, rows in record["dropped"].items()
        ],
    )


def role(config: Config, name: str) -> str:
    """What a column is for."""
    roles = {**dict.fromkeys(config.targets, "target"), config.key: "key", config.group: "group", config.time: "time"}
    roles[config.sample_weight] = "sample weight"
    return roles.get(name) or ("ignored" if name in config.ignore else "")


def assignment(config: Config) -> str:
    """What decides the split of an example."""
    for setting in ("group", "time", "key"):
        name = getattr(config, setting)
        if name:
            return f"{setting}, {name}"
    return "the content of each example"


def licence(config: Config) -> str:
    """What a file beside the source says of its licence."""
    folder = Path(config.source).parent if "://" not in config.source else Path("nowhere")
    for path in sorted({path for pattern in BESIDE for path in folder.glob(pattern) if path.is_file()}):
        found = re.search(r"[^.\n]*\blicen[cs]ed?\b[^\n]*", path.read_text("utf-8", "replace"), re.IGNORECASE)
        if found:
            return f"{found[0].strip()} ({path})"
    return NOT_STATED
