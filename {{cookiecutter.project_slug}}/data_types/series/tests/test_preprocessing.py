"""Training sees what the model computes of raw windows: the same numbers, cut from series that are encoded once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import preprocessing, task
from project.data import loading
from project.encoding import PASSING_BY, UNITS
from project.evaluation import inference
from project.exporting.registry import describe
from project.series import series_windows, steps, window_shape
from project.stages import collect
from project.training import fit

import synthetic
from declared import Config

Windows = tuple[dict[str, np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Two series with gaps, two targets, and covariates of every kind."""
    folder = tmp_path_factory.mktemp("rich")
    table = synthetic.make_table(220).assign(plan=lambda rows: rows["wind"].shift(-1), region="north", second=1.0)
    table["second"] = table["load"] / 10
    other = table.assign(shop="b", region="south", load=table["load"] * 2).iloc[20:].drop(index=[60, 61, 130])
    both = pd.concat([table.assign(shop="a"), other], ignore_index=True)
    both.loc[[40, 41, 300], "load"] = np.nan
    both.to_csv(folder / "table.csv", index=False)
    columns = {"series": "shop", "known": ("plan",), "static": ("region",), "further_targets": ("second",)}
    places = {"source": str(folder / "table.csv"), "artifacts": folder / "artifacts", "target": "load"}
    config = Config(**{**synthetic.settings(folder), **columns, **places})
    collect.main(config)
    return config


def make_parts(config: Config) -> tuple[object, task.Target]:
    train = loading.read_examples(config, "train")
    return preprocessing.build_preprocessor(config, train), task.describe_target(config, train[config.target])


def together(dataset: object) -> Windows:
    batches = list(dataset.as_numpy_iterator())  # type: ignore[attr-defined]
    inputs = {name: np.concatenate([batch[name] for batch, _ in batches]) for name in batches[0][0]}
    return inputs, np.concatenate([targets for _, targets in batches])


def test_cut_windows_equal_encoded_windows(rich: Config) -> None:
    preprocessor, target = make_parts(rich)
    inputs, targets = together(preprocessing.make_dataset(rich, "validation", preprocessor, target))
    windows = loading.read_examples(rich, "validation")
    encoded = preprocessor.predict_on_batch(preprocessing.raw_arrays(preprocessor.input, windows))  # type: ignore[attr-defined]
    assert inputs.keys() == encoded.keys() - set(PASSING_BY)
    assert len(targets) == len(windows)
    for name, values in inputs.items():
        np.testing.assert_allclose(values, encoded[name], atol=2e-6, err_msg=name)
    assert set(np.unique(inputs["is_known"])) == {0.0, 1.0}
    actual = task.actual(target, windows["load"]).reshape(targets.shape)
    means, scales, _ = np.moveaxis(encoded[UNITS][:, None], -1, 0)
    np.testing.assert_allclose(targets * scales + means, actual, rtol=1e-4)


@pytest.mark.parametrize("num_series", [2, 60])
def test_small_series_are_seen_and_trained_like_large_ones(tmp_path: Path, num_series: int) -> None:
    table = synthetic.make_table(60).drop(columns=["kind", "wind"])
    sizes = 10.0 ** (4 * (np.arange(num_series) % 2))
    parts = [table.assign(shop=f"{place:02}", load=table["load"] * size) for place, size in enumerate(sizes)]
    config = Config(
        **{**synthetic.settings(tmp_path), "source": str(tmp_path / "table.csv"), "artifacts": tmp_path / "artifacts"},
        target="load",
        series="shop",
    )
    pd.concat(parts).to_csv(config.source, index=False)
    collect.main(config)
    preprocessor, target = make_parts(config)
    windows = loading.read_examples(config, "validation")
    arrays = preprocessing.raw_arrays(preprocessor.input, windows)  # type: ignore[attr-defined]
    encoded = preprocessor.predict_on_batch(arrays)  # type: ignore[attr-defined]
    small, large = (windows[series_windows.SERIES] == name for name in ("00", "01"))
    np.testing.assert_allclose(encoded["past"][small], encoded["past"][large], atol=1e-3)
    np.testing.assert_allclose(1e4 * encoded["seasonal_error"][small], encoded["seasonal_error"][large], rtol=1e-3)
    targets = together(preprocessing.make_dataset(config, "validation", preprocessor, target))[1]
    np.testing.assert_allclose(targets[small], targets[large], atol=1e-3)
    assert 0.5 < np.std(targets) < 2
    unknown = preprocessor.predict_on_batch(arrays | {"shop": np.full(len(windows), "new", object)})  # type: ignore[attr-defined]
    assert np.isfinite(unknown["past"]).all()


