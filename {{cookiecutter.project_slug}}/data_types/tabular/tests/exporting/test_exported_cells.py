"""The Python interface names a cell that it cannot read."""

import pytest

from project.core.errors import InputError
from project.exporting.saved_model import Exported

import synthetic
from declared import Config


def test_a_cell_that_is_no_number_is_named(finished: Config) -> None:
    table = synthetic.make_table(5).assign(size=["1", "2", "much", "4", "5"])
    with pytest.raises(InputError, match=r"'size' holds 'much', which is not .*; row 3 of the table"):
        Exported(finished, 1).predict(table)
