"""What a request may hold, by kind of column: a number, a category, a date or a text."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import Config
from ..core.artifacts import to_number, to_text
from ..core.errors import RequestError
from ..settings.base import MORE_MISSING
from ..settings.data_type import RequestSettings

if TYPE_CHECKING:
    import pandas as pd

MAX_NUMBER = float(np.finfo(np.float32).max)
MAX_SHOWN = 20  # categories that a message names
MAX_CHOICES = 200  # categories to choose from; more are better typed
DIGITS = 6  # of a bound; more would show where 32 bits end
MAX_CHARACTERS = 80  # of a value in a message
NOUNS = {"number": "a number", "category": "a category", "date": "a date", "text": "a text"}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?", re.ASCII)  # what the model can read
DATE_SCHEMA = {"type": "string", "pattern": f"^{DATE.pattern}$"}

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOLLOW_EACH_OTHER = False  # whether training examples do, in time: their periods differ without drift


def limits(config: Config, kind: str, feature: Any) -> dict[str, Any]:
    """What a schema's feature (tensorflow_metadata's `Feature`) allows in one request, as JSON.

    `required`: whether a value must be given; `values`: the categories; `low`, `high`: bounds; `whole`: no decimals.
    """
    del config  # the schema says it all
    allowed: dict[str, Any] = {"required": feature.presence.min_fraction >= 1 - MORE_MISSING}
    if kind == "category" and feature.string_domain.value:
        allowed["values"] = list(feature.string_domain.value)
    elif kind == "number":
        domain = feature.int_domain if feature.HasField("int_domain") else feature.float_domain
        if domain.HasField("min"):
            allowed["low"] = domain.min
        if domain.HasField("max"):
            allowed["high"] = domain.max
        if feature.HasField("int_domain"):
            allowed["whole"] = True
    return allowed


def example(entry: dict[str, Any], values: Any) -> Any:
    """A made-up value of a column (a pandas Series of training examples), so that no one's record is shown."""
    present = values.dropna()
    if entry["kind"] == "number":
        middle = float(present.median())
        return round(middle) if entry.get("whole") else float(f"{middle:.4g}")
    if entry["kind"] == "category":
        return str(present.mode()[0])
    return present.median().isoformat()[:19] if entry["kind"] == "date" else "some words"


def read(entry: dict[str, Any], values: list[Any], strict: bool) -> np.ndarray:
    """The values of one input as a client sent them (None: left out) as the array (num_rows,) that the model takes.

    Raises:
        RequestError: a value is missing, not of the kind (400) or, if `strict`, not what the schema allows (422); the
            message goes on after the name of the input.
    """
    allowed = frozenset(entry.get("values", ())) if strict else frozenset()
    found = []
    for row, value in enumerate(values):
        try:
            if value is None or value in ("", b""):
                found.append(missing(entry))
            elif entry["kind"] == "number":
                found.append(read_number(entry, value, strict))
            elif entry["kind"] == "date":
                found.append(read_date(value))
            else:
                found.append(read_text(entry, value, allowed))
        except RequestError as error:
            error.row = row
            raise
    return np.array(found, np.float32 if entry["kind"] == "number" else object)


def missing(entry: dict[str, Any]) -> Any:
    """What the model takes for a missing value."""
    if entry["required"]:
        raise RequestError(f"is missing; give it {NOUNS[entry['kind']]}")
    return math.nan if entry["kind"] == "number" else ""


def read_number(entry: dict[str, Any], value: Any, strict: bool) -> float:
    """A finite number within the bounds."""
    if type(value) not in (int, float):  # a bool is an int to Python, not to a schema
        raise RequestError(f"is {shown(value)}; a number is needed")
    if not abs(value) <= MAX_NUMBER:  # not > either, for NaN
        raise RequestError(f"is {shown(value)}; a finite number of at most 32 bits is needed, or null if it is missing")
    low, high = entry.get("low", -math.inf), entry.get("high", math.inf)
    if strict and not low <= value <= high:
        raise RequestError(f"is {shown(value)}; allowed is {bounds(entry)}", 422)
    if strict and entry.get("whole") and value != round(value):
        raise RequestError(f"is {shown(value)}; a whole number is needed", 422)
    return float(value)


def bounds(entry: dict[str, Any]) -> str:
    """The bounds of a number as a phrase, such as 0 to 100; empty if there are none."""
    low, high = (rounded(entry[name]) if name in entry else "" for name in ("low", "high"))
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def rounded(bound: float) -> str:
    """A bound as a message shows it."""
    return str(bound) if isinstance(bound, int) else f"{bound:.{DIGITS}g}"


def read_date(value: Any) -> str:
    """A date as ISO 8601 writes it."""
    text = as_text(value, "a date")
    if not is_date(text):
        raise RequestError(f"is {shown(text)}; a date such as 2026-11-22 or 2026-11-22T09:30:00 is needed")
    return text


def is_date(text: str) -> bool:
    """Whether a text is written as the model can read it, and is a day that there is."""
    try:
        datetime.fromisoformat(text[:19].removesuffix("Z"))
    except ValueError:
        return False
    return DATE.fullmatch(text) is not None


def read_text(entry: dict[str, Any], value: Any, allowed: frozenset[str]) -> str:
    """A text; of a category whose domain is known, one of its values."""
    text = as_text(value, NOUNS[entry["kind"]])
    if allowed and text not in allowed:
        names, more = entry["values"][:MAX_SHOWN], len(entry["values"]) - MAX_SHOWN
        listed = ", ".join(map(shown, names)) + (f" and {more} more" if more > 0 else "")
        raise RequestError(f"is {shown(text)}; allowed are {listed}", 422)
    return text


