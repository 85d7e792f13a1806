"""make report: one page that links all others with their headlines, the runs and the versions."""

import re
import shutil
from collections.abc import Callable

import pytest

from project.reporting import report
from project.reporting.report import Banner, Page
from project.stages import report as index

import page_structure
from declared import Config

HOSTILE = "<b>\u202e\"'&{{ 1 }}"


@pytest.fixture(scope="module")
def indexed(evaluated: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project that is evaluated, and whose search failed."""
    folder = tmp_path_factory.mktemp("indexed") / "artifacts"
    shutil.copytree(evaluated.artifacts, folder)
    config = evaluated.model_copy(update={"artifacts": folder})
    report.write_page(config.paths.tuning / "report.html", Page("Search", Banner("bad", HOSTILE, "why"), []))
    index.main(config)
    return config


@pytest.fixture
def written(indexed: Config) -> str:
    """The index of that project."""
    return indexed.paths.index.read_text(encoding="utf-8")


def test_every_page_is_linked_with_its_headline(indexed: Config, written: str) -> None:
    for folder in ("evaluation", "acceptance", "tuning"):
        assert f'href="{folder}/report.html"' in written
        assert (indexed.paths.root / folder / "report.html").is_file()
    summary = report.read_summary(indexed.paths.evaluation / "report.html")
    assert summary is not None
    assert summary.banner.state == "good"
    assert summary.banner.headline in written
    assert summary.written in written
    assert "Not written yet: <code>make validate</code>" in written


def test_a_page_of_an_older_version_is_linked(trained: Config) -> None:
    page = trained.paths.verdict.with_name("report.html")
    page.with_suffix(".json").unlink()
    index.main(trained)
    written = trained.paths.index.read_text(encoding="utf-8")
    assert 'href="acceptance/report.html"' in written
    assert "run <code>make accept</code> again" in written


def test_the_index_begins_with_the_answer(written: str) -> None:
    assert re.search(r"1 of \d pages report a problem", written[: written.index("<table")])
    assert "Hyperparameter search" in written
    assert "accepted" in written


def test_every_page_has_all_that_a_reader_needs(indexed: Config, written: str) -> None:
    pages = [written, *(path.read_text(encoding="utf-8") for path in indexed.paths.root.glob("*/report.html"))]
    assert len(pages) > 3
    assert [page_structure.complaints(page) for page in pages] == [[]] * len(pages)


def test_runs_and_versions_are_listed(indexed: Config, written: str) -> None:
    assert f"{indexed.metric} on validation" in written
    assert "in service" in written


def test_an_answer_is_text_whatever_it_holds(written: str, indexed: Config) -> None:
    assert "<b>" not in written
    assert "\u202e" not in written
    summary = report.read_summary(indexed.paths.tuning / "report.html")
    assert summary is not None
    assert summary.banner == Banner("bad", report.visible(HOSTILE), "why")


def test_a_verdict_about_another_model_is_no_answer(trained: Config) -> None:
    assert index.acceptance(trained).text == "accepted"
    trained.paths.model.unlink()
    assert "make accept" in index.acceptance(trained).text


def test_before_anything_was_run_the_index_says_so(make_config: Callable[..., Config]) -> None:
    empty = make_config()
    index.main(empty)
    assert "Nothing has been run yet" in empty.paths.index.read_text(encoding="utf-8")


def test_without_a_display_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not index.has_display()
