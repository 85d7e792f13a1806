"""Whatever happens to a file, it is refused in a sentence, or read by what examines it and by the model's graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project.media import encoding, media
from project.preprocessing import as_array

import synthetic
from declared import Config
from fuzzing import EDITS, Edit, edited, gently, given, little_memory

__all__ = ["little_memory"]  # a fixture of every test here
CONFIG, FILES = Config(), synthetic.one_of_each()


def read(reader: Callable[[Any, bytes], Any], settings: Any, payload: bytes) -> Any:
    """What a reader makes of a file: a text if it refuses it."""
    try:
        return reader(settings, payload)
    except ValueError as refused:
        return str(refused)


@pytest.mark.parametrize("kind", FILES)
@gently(60)
@given(edits=EDITS)
def test_a_damaged_file_is_refused_or_read(kind: str, edits: list[Edit]) -> None:
    payload = edited(FILES[kind], edits)
    examined = read(media.examine, CONFIG, payload)
    served = read(media.readable, media.limits(CONFIG), payload)
    if isinstance(examined, str):
        assert examined.startswith(("is ", "has ", "holds ", "lasts "))
        assert examined == "is silent" or isinstance(served, str)
        return
    readable, measures = examined
    assert served == readable
    assert np.isfinite([measures[name] for name in media.NUMBERS]).all()
    encoding.encoder(CONFIG, pd.DataFrame([measures]))(as_array([readable]))
