"""What a request may hold: the bytes of a file, which must be one that the model can read."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import WithJsonSchema

from ..config import Config
from ..core.artifacts import to_number, to_text
from ..core.errors import RequestError
from ..media import media
from ..settings.data_type import RequestSettings

if TYPE_CHECKING:
    import pandas as pd

Inputs = Mapping[str, Mapping[str, Any]]  # the metadata of each input: its column, kind and limits
FOLLOW_EACH_OTHER = False  # in time: whether periods of the training examples differ without drift


def limits(config: Config, kind: str, feature: Any) -> dict[str, Any]:
    """What is allowed in a request, as JSON: a file is required, and must not be larger than a training file."""
    del kind, feature  # the schema is about what is measured of files
    return {"required": True, **media.limits(config)}


def example(entry: dict[str, Any], values: Any) -> Any:
    """A made-up file, so that no one's record is shown."""
    del entry, values
    return {"b64": base64.b64encode(media.made_up()).decode()}


def read(entry: dict[str, Any], values: list[Any], strict: bool) -> np.ndarray:
    """The files as a client sent them (None: left out) as the array (num_rows,) of bytes that the model takes.

    Raises:
        RequestError: a value is missing, not bytes or no file that can be read (400); the message goes on after the
            name of the input.
    """
    del strict  # any readable file is accepted: drift is left to monitoring
    found = np.empty(len(values), object)
    for row, value in enumerate(values):
        if not isinstance(value, bytes):
            what = "is missing" if value is None else f"is a {type(value).__name__}"
            raise RequestError(f'{what}; send the bytes of {media.A_FILE} in Base64: {{"b64": "..."}}', row=row)
        try:
            found[row] = media.readable(entry, value)
        except ValueError as error:
            raise RequestError(f"is not a usable {media.NOUN} file: {error}", row=row) from error
    return found


def check_together(inputs: dict[str, dict[str, Any]], columns: dict[str, list[Any]]) -> None:
    """Rejects values that are valid one by one but not together: there are none."""
    del inputs, columns


def loggable(config: RequestSettings, entry: dict[str, Any], value: Any) -> Any:
    """What is logged of a file: its measures and, with `log_whole_files`, itself as a data URI."""
    try:
        measures = media.measure(entry, value)
    except ValueError:
        measures = {}
    kept = {**measures, "sha256": hashlib.sha256(value).hexdigest()}
    return kept | ({"uri": f"data:;base64,{base64.b64encode(value).decode()}"} if config.log_whole_files else {})


def from_log(value: Any) -> Any:
    """A logged value as a cell of a table of examples.

    Raises:
        RequestError: only the measures of the file were logged.
    """
    if not isinstance(value, dict) or "uri" not in value:
        raise RequestError("only measures of the files were logged; set log_whole_files")
    return value["uri"]


def form_field(entry: dict[str, Any]) -> dict[str, Any]:
    """How the page for people asks for a value."""
    del entry
    return {"widget": "file", "accept": ",".join(media.SUFFIXES), "hint": ", ".join(media.SUFFIXES)}


def value_type(entry: dict[str, Any], strict: bool) -> Any:
    """The pydantic type of a value as a client may send it; `read` says what is wrong with a file."""
    del entry, strict
    base64_text = {"type": "string", "contentEncoding": "base64"}
    schema = {"type": "object", "properties": {"b64": base64_text}, "required": ["b64"], "additionalProperties": False}
    return Annotated[Any, WithJsonSchema(schema)]


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: the measures of the files."""
    del inputs
    return [*media.NUMBERS, *media.CATEGORIES]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """The logged measures, by column: numbers as float64, categories as strings or None."""
    import pandas as pd  # here, since the server does without pandas

    logged = [value if isinstance(value := row.get(name), dict) else {} for row in rows for name in inputs]
    numbers = {name: [to_number(each.get(name)) for each in logged] for name in media.NUMBERS}
    categories = {name: [to_text(each.get(name)) for each in logged] for name in media.CATEGORIES}
    return pd.DataFrame(
        {name: pd.Series(values, dtype="float64") for name, values in numbers.items()}
        | {name: pd.Series(values, dtype=object) for name, values in categories.items()}
    )


def from_examples(inputs: Inputs, examples: "pd.DataFrame") -> "pd.DataFrame":
    """The measures of training examples in the form of `as_table`."""
    import pandas as pd  # here, since the server does without pandas

    del inputs
    numbers = {name: examples[name].astype("float64") for name in media.NUMBERS}
    categories = {name: pd.Series([to_text(value) for value in examples[name]]) for name in media.CATEGORIES}
    return pd.DataFrame(numbers | categories)


def comparable(
    inputs: Inputs, reference: "pd.DataFrame", window: "pd.DataFrame"
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """What is compared of training examples and requests, both in the form of `as_table`: all of it."""
    del inputs
    return reference, window


def expected_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: "pd.DataFrame") -> "pd.DataFrame":
    """Such a table with the types that the schema asks for: counts as integers."""
    del inputs
    return table.astype(dict.fromkeys(media.WHOLE, "Int64"))
