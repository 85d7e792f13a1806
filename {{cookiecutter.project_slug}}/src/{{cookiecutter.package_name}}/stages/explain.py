"""make explain: prints one example at each step of the model, its prediction and the feature attributions."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import preprocessing, task
from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import loading, tables
from ..evaluation import explain, inference
from ..reporting import report

SPLITS = ("validation", "train")  # the test split is kept for `make accept`
MAX_SHOWN = 12  # numbers of a tensor
MAX_CHARACTERS = 200  # of a value
MAX_ATTRIBUTIONS = 15
BAR = 20  # characters


def main(config: Config) -> None:
    """Prints the example that the setting `row` names."""
    if artifacts.read_json(config.paths.run, "train")["data"] != tables.data_hash(config):
        raise InputError("the model was not trained on the current examples: run `make train` first")
    split, place, example = find(config)
    serving_model = inference.load_model(config)
    print(f"example {place + 1} of the {split} split")
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    encoded = serving_model.get_layer("preprocessor").predict_on_batch(arrays)
    outputs = inference.predict(serving_model, example)
    show("raw", raw(config, example))
    for title, values in explain.steps(config, serving_model, example).items():
        show(title, values)
    show("encoded", {name: summary(np.asarray(values)[0]) for name, values in encoded.items()})
    show("prediction", prediction(config, serving_model, example, outputs))
    show_attributions(explain.attributions(config, serving_model, example))


def find(config: Config) -> tuple[str, int, pd.DataFrame]:
    """The split, the place and the table of one row of the example: by its key, or its number among validation.

    Raises:
        InputError: there is no such example.
    """
    tables = {split: loading.read_examples(config, split) for split in SPLITS}
    if config.key:
        for split, table in tables.items():
            places = np.flatnonzero(table[config.key].astype(str) == config.row)
            if len(places):
                return split, int(places[0]), table.iloc[places[:1]]
    count = len(tables[SPLITS[0]])
    if config.row.isdecimal() and 1 <= int(config.row) <= count:
        place = int(config.row) - 1
        return SPLITS[0], place, tables[SPLITS[0]].iloc[place : place + 1]
    key = f", or a {config.key} of the validation or training split" if config.key else ""
    raise InputError(f"row is {config.row!r}; expected a number from 1 to {count}, of a validation example{key}")


def raw(config: Config, example: pd.DataFrame) -> dict[str, Any]:
    """The columns of the example as they were collected, without the target."""
    left_out = {*config.targets, *explain.HIDDEN}
    return {name: example[name].iloc[0] for name in example.columns if name not in left_out}


def prediction(
    config: Config, serving_model: keras.Model, example: pd.DataFrame, outputs: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The outputs of the model, and the true target."""
    parts = task.output_parts(inference.target_of(serving_model))
    shown: dict[str, Any] = {}
    for name in serving_model.output:
        values = outputs[name]
        if values.ndim == 1 or name not in parts:
            shown[name] = values[0]
        else:
            shown |= {f"{name}: {parts[name][place]}": values[0][place] for place in largest_places(values[0])}
    return shown | {f"true {name}": example[name].iloc[0] for name in config.targets}


def largest_places(values: np.ndarray) -> np.ndarray:
    """The places of the values to show: all in their order if they are few, else the largest."""
    if len(values) <= MAX_SHOWN or values.dtype == object:
        return np.arange(min(len(values), MAX_SHOWN))
    return np.argsort(-values, kind="stable")[:MAX_SHOWN]


def show(title: str, values: Mapping[str, Any]) -> None:
    """Prints a step, one line per value; nothing if it has none."""
    if values:
        width = max(len(report.visible(name)) for name in values)
        lines = [f"  {report.visible(name):{width}}  {written(value)}" for name, value in values.items()]
        print("\n".join(["", title, *lines]))


def show_attributions(attributions: Mapping[str, float]) -> None:
    """Prints the attributions, the largest first, with bars."""
    if not attributions:
        return
    ranked = sorted(attributions.items(), key=lambda entry: -abs(entry[1]))[:MAX_ATTRIBUTIONS]
    largest = max(abs(value) for _, value in ranked) or 1
    bars = {name: f"{value:+8.3f}  {'█' * math.ceil(BAR * abs(value) / largest)}" for name, value in ranked}
    show(f"attribution ({explain.MEANING})", bars)


def written(value: Any) -> str:
    """A value on one line, short."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, np.ndarray):
        return summary(value) if value.dtype.kind in "biuf" else f"{value.size:,} values"
    if not isinstance(value, str) and pd.isna(value):
        return "missing"
    if isinstance(value, int | float | np.number):
        return report.format_number(value)
    text = report.visible(value).replace("\n", " ")
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}… ({len(text):,} characters)"


def summary(values: np.ndarray) -> str:
    """A tensor in a line: its shape, its numbers if they are few, else their range."""
    shape = " x ".join(map(str, values.shape)) or "1"
    numbers = values.ravel()
    if numbers.size <= MAX_SHOWN:
        return f"{shape} {values.dtype}: {', '.join(report.format_number(number) for number in numbers)}"
    facts = {"from": numbers.min(), "to": numbers.max(), "mean": numbers.mean(), "not 0": np.count_nonzero(numbers)}
    return f"{shape} {values.dtype}: {', '.join(f'{name} {report.format_number(v)}' for name, v in facts.items())}"
