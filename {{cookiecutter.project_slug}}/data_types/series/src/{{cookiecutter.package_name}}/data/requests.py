"""What a request may hold: for each column a list of cells, the latest last, all of the same history."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import WithJsonSchema

from ..config import Config
from ..core.artifacts import from_truth_value, to_number, to_text
from ..core.errors import RequestError
from ..series import steps
from ..settings.base import MORE_MISSING
from ..settings.data_type import RequestSettings

if TYPE_CHECKING:
    import pandas as pd

MAX_NUMBER = float(np.finfo(np.float32).max)
MAX_CHARACTERS = 80  # of a value in a message
MAX_SHOWN = 20  # categories that a message names
SEPARATORS = re.compile(r"[,;\n\t]+")
NOTHING = ("", "null", "None", "nan", "NaN")  # what stands for a missing cell in a list that a person typed
DIGITS = 5

Entry = dict[str, Any]

Inputs = Mapping[str, Mapping[str, Any]]  # the metadata of each input: its column, kind and limits
FOLLOW_EACH_OTHER = True  # in time: whether periods of the training examples differ without drift


def limits(config: Config, kind: str, feature: Any) -> Entry:
    """What is allowed in one request, as JSON: how many cells (0: one that is no list), and what each may be.

    `required`: whether it must be given; `frequency`, `months`, `seconds`, `ends`: the step between times; `timezone`:
    that of times without one; `season`: in steps; `future`: cells that lie behind the history; `values`, `low`, `high`:
    what the schema's feature allows.
    """
    from ..series import window_shape  # here, since the server does without pandas

    shape = window_shape.of_project(config)
    role = kind.split(maxsplit=1)[0]
    length = next(shape.length(name) for name, other in shape.kinds.items() if other == kind)
    allowed: Entry = {"required": role in ("time", "target"), "length": length, "season": shape.shortest}
    allowed["future"] = shape.horizon if role == "known" else 0
    if role == "time":
        step = shape.step
        allowed |= {"frequency": step.name, "seconds": step.seconds, "months": step.months, "ends": step.ends}
        allowed |= {"business": step.business, "timezone": config.timezone}
    elif kind.endswith("category") and feature.string_domain.value:
        allowed["values"] = list(feature.string_domain.value)
    elif kind.endswith("number"):
        domain = feature.int_domain if feature.HasField("int_domain") else feature.float_domain
        allowed |= {
            name: getattr(domain, end) for name, end in (("low", "min"), ("high", "max")) if domain.HasField(end)
        }
    if role == "static":
        allowed["required"] = feature.presence.min_fraction >= 1 - MORE_MISSING
    return allowed


def example(entry: Entry, values: Any) -> Any:
    """A made-up history of a column (a pandas Series of windows): the mean of many, so that no one's is shown."""
    length = entry["length"]
    if entry["kind"] == "time":
        return [str(text) for text in steps.write_times(values.iloc[0][:length])]
    if not length:
        return str(values.mode()[0]) if entry["kind"].endswith("category") else rounded(float(values.median()))
    stacked = np.stack([cell[:length] for cell in values.iloc[:200]])
    if entry["kind"].endswith("category"):
        return [max(set(column), key=list(column).count) for column in stacked.T.tolist()]
    stacked = stacked[:, :, 0] if stacked.ndim == 3 else stacked
    overall = float(np.nanmean(stacked))
    return [rounded(float(np.nanmean(column)) if np.isfinite(column).any() else overall) for column in stacked.T]


def rounded(value: float) -> float:
    """A number with a few digits."""
    return float(f"{value:.{DIGITS}g}")


def check_together(inputs: dict[str, Entry], columns: dict[str, list[Any]]) -> None:
    """Refuses rows whose lists are not of the same history, or whose times do not follow each other step by step.

    Raises:
        RequestError: 400; the message says which list is too long or too short, or which time is wrong.
    """
    (time,) = [name for name, entry in inputs.items() if entry["kind"] == "time"]
    for row, cells in enumerate(columns[time]):
        times = as_list(cells)
        for name, entry in inputs.items():
            sent = columns[name][row]
            if name == time or not entry["length"] or sent is None:
                continue
            wanted = len(times) + entry["future"]
            if len(as_list(sent)) != wanted:
                later = f" and {entry['future']} later steps, since it is known in advance" if entry["future"] else ""
                message = f"has {len(as_list(sent))} cells; {wanted} are needed: one for each of the {len(times)} times"
                raise RequestError(f"{message}{later}", field=name, row=row)
        check_times(inputs[time], times, time, row)


def check_times(entry: Entry, cells: list[Any], name: str, row: int) -> None:
    """Refuses times that are none, or do not follow each other by one step."""
    sent = cells[-entry["length"] :]
    try:
        times = np.array([seconds_of(entry, cell) for cell in sent], np.int64)
    except (TypeError, ValueError):
        message = f"holds {shown(sent[-1] if sent else '')}; times such as 2026-11-22 or 2026-11-22T09:30:00 are needed"
        raise RequestError(message, field=name, row=row) from None
    if len(times) < 2:
        return
    numbers = step_of(entry).number(times, int(times[0]))
    wrong = np.flatnonzero(np.abs(np.diff(numbers) - 1) > 1e-6)
    if len(wrong):
        place = int(wrong[0])
        message = (
            f"goes from {cells[place - len(sent)]} to {cells[place + 1 - len(sent)]}; a step is {entry['frequency']}"
        )
        raise RequestError(f"{message}: give each step a time, and null where a cell is missing", field=name, row=row)


