"""Pages: hostile text stays text, nothing comes from the network, and everything has a description."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from project.reporting import plots, report
from project.reporting.report import (
    MISSING,
    Banner,
    Column,
    Figure,
    Interval,
    Link,
    Page,
    Prose,
    Score,
    Scores,
    Section,
    Status,
    Table,
    format_interval,
    format_number,
    visible,
    write_page,
)

import page_structure
from page_structure import Element, blend, contrast

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}\u202e$\\frac$"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page on which every text is hostile, as it is written."""
    figure = Figure(HOSTILE, plots.bars([HOSTILE, "other"], [Interval(1, 0.5, 2), 3.0], HOSTILE), HOSTILE, HOSTILE)
    table = Table(
        HOSTILE,
        [HOSTILE, Column("Score", hint=HOSTILE, bars=True), "Check", "Link", "Figure"],
        [
            [HOSTILE, Interval(0.91234, 0.9, 0.92), Status("good", HOSTILE), Link(HOSTILE, "#section-1"), figure],
            ["b" * 5_000, Interval(None), Status("bad", "failed"), Prose(f"`{HOSTILE}` `make x`"), float("nan")],
            ["=1+1", Interval(1), Status("neutral", "=HYPERLINK()"), Prose("\u200f"), "`kept`"],
        ],
        HOSTILE,
    )
    scores = Scores([Score(HOSTILE, Interval(12_345.678), HOSTILE, "good")])
    sections = [Section(HOSTILE, [HOSTILE, scores, figure, figure, table, Table("none", ["a"], [])], HOSTILE)]
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(path, Page(HOSTILE, Banner("bad", HOSTILE, HOSTILE), sections, {HOSTILE: HOSTILE, "Examples": 12_345}))
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(page: str) -> list[Element]:
    """The page's elements with their attributes."""
    return page_structure.elements(page)


def test_hostile_text_is_shown_as_text(page: str, elements: list[Element]) -> None:
    assert sum(element.tag == "script" for element in elements) == 1  # the page's own
    assert not any(each.tag == "img" or name.startswith("on") for each in elements for name in each.attributes)
    assert not re.search("[\u202e\u200f]", page)
    assert "&lt;U+202E&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "<bdi>=1+1</bdi>" in page


def test_only_our_own_sentences_have_code(page: str) -> None:
    assert "<code>make x</code>" in page
    assert "<bdi>`kept`</bdi>" in page
    assert report.prose("`<b>` and `half") == "<code>&lt;b&gt;</code> and `half"


def test_a_page_has_all_that_a_reader_needs(page: str) -> None:
    assert page_structure.complaints(page) == []


@pytest.mark.parametrize(
    ("present", "absent", "complaint"),
    [
        ('<html lang="en">', "<html>", "no language"),
        ('<a href="#section-1">', '<a href="#section-9">', "a link leads nowhere"),
        ("<h1>", "<h3>", "headings out of order"),
        ("<caption>", "<p>", "a table without a caption"),
        ('scope="col"', "", "a column without a scope"),
        ('<button type="button">', "<span>", "a column that cannot be sorted"),
        ('role="img" aria-label', 'role="img" data-label', "an unnamed figure"),
        ("<main", '<img src="https://example.org/a.png"><main', "something is loaded"),
    ],
)
def test_a_page_that_lacks_it_is_noticed(page: str, present: str, absent: str, complaint: str) -> None:
    assert present in page
    assert complaint in page_structure.complaints(page.replace(present, absent))


def test_all_words_can_be_read_by_day_and_by_night(page: str) -> None:
    light, dark = page_structure.palettes(page)
    assert contrast(light["paper"], light["ink"]) > 14 < contrast(dark["paper"], dark["ink"])
    assert light["paper"] > light["ink"]
    assert dark["paper"] < dark["ink"]
    for palette in (light, {**light, **dark}):
        for word, ground in page_structure.PAIRS:
            assert contrast(palette[word], palette[ground]) >= 4.5, (word, ground)
        for series in range(plots.MAX_SERIES):
            assert contrast(palette[f"series-{series}"], palette["card"]) >= 3, series
        cell = blend(tuple(255 * part for part in plots.BLUE), palette["card"], plots.MAX_OPACITY)
        assert contrast(palette["ink"], cell) >= 4.5


