"""TensorFlow Serving's REST protocol: from the body of a request to arrays, and from outputs to the body of a response.

Described in TensorFlow Serving's documentation as "RESTful API", version 1. What a value may be, `request_format` says.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..core.errors import RequestError
from ..data import requests
from ..settings.base import NAMED, SERIALIZED

Inputs = dict[str, dict[str, Any]]  # what a description says of each input


@dataclass(frozen=True)
class Question:
    """A request that was found to be in order: `columns` as sent, `arrays` as the model takes them, (num_rows, ...)."""

    in_rows: bool
    num_rows: int
    columns: dict[str, list[Any]]
    arrays: dict[str, np.ndarray]


def read_question(body: bytes, inputs: Inputs, max_rows: int, strict: bool) -> Question:
    """The question that the body of a request asks.

    Raises:
        RequestError: it cannot be answered; the message names the field and what is allowed.
    """
    content = parse(body)
    if not isinstance(content, dict):
        raise RequestError("the body is not a JSON object; one with instances or inputs is needed")
    signature = content.get("signature_name", NAMED) or NAMED
    if signature not in (NAMED, SERIALIZED):
        message = f"Serving signature name: {json.dumps(signature)} not found in signature def; "
        raise RequestError(f"{message}there are {NAMED} and {SERIALIZED}", field="signature_name")
    if ("instances" in content) == ("inputs" in content):
        raise RequestError("give either instances (a list of rows) or inputs (an object of columns), one of them")
    in_rows, names = "instances" in content, list(inputs) if signature == NAMED else ["examples"]
    sent = content["instances"] if in_rows else content["inputs"]
    columns = columns_of_rows(sent, names, max_rows) if in_rows else columns_of_columns(sent, names, max_rows)
    num_rows = len(next(iter(columns.values())))
    columns = {name: decode(name, values, in_rows) for name, values in columns.items()}
    if signature == SERIALIZED:
        columns = columns_of_examples(columns["examples"], inputs)
    return Question(in_rows, num_rows, columns, read_arrays(inputs, columns, in_rows, strict))


def read_arrays(inputs: Inputs, columns: dict[str, list[Any]], in_rows: bool, strict: bool) -> dict[str, np.ndarray]:
    """The values of each input as the model takes them, (num_rows, ...)."""
    arrays, name = {}, ""
    try:
        for name, entry in inputs.items():
            arrays[name] = requests.read(entry, columns[name], strict)
        requests.check_together(inputs, columns)
    except RequestError as error:
        row, name = error.row or 0, error.field or name
        raise RequestError(f"{place(name, row, in_rows)} {error}", error.status, name, row) from error
    return arrays


def parse(body: bytes) -> Any:
    """What a body of standard JSON holds."""
    try:
        return json.loads(body, parse_constant=refuse_constant)
    except RequestError:
        raise
    except (ValueError, RecursionError) as error:
        raise RequestError(f"JSON Parse error: {error}"[:200]) from error


def refuse_constant(name: str) -> NoReturn:
    """NaN and infinity: the model would answer, and nobody would know what."""
    raise RequestError(f"JSON Parse error: {name} is not a number; leave a missing value out, or send null")


def columns_of_rows(rows: Any, names: list[str], max_rows: int) -> dict[str, list[Any]]:
    """The values of each input from a list of rows: objects, or plain values where there is a single input."""
    check_rows(rows, "instances", max_rows)
    if len(names) == 1 and not is_named(rows[0]):
        return {names[0]: rows}
    known = set(names)
    for number, row in enumerate(rows):
        if not is_named(row):
            message = (
                f"instances[{number}] is not an object; one with a value for each input is needed: {listed(names)}"
            )
            raise RequestError(message)
        if not row.keys() <= known:
            refuse_unknown(f"instances[{number}]", row.keys() - known, names)
    return {name: [row.get(name) for row in rows] for name in names}


def columns_of_columns(columns: Any, names: list[str], max_rows: int) -> dict[str, list[Any]]:
    """The values of each input from an object of columns, or from a plain list where there is a single input."""
    if len(names) == 1 and not is_named(columns):
        check_rows(columns, "inputs", max_rows)
        return {names[0]: columns}
    if not is_named(columns) or not columns:
        raise RequestError(f"inputs is not an object with a list for each input: {listed(names)}", field="inputs")
    if not columns.keys() <= set(names):
        refuse_unknown("inputs", columns.keys() - set(names), names)
    for name, values in columns.items():
        check_rows(values, f"inputs.{name}", max_rows, name)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise RequestError(f"inputs have different numbers of rows: {json.dumps(lengths)}; the same number is needed")
    nothing = [None] * next(iter(lengths.values()))
    return {name: columns.get(name, nothing) for name in names}


def check_rows(rows: Any, name: str, max_rows: int, field: str = "") -> None:
    """Refuses what is not a list of at least one row, and too many of them."""
    if not isinstance(rows, list) or not rows:
        raise RequestError(f"{name} is not a list with at least one element", field=field)
    if len(rows) > max_rows:
        raise RequestError(f"{name} has {len(rows):,} rows; at most {max_rows:,} are answered at once", 413, field)


def is_named(value: Any) -> bool:
    """Whether a value is an object, and not one that stands for bytes."""
    return isinstance(value, dict) and not (len(value) == 1 and "b64" in value)


def refuse_unknown(where: str, unknown: set[str], names: list[str]) -> NoReturn:
    """Names a field that the model does not know."""
    first = min(unknown)
    raise RequestError(f"{where}.{first} is not an input of the model; these are: {listed(names)}", field=first)


def decode(name: str, values: list[Any], in_rows: bool) -> list[Any]:
    """The same values with bytes in place of objects such as {"b64": "aGVsbG8="}."""
    if not any(isinstance(value, dict) for value in values):
        return values
    decoded = []
    for row, value in enumerate(values):
        try:
            decoded.append(base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value)
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            message = (
                f'{place(name, row, in_rows)} is an object; the only one that is known is {{"b64": "..."}} with Base64'
            )
            raise RequestError(message, field=name, row=row) from error
    return decoded


def columns_of_examples(examples: list[Any], inputs: Inputs) -> dict[str, list[Any]]:
    """The values of each input from tf.Example protocol buffers, whose features are named as the source's columns."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.example import example_pb2  # here, since TensorFlow takes seconds to import

    names = {entry["column"]: name for name, entry in inputs.items()}
    columns: dict[str, list[Any]] = {name: [None] * len(examples) for name in inputs}
    for row, serialized in enumerate(examples):
        try:
            features = example_pb2.Example.FromString(serialized).features.feature
        except (DecodeError, TypeError) as error:
            message = f'examples[{row}] is not a tf.Example in Base64, {{"b64": "..."}}'
            raise RequestError(message, field="examples", row=row) from error
        if not features.keys() <= names.keys():
            refuse_unknown(f"examples[{row}]", set(features) - set(names), list(names))
        for column, feature in features.items():
            name = names[column]
            columns[name][row] = value_of_feature(feature, name, inputs[name]["dtype"], row)
    return columns