def read(entry: Entry, values: list[Any], strict: bool) -> np.ndarray:
    """The lists of one input as a client sent them (None: left out) as the array (num_rows, length) for the model.

    Of longer lists the last cells are taken. A list may also come as a text with commas, as people type it.

    Raises:
        RequestError: a list is missing, too short or holds a cell that is not of its kind (400) or, if `strict`, not
            what the schema allows (422); the message goes on after the name of the input.
    """
    found = []
    for row, value in enumerate(values):
        try:
            found.append(read_history(entry, value, strict) if entry["length"] else read_cell(entry, value, strict))
        except RequestError as error:
            error.row = row
            raise
    kind = np.float32 if entry["kind"].endswith("number") else object
    shape = (len(values), entry["length"]) if entry["length"] else (len(values),)
    return np.array(found, kind).reshape(shape)


def read_history(entry: Entry, value: Any, strict: bool) -> list[Any]:
    """The last cells of a list."""
    length = entry["length"]
    if value is None:
        if entry["required"]:
            raise RequestError(f"is missing; give it a list of at least {length} cells")
        return [missing(entry)] * length
    cells = as_list(value)
    if len(cells) < length:
        behind = f", the {entry['future']} behind the history included" if entry["future"] else ""
        message = f"has {len(cells)} cells; at least {length} are needed for a forecast{behind}"
        raise RequestError(f"{message}: send a longer history")
    history = [read_cell(entry, cell, strict) for cell in cells[-length:]]
    if entry["kind"] == "target number" and all(math.isnan(cell) for cell in history):
        raise RequestError(f"has no number among its last {length} cells; at least one is needed")
    return history


def as_list(value: Any) -> list[Any]:
    """A list as a client sent it, in a tf.Example with bytes for texts, or typed as a text with commas."""
    if isinstance(value, list):
        return [cell.decode(errors="replace") if isinstance(cell, bytes) else cell for cell in value]
    if isinstance(value, str):
        cells = [cell.strip(" []'\"") for cell in SEPARATORS.split(value.strip(" []\n\t,;"))]
        return [None if cell in NOTHING else cell for cell in cells]
    raise RequestError(f"is {shown(value)}; a list of cells is needed, the latest last")


def read_cell(entry: Entry, value: Any, strict: bool) -> Any:
    """One cell as the model takes it; in a tf.Example, missing numbers are NaN."""
    if entry["kind"] == "time":
        return read_time(entry, value)
    if value is None or value == "" or value != value:  # noqa: PLR0124 (NaN is unlike itself)
        if not entry["length"] and entry["required"]:
            raise RequestError("is missing; give it a value")
        return missing(entry)
    if entry["kind"].endswith("number"):
        return read_number(entry, value, strict)
    if not isinstance(value, str):
        raise RequestError(f"holds {shown(value)}; a category is needed, as a string")
    if strict and "values" in entry and value not in entry["values"]:
        listed = ", ".join(map(shown, entry["values"][:MAX_SHOWN]))
        raise RequestError(f"holds {shown(value)}; allowed are {listed}", 422)
    return value


def step_of(entry: Entry) -> steps.Step:
    """The step between times."""
    return steps.Step(entry["seconds"], entry["months"], entry["ends"], entry.get("business", False))


def seconds_of(entry: Entry, text: str) -> int:
    """A time as seconds since 1970."""
    return steps.read_time(text, entry["timezone"], step_of(entry).is_days)


def read_time(entry: Entry, value: Any) -> str:
    """A time as the model reads it."""
    try:
        return str(steps.write_times(np.array([seconds_of(entry, value)], np.int64))[0])
    except (TypeError, ValueError):
        message = f"holds {shown(value)}; a time such as 2026-11-22 or 2026-11-22T09:30:00 is needed"
        raise RequestError(message) from None


def read_number(entry: Entry, value: Any, strict: bool) -> float:
    """A finite number within the bounds."""
    value = from_truth_value(entry["truth_values"], value) if "truth_values" in entry else value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise RequestError(f"holds {shown(value)}; a number is needed") from None
    if type(value) not in (int, float):  # a bool is an int to Python, not to a schema
        raise RequestError(f"holds {shown(value)}; a number is needed")
    if not abs(value) <= MAX_NUMBER:  # not > either, for NaN
        raise RequestError(f"holds {shown(value)}; a finite number is needed, or null if it is missing")
    low, high = entry.get("low", -math.inf), entry.get("high", math.inf)
    if strict and not low <= value <= high:
        raise RequestError(f"holds {shown(value)}; allowed is {low:g} to {high:g}", 422)
    return float(value)


