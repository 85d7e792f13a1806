"""The Python interface takes paths and the bytes of files."""

from pathlib import Path

import pandas as pd
import pytest

from project.core.errors import InputError
from project.exporting.saved_model import Exported
from project.media import media

import synthetic
from declared import Config


def test_paths_and_bytes_are_predicted_alike(finished: Config, tmp_path: Path) -> None:
    table = synthetic.as_examples(synthetic.make_table(5, seed=3), tmp_path)
    contents = [Path(path).read_bytes() for path in table[media.COLUMN]]
    exported = Exported(finished, 1)
    of_bytes = exported.predict(table.assign(**{media.COLUMN: contents}))
    pd.testing.assert_frame_equal(of_bytes, exported.predict(table))
    for cell, named in ((b"rubbish", "holds bytes"), ("nowhere.png", "names 'nowhere.png'"), (None, "names None")):
        with pytest.raises(InputError, match=f"{named}, which cannot be read; row 1 of the table cannot be predicted"):
            exported.predict(pd.DataFrame({media.COLUMN: [cell]}))
