"""An update keeps the positive class of the version in service, whichever class is rarer by now."""

import pandas as pd
import pytest

from project import task
from project.data import tables
from project.stages import update

from declared import Config

WELL, ILL, OTHER = "well", "ill", "other"


@pytest.mark.parametrize(
    ("settings", "classes", "trained", "kept"),
    [
        ({}, [WELL, ILL], [WELL, ILL, ILL], ILL),  # which is the more frequent class by now
        ({"positive": WELL}, [WELL, ILL], [WELL, ILL, ILL], WELL),
        ({}, [WELL, ILL], [WELL, ILL, OTHER], ""),  # a class is new
        ({}, [OTHER, WELL, ILL], [WELL, ILL, OTHER], ""),
        ({"order": (ILL, WELL)}, [ILL, WELL], [WELL, ILL, ILL], ""),
    ],
)
def test_the_positive_class_stays(
    settings: dict[str, object], classes: list[str], trained: list[str], kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(target="state", **settings)
    values = pd.Series(trained, name="state")
    monkeypatch.setattr(tables, "read_rows", lambda *_: values.to_frame())
    found = update.keep_positive(config, {"parts": {"probabilities": classes}})
    assert found.positive == kept
    if kept == ILL:
        assert task.describe_target(config, values).classes == (ILL, WELL)  # as a new training alone would have it
        assert task.describe_target(found, values).classes == (WELL, ILL)
