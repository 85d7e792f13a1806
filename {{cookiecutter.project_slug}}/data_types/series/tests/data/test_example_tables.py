"""Windows are views, lie wholly in their period, and no split holds targets of a later one, not even as a past."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from project.core.errors import InputError
from project.data import loading, tables
from project.series import series_windows, window_shape
from project.settings.base import SPLITS
from project.stages import collect

import synthetic
from declared import Config

START = series_windows.START


def test_targets_lie_in_their_split_and_histories_before(finished: Config) -> None:
    for split in SPLITS:
        rows, windows = tables.read_rows(finished, split), loading.read_examples(finished, split)
        assert windows[START].min() >= rows["day"].min()
        last = windows[START].max() + pd.Timedelta(days=synthetic.HORIZON - 1)
        assert last <= rows["day"].max()
        for _, window in windows.iterrows():
            assert pd.Timestamp(window["day"][synthetic.CONTEXT]) == window[START]
    assert loading.read_examples(finished, "test")[START].min() == tables.read_rows(finished, "test")["day"].min()


def test_training_windows_hold_nothing_of_later_splits(finished: Config) -> None:
    windows = loading.read_examples(finished, "train")
    known = set(tables.read_rows(finished, "train")["load"].astype("float32"))
    assert {value for cell in windows["load"] for value in cell.ravel()} <= known


def test_nothing_is_copied(finished: Config) -> None:
    cells = loading.read_examples(finished, "validation")["load"]
    bases = {id(cell.base) for cell in cells}
    assert len(bases) == 1
    assert np.shares_memory(cells.iloc[0], cells.iloc[1])


def test_a_gap_keeps_the_first_steps_of_a_split_away(finished: Config) -> None:
    gapped = finished.model_copy(update={"gap": 5, "origin_step": 4})
    windows = loading.read_examples(gapped, "test")
    assert windows[START].min() == tables.read_rows(finished, "test")["day"].min() + pd.Timedelta(days=5)
    assert set(windows[START].diff().dropna()) == {pd.Timedelta(days=4)}


def test_settings_move_the_periods_and_new_rows_do_not(make_config: Callable[..., Config]) -> None:
    config = make_config(validation_start="2020-08-01", test_start="2020-11-01")
    collect.main(config)
    assert tables.read_rows(config, "validation")["day"].min() == pd.Timestamp("2020-08-01")
    assert tables.read_rows(config, "test")["day"].min() == pd.Timestamp("2020-11-01")


def test_a_split_without_a_whole_window_is_refused(make_config: Callable[..., Config]) -> None:
    with pytest.raises(InputError, match=r"the validation split has 80 steps and no whole window.*horizon of 90"):
        collect.main(make_config(horizon=90))
    with pytest.raises(InputError, match=r"validation_start is 'soon'; a value of 'day' such as 2020-\d\d-\d\d"):
        collect.main(make_config(validation_start="soon"))


def test_what_columns_are_follows_from_settings_and_cells() -> None:
    table = synthetic.make_table(200).assign(plan=lambda rows: rows["wind"].shift(-1), region="north", note="same")
    both = pd.concat([table.assign(shop="a"), table.assign(shop="b", region="south")], ignore_index=True)
    config = Config(target="load", time="day", series="shop", known=("plan",), static=("region",), horizon=2)
    shape = window_shape.resolve(config, both.sort_values(["shop", "day"], ignore_index=True))
    assert shape.kinds == {
        "day": "time",
        "load": "target number",
        "wind": "observed number",
        "kind": "observed category",
        "plan": "known number",
        "region": "static category",
        "shop": "static category",
    }
    assert [shape.length(name) for name in ("load", "plan", "region")] == [shape.context, shape.context + 2, 0]
    assert (shape.seasons, shape.season, shape.step.name) == ((7,), 7, "1 day")
    by_hand = window_shape.resolve(Config(**{**vars(config), "season": (14, 3)}), both.sort_values(["shop", "day"]))
    assert by_hand.seasons == (3, 14)