def missing(entry: Entry) -> Any:
    """What the model takes for a missing cell."""
    return math.nan if entry["kind"].endswith("number") else ""


def shown(value: Any) -> str:
    """A value as a message shows it: as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "..."


def loggable(config: RequestSettings, entry: Entry, value: Any) -> Any:
    """What is logged of a list: the cells that the model has seen."""
    del config
    return as_list(value)[-entry["length"] :] if entry["length"] and value is not None else value


def from_log(value: Any) -> Any:
    """A logged value as a cell of a table of examples."""
    return value


def form_field(entry: Entry) -> dict[str, Any]:
    """How the page for people asks for a value."""
    if not entry.get("length"):
        return {"widget": "text", "lines": 1}
    behind = f", {entry['future']} of them in the future" if entry["future"] else ""
    hint = f"at least {entry['length']} cells{behind}, separated by commas, the latest last"
    return {"widget": "text", "lines": 4, "hint": hint}


def value_type(entry: Entry, strict: bool) -> Any:
    """The pydantic type of a value as a client may send it; `read` says what is wrong with a history."""
    del strict
    cell: dict[str, Any] = {"type": "number" if entry["kind"].endswith("number") else "string"}
    cell |= {word: entry[name] for name, word in {"low": "minimum", "high": "maximum"}.items() if name in entry}
    cell |= {"enum": entry["values"]} if "values" in entry else {}
    if entry["kind"] != "time" and entry["length"]:
        cell = {"anyOf": [cell, {"type": "null"}]}
    schema = {"type": "array", "items": cell, "minItems": entry["length"]} if entry["length"] else cell
    schema = schema if entry["required"] else {"anyOf": [schema, {"type": "null"}]}
    return Annotated[Any, WithJsonSchema(schema)]


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: measures of histories, and their last cells."""
    from ..series import history_measures, series_windows

    return [*history_measures.NAMES, *map(series_windows.LATEST.format, inputs)]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """The measures of the target's logged histories, and the last cell of each other column; numbers as float64."""
    import pandas as pd  # here, since the server does without pandas

    from ..series import history_measures

    found: dict[str, pd.Series] = {}
    target = main_target(inputs)
    for name, entry in inputs.items():
        logged = [row.get(name) for row in rows]
        if name == target:
            histories = [numbers_of(value, entry["length"]) for value in logged]
            measured = history_measures.measure(np.array(histories).reshape(len(rows), -1), season_of(entry))
            found |= {column: pd.Series(values) for column, values in measured.items()}
        elif entry["kind"] != "time":
            read: Any = to_number if entry["kind"].endswith("number") else to_text
            values = [read(latest(value, entry)) for value in logged]
            kind: Any = "float64" if entry["kind"].endswith("number") else object
            found[entry["column"]] = pd.Series(values, dtype=kind)
    return pd.DataFrame(found)


def main_target(inputs: Inputs) -> str:
    """The first target among the inputs; empty if the log leaves it out."""
    return next((name for name, entry in inputs.items() if entry["kind"] == "target number"), "")


def season_of(entry: Mapping[str, Any]) -> int:
    """The lag of the seasonality that is measured."""
    return min(entry["season"], entry["length"] - 1)


def numbers_of(value: Any, length: int) -> np.ndarray:
    """A logged history as numbers, NaN where it lacks some, (length,)."""
    cells = value if isinstance(value, list) else []
    numbers = np.array([to_number(cell) for cell in cells[-length:]], "float64")
    return np.concatenate([np.full(length - len(numbers), np.nan), numbers])


def latest(value: Any, entry: Mapping[str, Any]) -> Any:
    """The last cell of the history, without the future of what is known in advance; a value that is no list."""
    cells = value if isinstance(value, list | tuple | np.ndarray) else None
    if cells is None:
        return value
    place = entry["length"] - entry["future"] - 1
    return cells[place] if place < len(cells) else None


def from_examples(inputs: Inputs, examples: "pd.DataFrame") -> "pd.DataFrame":
    """Training windows, as the project keeps them about a version, in the form of `as_table`."""
    import pandas as pd  # here, since the server does without pandas

    from ..series import history_measures, series_windows

    found = {name: examples[name] for name in history_measures.NAMES if main_target(inputs)}
    for name, entry in inputs.items():
        if name != main_target(inputs) and entry["kind"] != "time":
            values = examples[series_windows.LATEST.format(entry["column"])]
            is_number = entry["kind"].endswith("number")
            found[entry["column"]] = values.astype("float64") if is_number else values.map(to_text).astype(object)
    return pd.DataFrame(found)


def comparable(
    inputs: Inputs, reference: "pd.DataFrame", window: "pd.DataFrame"
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """What is compared of training windows and requests, both in the form of `as_table`."""
    del inputs
    return reference, window


def expected_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none, for times are not compared."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: "pd.DataFrame") -> "pd.DataFrame":
    """The covariates with the types that the schema asks for; the schema knows no measures of histories."""
    names = [entry["column"] for entry in inputs.values() if entry["column"] in table]
    return table[names]
