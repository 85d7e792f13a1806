"""make preview: a page of training examples, each unchanged and changed."""

from project.stages import preview

import page_structure
from declared import Config


def test_each_example_is_shown_unchanged_and_changed(finished: Config) -> None:
    preview.main(finished)
    page = (finished.paths.root / "preview" / "report.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/png') == preview.NUM_EXAMPLES * preview.NUM_VIEWS
    assert len(set(page.split("<img src=")[1:])) > preview.NUM_EXAMPLES * (preview.NUM_VIEWS - 1)
    assert "://" not in page.replace("http://www.w3.org", "")
    assert page_structure.complaints(page) == []