def as_text(value: Any, noun: str) -> str:
    """A string, or bytes that are UTF-8, as a string that can be written as UTF-8 again."""
    if not isinstance(value, str | bytes):
        raise RequestError(f"is {shown(value)}; {noun} is needed, as a string")
    try:
        return value.decode() if isinstance(value, bytes) else value.encode().decode()
    except UnicodeError:
        raise RequestError("is not text in UTF-8; fix its encoding") from None


def shown(value: Any) -> str:
    """A value as a message shows it: as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=lambda other: f"{len(other)} bytes")
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "..."


def check_together(inputs: dict[str, dict[str, Any]], columns: dict[str, list[Any]]) -> None:
    """Refuses values that are each possible but not together: there are none."""
    del inputs, columns


def loggable(config: RequestSettings, entry: dict[str, Any], value: Any) -> Any:
    """A value as the request log keeps it."""
    del config, entry
    return value.decode() if isinstance(value, bytes) else value


def from_log(value: Any) -> Any:
    """A logged value as a cell of a table of examples."""
    return value


def form_field(entry: dict[str, Any]) -> dict[str, Any]:
    """How the page for people asks for a value: `widget` is number, choice, date, text or file; the rest are hints."""
    if entry["kind"] == "number":
        return {"widget": "number", "hint": bounds(entry), "whole": entry.get("whole", False)}
    if entry["kind"] == "category" and 0 < len(entry.get("values", ())) <= MAX_CHOICES:
        return {"widget": "choice", "choices": entry["values"]}
    if entry["kind"] == "date":
        return {"widget": "date", "hint": "such as 2026-11-22 or 2026-11-22T09:30:00"}
    return {"widget": "text", "lines": 3 if entry["kind"] == "text" else 1}


def json_schema(entry: dict[str, Any]) -> dict[str, Any]:
    """What a client may send, as JSON Schema has it."""
    kinds: dict[str, Any] = {"number": {"type": "integer" if entry.get("whole") else "number"}, "date": DATE_SCHEMA}
    schema = {**kinds.get(entry["kind"], {"type": "string"})}
    limits_of = {"low": "minimum", "high": "maximum", "values": "enum"}
    schema |= {word: entry[name] for name, word in limits_of.items() if name in entry}
    return schema if entry["required"] else {"anyOf": [schema, {"type": "null"}]}


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: all that clients send."""
    return list(inputs)


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """The logged inputs, by column: numbers and days since 1970 as float64, categories and texts as strings or None."""
    import pandas as pd  # here, since the server does without pandas

    read = {"number": to_number, "date": to_days, "category": to_text, "text": to_text}
    return pd.DataFrame(
        {
            entry["column"]: pd.Series(
                [read[entry["kind"]](row.get(name)) for row in rows],
                dtype="float64" if entry["kind"] in ("number", "date") else object,
            )
            for name, entry in inputs.items()
        }
    )


def from_examples(inputs: Inputs, examples: "pd.DataFrame") -> "pd.DataFrame":
    """Training examples in the form of `as_table`."""
    import pandas as pd  # here, since the server does without pandas

    columns = {}
    for entry in inputs.values():
        values = examples[entry["column"]]
        if entry["kind"] == "date":
            columns[entry["column"]] = (values - pd.Timestamp(0)) / pd.Timedelta(days=1)
        elif entry["kind"] == "number":
            columns[entry["column"]] = pd.Series(values.astype("float64").to_numpy("float64", na_value=np.nan))
        else:
            columns[entry["column"]] = pd.Series([to_text(value) for value in values], dtype=object)
    return pd.DataFrame(columns)


def comparable(
    inputs: Inputs, reference: "pd.DataFrame", window: "pd.DataFrame"
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """What is compared of training examples and requests, both in the form of `as_table`."""
    return repeating(inputs, reference), repeating(inputs, window)


def repeating(inputs: Inputs, table: "pd.DataFrame") -> "pd.DataFrame":
    """Such a table with the number of words of texts in their place, since texts hardly repeat."""
    import pandas as pd  # here, since the server does without pandas

    columns = {}
    for entry in inputs.values():
        values = table[entry["column"]]
        is_text = entry["kind"] == "text"
        columns[entry["column"]] = values.str.split().str.len().astype("float64") if is_text else values
    return pd.DataFrame(columns)


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: time goes on, so that dates are later than in training."""
    return [entry["column"] for entry in inputs.values() if entry["kind"] == "date"]


def in_schema_types(inputs: Inputs, table: "pd.DataFrame") -> "pd.DataFrame":
    """Such a table with the types that the schema asks for: whole numbers as integers, dates as texts."""
    import pandas as pd  # here, since the server does without pandas

    columns = {}
    for entry in inputs.values():
        values = table[entry["column"]]
        if entry.get("whole") and np.all(np.isnan(values) | (np.abs(values) < 2**53) & (values == np.floor(values))):
            values = values.astype("Int64")
        elif entry["kind"] == "date":
            values = pd.Series(pd.to_datetime(values, unit="D", errors="coerce"))
        columns[entry["column"]] = values
    return pd.DataFrame(columns)


def to_days(value: Any) -> float:
    """A logged ISO 8601 time as days since 1970; NaN if it is none."""
    try:
        time = datetime.fromisoformat(value)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return (time - EPOCH) / timedelta(days=1)
    except (TypeError, ValueError, OverflowError):
        return math.nan
