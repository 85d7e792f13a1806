"""What every page shares: a page is described as data and written as one HTML file that needs no network."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import jinja2
from markupsafe import Markup, escape

from ..core.artifacts import read_json, write_json, write_text
from ..settings.base import SPLITS

TEMPLATE = Path(__file__).with_name("report.html.j2")
MISSING = "\N{EN DASH}"
NEGLIGIBLE = 1e-15  # what is smaller is the rounding of a sum that is 0
NO_GOAL = "Not stated: write what the model is for, and who benefits, into the setting `goal`."
MAX_CHARACTERS = 1_000  # of one text; a page is for reading, and a single cell can hold a whole book
# Control characters and direction overrides: invisible, and able to make a text look like another one.
DECEPTIVE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
CODE = re.compile("`([^`]+)`")

State: TypeAlias = Literal["good", "bad", "neutral"]


class Interval(NamedTuple):
    """A value with the bounds of its confidence interval, None where there is none, and a Python format of its own."""

    value: float | None
    low: float | None = None
    high: float | None = None
    format: str = ""

    @classmethod
    def of(cls, score: Mapping[str, float | None], specification: str = "") -> "Interval":
        """What a score as it is stored in JSON says, and the format of its metric."""
        return cls(score["value"], score.get("low"), score.get("high"), specification)


class Status(NamedTuple):
    """A word that is good, bad or neither, such as passed; the state is shown by a sign as well as by colour."""

    state: State
    text: str


class Link(NamedTuple):
    """A text that leads to another page, by an address relative to this one."""

    text: str
    address: str


class Prose(NamedTuple):
    """A sentence of ours in a cell, whose commands stand between backticks."""

    text: str


@dataclass(frozen=True)
class Figure:
    """An inline SVG from `plots`; `description` tells those who cannot see it what it shows."""

    title: str
    svg: str
    description: str
    note: str = ""
    wide: bool = False
    """Takes the width of the page; others stand two in a row where there is room."""


Cell: TypeAlias = str | float | Interval | Status | Link | Prose | Figure | None
Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    `format` is a Python format such as `.1%` for its numbers, `hint` says what they are, and `bars` draws the intervals
    on a scale common to the column, for values that can be compared.
    """

    name: str
    format: str = ""
    hint: str = ""
    bars: bool = False


@dataclass(frozen=True)
class Table:
    """A table that a reader can sort; columns that hold only numbers are aligned as such."""

    title: str
    columns: Sequence[str | Column]
    rows: Sequence[Row]
    note: str = ""

    def layout(self) -> "list[ColumnLayout]":
        """How each column is shown."""
        columns = [Column(column) if isinstance(column, str) else column for column in self.columns]
        return [ColumnLayout.of(column, [row[place] for row in self.rows]) for place, column in enumerate(columns)]


class Score(NamedTuple):
    """A key figure, shown large; `note` may compare it with a baseline or a threshold."""

    name: str
    interval: Interval
    note: str = ""
    state: State = "neutral"


@dataclass(frozen=True)
class Scores:
    """Key figures side by side."""

    items: Sequence[Score]


Block: TypeAlias = str | Table | Figure | Scores


@dataclass(frozen=True)
class Section:
    """A part of a page, listed in its table of contents; a text among the blocks is a paragraph."""

    title: str
    blocks: Sequence[Block]
    note: str = ""


@dataclass(frozen=True)
class Banner:
    """The result that a page begins with."""

    state: State
    headline: str
    detail: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page: its title, its result in the banner `verdict`, facts shown below the banner, and its sections."""

    title: str
    verdict: Banner
    sections: Sequence[Section]
    facts: Mapping[str, Cell] = field(default_factory=dict)


class ColumnLayout(NamedTuple):
    """A column as the template shows it."""

    column: Column
    numeric: bool
    low: float  # ends of the scale of the interval bars
    high: float

    @classmethod
    def of(cls, column: Column, cells: Sequence[Cell]) -> "ColumnLayout":
        """The alignment that suits the cells, and one scale for all their intervals."""
        present = [cell for cell in cells if not is_missing(cell)]
        bounds = [
            bound for cell in present if isinstance(cell, Interval) for bound in cell[:3] if not is_missing(bound)
        ]
        numeric = bool(present) and all(isinstance(cell, Interval | Real) for cell in present)
        return cls(column, numeric, float(min(bounds, default=0)), float(max(bounds, default=0)))  # type: ignore[type-var,arg-type]

    def place(self, value: float) -> str:
        """Where a value lies on the scale of the column, in per cent."""
        return f"{100 * (value - self.low) / ((self.high - self.low) or 1):.1f}"


class Summary(NamedTuple):
    """What a page says first, and when it was written."""

    banner: Banner
    written: str


def read_summary(path: Path) -> Summary | None:
    """What the JSON file beside a page says; None if there is none."""
    if not path.with_suffix(".json").exists():
        return None
    content = read_json(path.with_suffix(".json"), "report")
    return Summary(Banner(content["state"], content["headline"], content["detail"]), content["written"])


def write_page(path: Path, page: Page) -> None:
    """Writes a page, and beside it a JSON file with its headline, which `make report` reads."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(
        {
            "kind": lambda value: type(value).__name__,
            "missing": is_missing,
            "number": lambda value: not isinstance(value, bool) and isinstance(value, Real),
            "digits": format_number,
            "interval": format_interval,
            "visible": visible,
            "prose": prose,
            "svg": Markup,  # our own drawing, in which plots has escaped all text
        }
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    write_text(path, template.render(page=page, blocks=grouped, missing=MISSING))
    banner, written = page.verdict, datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    texts = {"headline": visible(banner.headline), "detail": visible(banner.detail), "written": written}
    write_json(path.with_suffix(".json"), {"state": banner.state, **texts})