def test_each_epoch_has_every_window_once_in_an_order_of_its_own(rich: Config) -> None:
    preprocessor, target = make_parts(rich)
    epoch = fit.epoch_counter()
    dataset = preprocessing.make_dataset(rich, "train", preprocessor, target, epoch)
    first, again = together(dataset)[1], together(dataset)[1]
    np.testing.assert_array_equal(first, again)
    epoch.assign(1)
    later = together(dataset)[1]
    assert not np.array_equal(first, later, equal_nan=True)
    assert len(first) == len(later)
    np.testing.assert_array_equal(np.sort(first, axis=None), np.sort(later, axis=None))


def test_the_model_is_told_nothing_of_the_future(finished: Config) -> None:
    complete = inference.load_model(finished)
    windows = loading.read_examples(finished, "test").head(20)
    before = inference.predict(complete, windows)
    blanked = windows.copy()
    for name in ("load", "wind"):
        pasts = [cell[: synthetic.CONTEXT] for cell in windows[name]]
        blanked[name] = [np.concatenate([past, 0 * past[: synthetic.HORIZON]]) for past in pasts]
    after = inference.predict(complete, blanked)
    np.testing.assert_array_equal(before["forecast"], after["forecast"])


def test_a_shifted_history_shifts_the_forecast(finished: Config) -> None:
    complete = inference.load_model(finished)
    arrays = preprocessing.raw_arrays(complete.input, loading.read_examples(finished, "test").head(20))
    before = complete.predict_on_batch(arrays)["forecast"]
    after = complete.predict_on_batch(arrays | {"load": arrays["load"] + 1_000})["forecast"]
    np.testing.assert_allclose(after - before, 1_000, atol=0.5)


def test_missing_cells_give_a_forecast(finished: Config) -> None:
    complete = inference.load_model(finished)
    arrays = preprocessing.raw_arrays(complete.input, loading.read_examples(finished, "test").head(5))
    arrays["load"][:, ::3], arrays["wind"][:] = np.nan, np.nan
    for name, values in complete.predict_on_batch(arrays).items():
        assert values.dtype == object or np.isfinite(values).all(), name


def test_times_of_the_forecast_follow_the_history(finished: Config) -> None:
    complete = inference.load_model(finished)
    windows = loading.read_examples(finished, "test").head(3)
    times = inference.predict(complete, windows)["times"]
    expected = [str(time) for time in windows["day"].iloc[0][synthetic.CONTEXT :]]
    assert [text.decode() for text in times[0]] == expected


def test_a_table_is_predicted_whatever_the_order_of_its_rows(finished: Config) -> None:
    inputs = describe(finished, 1)["inputs"]
    table = synthetic.make_table(40, seed=1)
    arrays, _ = preprocessing.parse_arrays(finished, inputs, table)
    order = np.random.default_rng(0).permutation(40)
    shuffled, _ = preprocessing.parse_arrays(finished, inputs, table.iloc[order].reset_index(drop=True))
    for name, values in arrays.items():
        np.testing.assert_array_equal(values[order], shuffled[name])


def test_a_window_weighs_what_its_steps_do_on_average() -> None:
    shape = window_shape.Shape(2, 3, 1, (), steps.parse("1 day"), {})
    weights = np.array([9, 9, 1, 2, 6, np.nan, 0, 0, 0], "float32")  # a step has no row
    assert series_windows.weights_of(shape, weights, np.array([2, 3, 6])).tolist() == [3, 4, 0]


def test_weights_stay_with_their_windows(rich: Config) -> None:
    config = rich.model_copy(update={"sample_weight": "wind"})  # any column of numbers
    preprocessor, target = make_parts(config)
    windows = loading.read_examples(config, "validation")
    assert "wind" not in preprocessor.input  # type: ignore[attr-defined]
    batches = list(preprocessing.make_dataset(config, "validation", preprocessor, target))
    found = np.concatenate([weights for _, _, weights in batches])
    np.testing.assert_allclose(found, windows["wind"] / windows["wind"].mean(), rtol=1e-4)
    trained = preprocessing.make_dataset(config, "train", preprocessor, target, fit.epoch_counter())
    total = sum(float(sum(weights)) for _, _, weights in trained)
    assert total == pytest.approx(sum(len(weights) for _, _, weights in trained), rel=1e-4)
