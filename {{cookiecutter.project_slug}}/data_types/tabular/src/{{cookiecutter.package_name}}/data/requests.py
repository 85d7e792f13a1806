"""What a request may hold, by kind of column: a number, a category, a date or a text."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema

from ..config import Config
from ..core.artifacts import from_truth_value, to_number, to_text
from ..settings.base import MORE_MISSING
from ..settings.data_type import RequestSettings

if TYPE_CHECKING:
    import pandas as pd

MAX_NUMBER = float(np.finfo(np.float32).max)
MAX_CHOICES = 200  # categories to choose from; more are better typed
DIGITS = 6  # of a bound; more would show where 32 bits end
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?", re.ASCII)  # what the model can read

Inputs = Mapping[str, Mapping[str, Any]]  # the metadata of each input: its column, kind and limits
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOLLOW_EACH_OTHER = False  # in time: whether periods of the training examples differ without drift


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


def value_type(entry: Mapping[str, Any], strict: bool) -> Any:
    """The pydantic type of a value of one input as a client may send it, with the schema's limits if `strict`."""
    kind: Any = {"number": Number, "date": Date}.get(entry["kind"], Text)
    if strict and entry["kind"] == "number":
        low, high = entry.get("low", -MAX_NUMBER), entry.get("high", MAX_NUMBER)
        kind = Annotated[kind, Field(ge=low, le=high, multiple_of=1 if entry.get("whole") else None)]
    elif strict and "values" in entry:
        kind = Annotated[Literal[*entry["values"]], BeforeValidator(to_unicode)]
    if "truth_values" in entry:
        kind = Annotated[kind, BeforeValidator(partial(from_truth_value, entry["truth_values"]))]
    optional = kind if entry.get("required") else kind | None
    return Annotated[optional, BeforeValidator(none_if_empty)]


def read(entry: dict[str, Any], values: list[Any], strict: bool) -> np.ndarray:
    """Valid values of one input (None: missing) as the array (num_rows,) that the model takes."""
    del strict  # the values are valid
    if entry["kind"] == "number":
        return np.array(values, np.float32)  # NaN where a value is missing
    return np.array(["" if value is None else value for value in values], object)


def none_if_empty(value: Any) -> Any:
    """None, which stands for a missing value, if the value is an empty text."""
    return None if value in ("", b"") else value


def to_unicode(value: Any) -> str:
    """A string, or bytes that are UTF-8, as a string that can be written as UTF-8 again."""
    if not isinstance(value, str | bytes):
        raise ValueError("a string")  # noqa: TRY004 (pydantic wants a ValueError)
    try:
        return value.decode() if isinstance(value, bytes) else value.encode().decode()
    except UnicodeError:
        raise ValueError("a string in UTF-8") from None


def to_date(text: str) -> str:
    """A text that the model can read as a date, if there is such a day."""
    try:
        datetime.fromisoformat(text[:19].removesuffix("Z"))
    except ValueError:
        text = ""
    if not DATE.fullmatch(text):
        raise ValueError("a date such as 2026-11-22 or 2026-11-22T09:30:00")
    return text


Number = Annotated[float, Strict(), Field(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
Text = Annotated[str, BeforeValidator(to_unicode)]
Date = Annotated[Text, AfterValidator(to_date), WithJsonSchema({"type": "string", "pattern": f"^{DATE.pattern}$"})]


def bounds(entry: dict[str, Any]) -> str:
    """The bounds of a number as a phrase, such as 0 to 100; empty if there are none."""
    low, high = (rounded(entry[name]) if name in entry else "" for name in ("low", "high"))
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def rounded(bound: float) -> str:
    """A bound as a message shows it."""
    return str(bound) if isinstance(bound, int) else f"{bound:.{DIGITS}g}"


def check_together(inputs: dict[str, dict[str, Any]], columns: dict[str, list[Any]]) -> None:
    """Rejects values that are valid one by one but not together: there are none."""
    del inputs, columns


def loggable(config: RequestSettings, entry: dict[str, Any], value: Any) -> Any:
    """A value as the request log keeps it: whole numbers as integers, as the schema has them."""
    del config
    is_whole = entry.get("whole") and value is not None and value % 1 == 0
    return int(value) if is_whole else value


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


def expected_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: dates, which are later than in training."""
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
            known = values.dropna()  # of missing ones, pandas may raise FloatingPointError
            values = pd.to_datetime(known, unit="D", errors="coerce").reindex(values.index)
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