def test_a_page_needs_no_network(page: str, elements: list[Element]) -> None:
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\((?!#)", page)
    assert not any(each.tag in {"link", "iframe", "object"} or "src" in each.attributes for each in elements)


def test_every_colour_of_a_drawing_is_one_of_the_page(page: str) -> None:
    drawn = plots.lines([plots.Line(str(place), [0, 1], [0, 1]) for place in range(plots.MAX_SERIES)], "x", "y")
    used = set(re.findall(r"var\((--[\w-]+)\)", page + drawn))
    assert f"--series-{plots.MAX_SERIES - 1}" in used
    assert all(f"{name}: #" in page for name in used)


def test_every_drawing_is_described(elements: list[Element]) -> None:
    drawings = [element for element in elements if element.get("class") in {"drawing", "spark"}]
    assert len(drawings) == 3
    assert all(drawing.get("role") == "img" and drawing.get("aria-label") for drawing in drawings)


def test_names_on_a_page_are_unique(elements: list[Element]) -> None:
    names = [each.get("id") for each in elements if each.get("id") and each.tag not in {"path", "clippath"}]
    assert len(names) == len(set(names))


def test_long_texts_are_shortened(page: str) -> None:
    assert "b" * 1_001 not in page
    assert "(5,000 characters)" in page


def test_numbers_are_formatted_for_reading() -> None:
    values: list[Any] = [
        12_345,
        0.123456,
        45_801.3,
        0.9,
        0,
        float("nan"),
        float("inf"),
        1.5e-7,
        np.float32(0.5),
        np.int64(7),
        7.924e-17,
    ]
    texts = ["12,345", "0.1235", "45,801", "0.9", "0", MISSING, "∞", "1.500e-07", "0.5", "7", "0"]
    assert [format_number(value) for value in values] == texts
    assert format_interval(Interval(0.91234, 0.9011, 0.9222)) == ("0.912", "[0.901, 0.922]")
    assert format_interval(Interval(45_801.3, 44_900.2, 46_700.9)) == ("45,801", "[44,900, 46,701]")
    assert format_interval(Interval(0.9, 0.85, 1, ".1%")) == ("90.0%", "[85.0%, 100.0%]")
    assert format_number(-0.0001, ".2f") == "0.00"
    assert format_interval(Interval(0.5)) == ("0.5", "")
    assert visible("עברית, 日本語, 😀") == "עברית, 日本語, 😀"


def test_long_names_keep_the_end_that_tells_them_apart() -> None:
    names = [f"top up by bank transfer charge {number}" for number in range(20)]
    assert plots.label(names[7]) == "top up by bank tra… charge 7"
    assert len({plots.label(name) for name in names}) == 20


def test_figures_are_reproducible_small_and_themed() -> None:
    generator = np.random.default_rng(0)
    x, names = generator.normal(size=5_000), [f"_$class$ {place} 日本" for place in range(77)]
    figures: dict[str, Callable[[], str]] = {
        "lines": lambda: plots.lines([plots.Line(name, x.cumsum(), x) for name in names[:10]], "x", "y"),
        "bars": lambda: plots.bars(names[:20], [Interval(1.0, 0.5, 1.5)] * 20, "x"),
        "heatmap": lambda: plots.heatmap(np.arange(9).reshape(3, 3), names[:3], "x", "y"),
        "large heatmap": lambda: plots.heatmap(np.arange(20**2).reshape(20, 20), names[:20], "x", "y"),
        "scatter": lambda: plots.scatter(x, x, "x", "y", diagonal=True),
        "histogram": lambda: plots.histogram(x, "x"),
        "points": lambda: plots.points(x, x, [f"{value:.0f}" for value in x]),
    }
    for name, draw in figures.items():
        drawn = draw()
        assert drawn == draw(), name
        assert len(drawn) < 150_000, name
        assert "currentColor" in drawn, name
        assert "http" not in drawn, name
        assert re.search(r'style="min-width: \d{3}px"', drawn), name
    assert "<title>b: 2</title>" in plots.sparkline([1, 2], ["a: 1", "b: 2"])


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [np.nan, 1.0]])
def test_figures_of_almost_nothing(values: list[float]) -> None:
    assert plots.lines([plots.Line("curve", values, values)], "x", "y").startswith("<svg")
    assert plots.histogram(values, "x").startswith("<svg")
    assert plots.scatter(values, values, "x", "y", diagonal=True).startswith("<svg")
