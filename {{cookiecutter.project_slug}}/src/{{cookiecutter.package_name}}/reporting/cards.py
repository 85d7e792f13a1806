"""Markdown for the cards: headings, lists and tables in which whatever data hold stays text."""

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config import Config
from ..settings.base import SPLITS
from .report import Interval, format_interval, visible

SIGNS = re.compile(r"([\\`*_{}\[\]#|~])")  # that Markdown gives a meaning

NAME = "DATA_CARD.md"
BESIDE = ("README*", "LICENSE*", "*.LICENSE", "LICENCE*")  # files beside the source that may state its licence
MAX_COLUMNS = 100  # more are counted
NOT_STATED = "not stated: write it into a README.md or LICENSE beside the source"


def text(value: object) -> str:
    """A value as text on one line."""
    return SIGNS.sub(r"\\\1", html.escape(" ".join(visible(value).split()), quote=False))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table."""
    lines = [" | ".join(text(cell) for cell in row) for row in (header, *rows)]
    lines.insert(1, " | ".join(["---"] * len(header)))
    return "\n".join(f"| {line} |" for line in lines)


def facts(values: Mapping[str, object]) -> str:
    """A list of names with their values."""
    return "\n".join(f"- **{text(name)}**: {text(value)}" for name, value in values.items())


def score(interval: Mapping[str, float | None]) -> str:
    """A score with its interval."""
    return " ".join(format_interval(Interval(interval["value"], interval["low"], interval["high"]))).strip()


def document(title: str, sections: Mapping[str, Sequence[str]]) -> str:
    """A whole document, from the title to sections of paragraphs, lists and tables."""
    parts = [f"# {text(title)}"]
    for heading, blocks in sections.items():
        parts += [f"## {heading}", *blocks]
    return "\n\n".join(parts) + "\n"


def compose(config: Config, record: dict[str, Any], hashes: dict[str, str]) -> str:
    """The card for the content of provenance.json and the SHA-256 of each table."""
    total = sum(record["rows"].values())
    sources = [
        [source.get("name", ""), source.get("bytes", ""), source.get("sha256", "")] for source in record["sources"]
    ]
    splits = [[split, record["rows"][split], f"{record['rows'][split] / total:.1%}", hashes[split]] for split in SPLITS]
    columns = [[name, kind, role(config, name)] for name, kind in record["columns"].items()][:MAX_COLUMNS]
    dropped = [
        [reason, rows["count"], ", ".join(map(str, rows["first_rows"]))] for reason, rows in record["dropped"].items()
    ]
    more = len(record["columns"]) - len(columns)
    return document(
        f"Data card: {config.target}",
        {
            "Purpose": [text(config.goal)],
            "Origin": [
                facts({"collected at": record["collected_at"], "licence": licence(config)}),
                table(["Source", "Bytes", "SHA-256"], sources),
            ],
            "Splits": [
                table(["Split", "Examples", "Share", "SHA-256 of the table"], splits),
                f"Assigned by {assignment(config)}; {record['duplicates']} examples repeat another one, in its split.",
            ],
            "Columns": [
                table(["Column", "Type", "Role"], columns),
                *([f"And {more} more."] if more > 0 else []),
            ],
            "Left out": [table(["Reason", "Number", "First ones"], dropped) if dropped else "Nothing."],
            "Notes": ["\n".join(f"- {text(note)}" for note in record["notes"]) or "None."],
        },
    )


def role(config: Config, name: str) -> str:
    """What a column is for."""
    roles = {config.target: "target", config.key: "key", config.group: "group", config.time: "time"}
    return roles.get(name) or ("ignored" if name in config.ignore else "")


def assignment(config: Config) -> str:
    """By what examples were assigned to splits."""
    for setting in ("group", "time", "key"):
        name = getattr(config, setting)
        if name:
            return f"{setting}, {text(name)}"
    return "the content of each example"


def licence(config: Config) -> str:
    """What a file beside the source says of its licence."""
    folder = Path(config.source).parent if "://" not in config.source else Path("nowhere")
    for path in sorted({path for pattern in BESIDE for path in folder.glob(pattern) if path.is_file()}):
        found = re.search(r"[^.\n]*\blicen[cs]ed?\b[^\n]*", path.read_text("utf-8", "replace"), re.IGNORECASE)
        if found:
            return f"{found[0].strip()} ({path})"
    return NOT_STATED
