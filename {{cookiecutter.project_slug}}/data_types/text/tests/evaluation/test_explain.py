"""The report shows which words a prediction hangs on, and hostile texts as text."""

import keras
import pytest

from project import task
from project.data import loading
from project.evaluation import explain, inference
from project.reporting import report
from project.reporting.report import Figure, Table
from project.text import highlighting

import page_structure
import synthetic
from declared import Config


@pytest.mark.parametrize("text", ["", "one", " a,b! ", "don't 🙂 ok", "\0x\0", "שלום עולם", "e\u0301"])
def test_pieces_make_up_the_text(text: str) -> None:
    pieces = explain.split(text)
    assert "".join(pieces) == text
    assert len(explain.word_places(pieces)) <= len(pieces)


def test_words_with_the_largest_effect_and_the_largest_errors(finished: Config, complete: keras.Model) -> None:
    examples = loading.read_examples(finished, "validation")
    examples = examples.assign(text=examples["text"] + " <b>&\u202e\0</b>")
    targets = task.actual(inference.target_of(complete), examples[finished.target])
    predictions = inference.predict(complete, examples)
    words, worst = explain.blocks(finished, complete, examples, targets, predictions)
    assert isinstance(words, Table)
    assert isinstance(worst, Figure)
    named = {word.split()[0] for row in words.rows for cell in row[1:] for word in str(cell).split(", ") if cell}
    assert named & {*synthetic.PRAISE, *synthetic.BLAME}
    assert "<b>" not in worst.svg
    assert "&lt;U+202E&gt;" in worst.svg
    assert worst.svg.count('dir="auto"') >= explain.NUM_SHOWN  # more where several labels are answered
    assert "rgba(" in worst.svg


@pytest.mark.parametrize("color", [highlighting.FOR, highlighting.AGAINST])
def test_words_stay_readable_on_their_color(color: str) -> None:
    paint = tuple(float(part) for part in color.split(", "))
    for palette in page_structure.palettes(report.TEMPLATE.read_text(encoding="utf-8")):
        ground = page_structure.blend(paint, palette["card"], highlighting.STRONGEST)
        assert page_structure.contrast(palette["ink"], ground) >= 4.5


def test_a_word_contributes_what_is_lost_without_it(finished: Config, complete: keras.Model) -> None:
    examples = loading.read_examples(finished, "validation").head(2)
    first, second = (explained[0] for explained in explain.occlude(complete, examples))
    assert "".join(first.pieces) == examples["text"].iloc[0]
    place = explain.word_places(second.pieces)[1]
    variant = "".join(second.pieces[:place] + second.pieces[place + 1 :])
    pair = examples.iloc[[1, 1]].assign(text=[examples["text"].iloc[1], variant])
    _, (whole, without) = inference.explained_outputs(inference.predict(complete, pair))[0]
    assert second.contributions[place] == pytest.approx(whole - without, abs=1e-4)


def test_marks_are_as_strong_as_contributions_and_escape() -> None:
    assert highlighting.mark("<i>", 0.001) == "&lt;i&gt;"
    strong, weak, against = (highlighting.mark("x", share) for share in (1, 0.5, -1))
    assert f"{highlighting.FOR}, {highlighting.STRONGEST:.2f}" in strong
    assert f"{highlighting.FOR}, {highlighting.STRONGEST / 2:.2f}" in weak
    assert highlighting.AGAINST in against
