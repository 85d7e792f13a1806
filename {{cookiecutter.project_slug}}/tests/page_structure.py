"""What makes a page readable for everybody: its structure, and the contrast of its colours."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from typing import NamedTuple, TypeAlias

Color: TypeAlias = tuple[float, ...]  # red, green, blue from 0 to 255

WORDS = ("ink", "soft", "accent", "good", "bad", "neutral")
GROUNDS = ("paper", "card", "tint")
PAIRS = [
    *((word, ground) for word in WORDS for ground in GROUNDS),
    *((word, f"{state}-tint") for word in ("ink", "accent") for state in ("good", "bad", "neutral")),
]


class Element(NamedTuple):
    tag: str
    attributes: dict[str, str | None]
    parents: tuple[str, ...]
    """The tags around it, the outermost first."""

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""


class Elements(HTMLParser):
    """Collects the elements of a page."""

    EMPTY = ("meta", "link", "img", "br", "input")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Element(tag, dict(attrs), tuple(self.open)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Element(tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]


def elements(page: str) -> list[Element]:
    parser = Elements()
    parser.feed(page)
    return parser.found


def complaints(page: str) -> list[str]:
    """What a page lacks; empty if nothing."""
    found = elements(page)
    tags = [element.tag for element in found]
    names = [element.get("id") for element in found if element.get("id") and "svg" not in element.parents]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    checks = {
        "no doctype": not re.match(r"\s*<!DOCTYPE html>", page),
        "no language": not any(element.tag == "html" and element.get("lang") for element in found),
        "no title": not re.search(r"<title>\s*\S", page),
        "too heavy": len(page) > 5_000_000,
        "not one main part": tags.count("main") != 1,
        "headings out of order": levels[:1] != [1] or any(b > a + 1 for a, b in pairwise(levels)),
        "a name is used twice": len(names) != len(set(names)),
        "a link leads nowhere": any(
            element.get("href").startswith("#") and element.get("href")[1:] not in names
            for element in found
            if element.tag == "a"
        ),
        "nothing to skip by": not any(element.get("href") == "#content" for element in found),
        "an unnamed figure": any(
            (element.get("role") in {"img", "group"} or element.tag == "audio") and not element.get("aria-label")
            for element in found
        ),
        "an image without a text": any(element.tag == "img" and not element.get("alt") for element in found),
        "something is loaded": any(
            element.tag in {"link", "iframe", "object", "embed"}
            or (element.get("src") and not element.get("src").startswith("data:"))
            for element in found
        ),
    }
    return [complaint for complaint, is_so in checks.items() if is_so] + table_complaints(found)


def table_complaints(found: Sequence[Element]) -> list[str]:
    """What the tables lack: captions, scopes, and buttons to sort by."""
    heads = [element for element in found if element.tag == "th" and "thead" in element.parents]
    buttons = [element for element in found if element.tag == "button" and "thead" in element.parents]
    captions, tables = (sum(element.tag == tag for element in found) for tag in ("caption", "table"))
    rows = [element for element in found if element.tag == "th" and "tbody" in element.parents]
    checks = {
        "a table without a caption": captions != tables,
        "a column without a scope": any(head.get("scope") != "col" for head in heads),
        "a row without a scope": any(row.get("scope") != "row" for row in rows),
        "a column that cannot be sorted": len(buttons) != len(heads),
    }
    return [complaint for complaint, is_so in checks.items() if is_so]


def palettes(page: str) -> list[dict[str, Color]]:
    """The colours of the light and of the dark page."""
    blocks = [block for block in re.findall(r":root \{([^}]*)\}", page) if "--ink" in block]
    return [
        {name: tuple(bytes.fromhex(value)) for name, value in re.findall(r"--([\w-]+): #(\w{6});", block)}
        for block in blocks
    ]


def blend(color: Color, ground: Color, opacity: float) -> Color:
    """A colour that lets the ground shine through."""
    return tuple(opacity * one + (1 - opacity) * other for one, other in zip(color, ground, strict=True))


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    """The relative luminance of an sRGB colour, from 0 to 1 (WCAG 2)."""
    shares = [value / 255 for value in color]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
