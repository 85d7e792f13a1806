"""The cards: written from the real figures, and whatever data hold stays text."""

import json
import re
from pathlib import Path

import pytest

from project.core import artifacts
from project.exporting import card as model_card
from project.reporting import cards
from project.reporting.report import NO_GOAL
from project.settings.base import DESCRIPTION

from declared import Config

HOSTILE = "<script>|*bold*\n# title `code`\u202e"


def test_the_model_card_has_its_sections_and_the_figures_of_the_test_split(finished: Config) -> None:
    card = (finished.paths.version(1) / model_card.NAME).read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)", card, flags=re.MULTILINE)
    assert headings[:4] == ["Model details", "Intended use", "Factors", "Metrics"]
    assert len(headings) == 9
    verdict = artifacts.read_json(finished.paths.verdict, "accept")
    assert cards.text(cards.score(verdict["metrics"][finished.metric])) in card
    assert artifacts.content_hash(finished.paths.model) in card
    assert model_card.NOT_STATED in card
    assert NO_GOAL in card  # as for any data but the bundled ones


def test_the_version_of_the_template_is_that_of_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_card.template_version() == "not recorded"
    record = {"commit": "f00", "context": {"asked": {"license": "MIT", "_template_version": "1.2.3"}}}
    Path(".cruft.json").write_text(json.dumps(record), encoding="utf-8")
    assert model_card.template_version() == "1.2.3"
    Path(".cruft.json").write_text("edited", encoding="utf-8")
    assert model_card.template_version() == "not recorded"


def test_slices_are_those_of_this_very_model(finished: Config) -> None:
    path = finished.paths.evaluation / "metrics.json"
    run = artifacts.read_json(finished.paths.run, "train")
    entry = {"column": "colour", "slice": HOSTILE, "examples": 30, "value": 0.5, "low": 0.4, "high": 0.6}
    before = path.read_bytes() if path.exists() else None
    try:
        artifacts.write_json(path, {"model": run["model"], "slices": [entry]})
        described = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")
        card = model_card.compose(finished.model_copy(update={"limits": HOSTILE}), 1, described)
        artifacts.write_json(path, {"model": "another", "slices": [entry]})
        other = model_card.compose(finished, 1, described)
        artifacts.write_json(path, {"model": run["model"], "slices": []})
        without = model_card.compose(finished, 1, described)
    finally:
        artifacts.remove(path)
        if before is not None:
            path.write_bytes(before)
    assert "| colour |" in card
    assert "<script>" not in card
    assert "\n# title" not in card
    assert "No slices were evaluated" in other
    assert model_card.NO_SLICES in without


def test_the_data_card_tells_sources_splits_and_columns(finished: Config) -> None:
    card = (finished.paths.provenance.parent / cards.NAME).read_text(encoding="utf-8")
    provenance = artifacts.read_json(finished.paths.provenance, "collect")
    assert all(source["sha256"] in card for source in provenance["sources"] if "sha256" in source)
    assert artifacts.content_hash(finished.paths.examples("train")) in card
    assert all(cards.text(name) in card for name in provenance["columns"])
    assert cards.NOT_STATED in card


def test_a_licence_beside_the_source_is_stated(finished: Config, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Birds\n\nFrom a garden. Licence: CC0 1.0.\n", encoding="utf-8")
    config = finished.model_copy(update={"source": str(tmp_path / "birds.csv")})
    assert cards.licence(config).startswith("Licence: CC0 1.0.")
    assert cards.licence(finished.model_copy(update={"source": "s3://bucket/birds.csv"})) == cards.NOT_STATED


def test_markdown_keeps_text_what_is_text() -> None:
    assert cards.text(HOSTILE) == r"&lt;script&gt;\|\*bold\* \# title \`code\`&lt;U+202E&gt;"
    assert cards.table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"