def grouped(blocks: Sequence[Block]) -> list[list[Block]]:
    """Puts neighbouring narrow figures together, so that they can stand side by side."""
    groups: list[list[Block]] = []
    for block in blocks:
        narrow = isinstance(block, Figure) and not block.wide
        previous = groups[-1][-1] if groups else None
        if narrow and isinstance(previous, Figure) and not previous.wide:
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def is_missing(value: Any) -> bool:
    """Whether there is nothing to show: None, NaN, or an interval without a value."""
    if isinstance(value, Interval):
        return is_missing(value.value)
    return value is None or (isinstance(value, Real) and math.isnan(value))


def format_number(value: Any, specification: str = "") -> str:
    """A number for reading: integers in full, others to four significant digits unless a format is given."""
    if is_missing(value):
        return MISSING
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    value = 0.0 if not isinstance(value, Integral) and abs(value) < NEGLIGIBLE else value
    if specification:
        text = format(value, specification)
        return text if re.search("[1-9]", text) else text.removeprefix("-")
    if isinstance(value, Integral) or value == 0:
        return f"{int(value):,}"
    exponent = math.floor(math.log10(abs(value)))
    if not -5 < exponent < 15:
        return f"{value:.3e}"
    text = f"{value:,.{max(0, 3 - exponent)}f}"
    # A short number, such as the threshold 0.9, is shown as it was written.
    return text.rstrip("0").rstrip(".") if "." in text and float(text.replace(",", "")) == value else text


def format_interval(interval: Interval, specification: str = "") -> tuple[str, str]:
    """The value and its bounds, with as many decimals as the width of the interval makes worth reading."""
    value, low, high, own = interval
    specification = own or specification
    if low is None or high is None or is_missing(low) or is_missing(high) or value is None:
        return format_number(math.nan if value is None else value, specification), ""
    if not specification and math.isfinite(high - low) and high - low > 1e-4 * abs(value):
        decimals = 1 - math.floor(math.log10(high - low) + 1e-9)  # two significant digits of the width
        specification = f",.{min(max(decimals, 0), 6)}f"
    numbers = [format_number(number, specification) for number in (value, low, high)]
    return numbers[0], f"[{numbers[1]}, {numbers[2]}]"


def prose(value: object) -> Markup:
    """A text as `visible` shows it, with what stands between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(visible(value)))))  # noqa: S704 - escaped before


def visible(value: object) -> str:
    """A text as it can safely be read: deceptive characters as their code point, and shortened when very long."""
    text = str(value)
    shortened = text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}… ({len(text):,} characters)"
    return DECEPTIVE.sub(lambda match: f"<U+{ord(match[0]):04X}>", shortened)


def goal(text: str) -> Cell:
    """What the model is for, or a sentence that asks for it."""
    return text or Prose(NO_GOAL)


def data_tables(provenance: dict[str, Any]) -> list[Block]:
    """How many examples each split has, and what was left out."""
    total = sum(provenance["rows"].values())
    shares: list[Row] = [[split, provenance["rows"][split], provenance["rows"][split] / total] for split in SPLITS]
    left_out: list[Row] = [
        [reason, rows["count"], ", ".join(map(str, rows["first_rows"]))]
        for reason, rows in provenance["dropped"].items()
    ]
    splits = Table("Splits", ["Split", "Examples", Column("Share", ".1%")], shares)
    return [splits, Table("Excluded rows", ["Reason", "Rows", "First rows"], left_out)] if left_out else [splits]