def value_of_feature(feature: Any, name: str, dtype: str, row: int) -> Any:
    """The value of a feature of a tf.Example: a scalar if there is one, None if the feature is empty."""
    kind = feature.WhichOneof("kind")
    wanted = {"string": "bytes_list", "int64": "int64_list"}.get(dtype, "float_list")
    values = list(getattr(feature, wanted).value)
    if kind is not None and (kind != wanted or not values):
        message = f"examples[{row}].{name} is {'empty' if kind == wanted else f'a {kind}'}; a {wanted} is needed"
        raise RequestError(message, field=name, row=row)
    return values if len(values) > 1 else values[0] if values else None


def place(name: str, row: int, in_rows: bool) -> str:
    """How a message names a value of the request."""
    return f"instances[{row}].{name}" if in_rows else f"inputs.{name}[{row}]"


def listed(names: list[str]) -> str:
    """Names as a phrase of bounded length."""
    return ", ".join(names[:50]) + (f" and {len(names) - 50} more" if len(names) > 50 else "")


def answer(outputs: dict[str, np.ndarray], in_rows: bool) -> dict[str, Any]:
    """The body of the response: predictions row by row, or outputs column by column; a single output has no name."""
    columns = {name: plain(name, values) for name, values in outputs.items()}
    if len(columns) == 1:
        (values,) = columns.values()
        return {"predictions" if in_rows else "outputs": values}
    if not in_rows:
        return {"outputs": columns}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def plain(name: str, values: np.ndarray) -> list[Any]:
    """An output as JSON has it: strings decoded, or in Base64 where the output's name ends in _bytes."""
    if values.dtype != object:
        return list(values.tolist())
    write = encode if name.endswith("_bytes") else lambda text: text.decode(errors="replace")
    flat = [write(value) for value in values.ravel()]
    return flat if values.ndim == 1 else np.array(flat, object).reshape(values.shape).tolist()


def encode(value: bytes) -> dict[str, str]:
    """Bytes as TensorFlow Serving writes them."""
    return {"b64": base64.b64encode(value).decode()}
