"""TensorFlow Serving's REST protocol: from the body of a request to arrays, and from outputs to the body of a response.

TensorFlow Serving documents it as "RESTful API", version 1. What a value may be, `data/requests.py` says.
Labels that clients send as feedback are an addition of ours.
"""

import base64
import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, NoReturn, TypeAlias

import numpy as np
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)

from ..core.errors import RequestError
from ..data import requests
from ..settings.base import NAMED, SERIALIZED

Inputs: TypeAlias = dict[str, dict[str, Any]]  # the metadata of each input

MAX_MESSAGE = 500  # characters
MAX_IDENTIFIER = 128  # characters
MAX_VALUE = 80  # characters of a value in a message
STATUS = {"too_long": 413} | dict.fromkeys(
    ("greater_than_equal", "less_than_equal", "multiple_of", "literal_error"), 422
)  # by pydantic's type of the error; 400 for all others


class RequestFormat:
    """What a version accepts: pydantic models, made from the metadata of its inputs."""

    def __init__(self, inputs: Inputs, max_rows: int, strict: bool, unused: Iterable[str] = ()) -> None:
        """`strict` rejects values outside the domains and bounds of the schema; `unused` names what is ignored."""
        self.inputs, self.strict = inputs, strict
        self.unused = [name for name in unused if name not in inputs]
        self.fields = {name: f"input_{number}" for number, name in enumerate(inputs)}  # a name may be any string
        values: dict[str, Any] = {
            name: Annotated[
                requests.value_type(entry, strict), BeforeValidator(partial(decode, entry.get("columns", ())))
            ]
            for name, entry in inputs.items()
        }
        instances = list_of(self.create_model("Row", values), max_rows)
        self.rows = TypeAdapter(instances)
        self.columns = self.create_model("Columns", {name: list_of(value, max_rows) for name, value in values.items()})
        body: dict[str, Any] = {
            "signature_name": (Literal[NAMED, SERIALIZED], NAMED),
            "instances": (instances, None),
            "inputs": (self.columns, None),
        }
        self.body = create_model("PredictRequest", **body)

    def create_model(self, title: str, types: dict[str, Any]) -> type[BaseModel]:
        """A model with a field for each input, which may be left out if it may be missing."""
        fields: dict[str, Any] = {
            self.fields[name]: (types[name], Field(... if entry.get("required") else None, alias=name))
            for name, entry in self.inputs.items()
        }
        fields |= {f"unused_{number}": (Any, Field(None, alias=name)) for number, name in enumerate(self.unused)}
        return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)


def list_of(item: Any, max_rows: int) -> Any:
    """The type of a list of at least one and at most `max_rows` items; validation stops at the first wrong one."""
    return Annotated[list[item], Field(min_length=1, max_length=max_rows, fail_fast=True)]


@dataclass(frozen=True)
class PredictRequest:
    """A valid request: `columns` as the client sent them, `arrays` as the model takes them, each (num_rows, ...)."""

    in_rows: bool
    num_rows: int
    columns: dict[str, list[Any]]
    arrays: dict[str, np.ndarray]


def parse_request(body: bytes, accepted: RequestFormat) -> PredictRequest:
    """The request in a body.

    Raises:
        RequestError: it is not valid; the message names the value and what is allowed.
    """
    content = load_json(body)
    if not isinstance(content, dict):
        raise RequestError("the body is not a JSON object; send one with instances or inputs")
    signature = content.get("signature_name") or NAMED
    if signature not in (NAMED, SERIALIZED):
        message = f"Serving signature name: {json.dumps(signature)} not found in signature def"
        raise RequestError(f"{message}; there are {NAMED} and {SERIALIZED}", field="signature_name")
    if ("instances" in content) == ("inputs" in content):
        raise RequestError("send either instances (a list of rows) or inputs (an object of columns), one of them")
    in_rows = "instances" in content
    sent = content["instances" if in_rows else "inputs"]
    try:
        if signature == SERIALIZED:
            columns = columns_of_rows(accepted, rows_of_examples(sent, accepted.inputs))
        else:
            columns = columns_of_rows(accepted, sent) if in_rows else columns_of_columns(accepted, sent)
    except ValidationError as error:
        raise request_error(error, "instances" if in_rows else "inputs", list(accepted.inputs)) from error
    return PredictRequest(in_rows, len(next(iter(columns.values()))), columns, read_arrays(accepted, columns, in_rows))


def load_json(body: bytes) -> Any:
    """The content of a body of standard JSON, which has no NaN and infinity."""
    try:
        return json.loads(body, parse_constant=reject_constant)
    except RequestError:
        raise
    except (ValueError, RecursionError) as error:
        raise RequestError(f"JSON Parse error: {error}"[:200]) from error


def reject_constant(name: str) -> NoReturn:
    """Rejects NaN and infinity, for which predictions would mean nothing."""
    raise RequestError(f"JSON Parse error: {name} is not a number; leave a missing value out, or send null")


def columns_of_rows(accepted: RequestFormat, rows: Any) -> dict[str, list[Any]]:
    """The values of each input from a list of rows: objects, or plain values if there is a single input.

    The value itself may be an object with the columns that the input was made of.
    """
    if len(accepted.inputs) == 1 and isinstance(rows, list) and rows:
        ((name, entry),) = accepted.inputs.items()
        if not is_named(rows[0]) or rows[0].keys() <= {*entry.get("columns", ())}:
            rows = [{name: value} for value in rows]
    valid = accepted.rows.validate_python(rows)
    return {name: [getattr(row, field) for row in valid] for name, field in accepted.fields.items()}


def columns_of_columns(accepted: RequestFormat, columns: Any) -> dict[str, list[Any]]:
    """The values of each input from an object of columns, or from a plain list if there is a single input."""
    if len(accepted.inputs) == 1 and not is_named(columns):
        columns = dict.fromkeys(accepted.inputs, columns)
    valid = accepted.columns.model_validate(columns)
    found = {name: getattr(valid, field) for name, field in accepted.fields.items()}
    lengths = {name: len(values) for name, values in found.items() if values is not None}
    if len(set(lengths.values())) != 1:
        raise RequestError(f"inputs has different numbers of rows: {json.dumps(lengths)}; send the same number of each")
    missing = [None] * next(iter(lengths.values()))
    return {name: missing if values is None else values for name, values in found.items()}


def is_named(value: Any) -> bool:
    """Whether a value is an object, other than one that stands for bytes."""
    return isinstance(value, dict) and value.keys() != {"b64"}


def decode(columns: Collection[str], value: Any) -> Any:
    """The bytes of an object such as {"b64": "aGVsbG8="}; any other value, or object of these columns, as it is."""
    if not isinstance(value, dict) or (value and value.keys() <= {*columns}):
        return value
    if value.keys() != {"b64"} or not isinstance(value["b64"], str):
        raise ValueError('an object {"b64": "..."} with Base64')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except ValueError as error:
        raise ValueError(f'an object {{"b64": "..."}} whose text is Base64 ({error})') from error


def rows_of_examples(examples: Any, inputs: Inputs) -> list[dict[str, Any]]:
    """Rows from tf.Example protocol buffers, whose features are named as the columns of the source."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.example import example_pb2  # here, since TensorFlow takes seconds to import

    names = {entry["column"]: name for name, entry in inputs.items()}
    examples = examples.get("examples") if is_named(examples) else examples
    rows = []
    for number, sent in enumerate(examples if isinstance(examples, list) else []):
        try:
            serialized = decode((), sent.get("examples", sent))
            features = example_pb2.Example.FromString(serialized).features.feature
        except (AttributeError, DecodeError, ValueError) as error:
            message = f'examples[{number}] is not a tf.Example in Base64, {{"b64": "..."}}'
            raise RequestError(message, field="examples", row=number) from error
        rows.append({names.get(column, column): value_of(feature) for column, feature in features.items()})
    return rows


def value_of(feature: Any) -> Any:
    """The value of a feature of a tf.Example: a scalar if there is one, None if there is none."""
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    return values if len(values) > 1 else values[0] if values else None


def read_arrays(accepted: RequestFormat, columns: dict[str, list[Any]], in_rows: bool) -> dict[str, np.ndarray]:
    """The values of each input as the model takes them, (num_rows, ...)."""
    arrays, name = {}, ""
    try:
        for name, entry in accepted.inputs.items():
            arrays[name] = requests.read(entry, columns[name], accepted.strict)
        requests.check_together(accepted.inputs, columns)
    except RequestError as error:
        row, name = error.row or 0, error.field or name
        path = path_of("instances", row, name) if in_rows else path_of("inputs", name, row)
        raise RequestError(f"{path} {error}", error.status, name, row) from error
    return arrays


def request_error(error: ValidationError, root: str, names: list[str]) -> RequestError:
    """The first of pydantic's errors as a sentence that names the value; `names` are those of the known fields."""
    details = error.errors(include_url=False)[0]
    field = next((part for part in details["loc"] if isinstance(part, str)), "")
    row = next((part for part in details["loc"] if isinstance(part, int)), None)
    message = f"{path_of(root, *details['loc'])} {shortened(problem(details, names), MAX_MESSAGE)}"
    return RequestError(message, STATUS.get(details["type"], 400), field, row)


def problem(details: Mapping[str, Any], names: list[str]) -> str:
    """What is wrong with a value and what is allowed, to follow its path."""
    context, expected = details.get("ctx", {}), details["msg"]
    for prefix in ("Input should be ", "Value error, "):  # of pydantic's own messages, and of our validators
        expected = expected.removeprefix(prefix)
    match details["type"]:
        case "extra_forbidden":
            return f"is unknown; these are known: {', '.join(names)}"
        case "model_type":
            return f"is not an object; send one with: {', '.join(names)}"
        case "list_type" | "too_short":
            return "is not a list with at least one element"
        case "too_long":
            return f"has {context['actual_length']:,} rows; at most {context['max_length']:,} are answered at once"
        case "missing":
            return "is missing; send a value"
        case "greater_than_equal":
            expected = f"at least {rounded(context['ge'])}"
        case "less_than_equal":
            expected = f"at most {rounded(context['le'])}"
    return f"is {'missing' if details['input'] is None else shown(details['input'])}; it should be {expected}"


def shown(value: Any) -> str:
    """A value as JSON, shortened for a message."""
    return shortened(json.dumps(value, ensure_ascii=False, default=lambda other: f"{len(other)} bytes"), MAX_VALUE)


def shortened(text: str, length: int) -> str:
    """A text of bounded length."""
    return text if len(text) <= length else text[:length] + "..."


def rounded(bound: float) -> str:
    """A bound without the digits in which 32 bits differ from 64."""
    return f"{bound:.6g}" if bound % 1 else f"{bound:.0f}"


def path_of(root: str, *parts: str | int) -> str:
    """The path of a value in the request, such as instances[0].size."""
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def response_body(outputs: dict[str, np.ndarray], in_rows: bool) -> dict[str, Any]:
    """The body of the response: predictions row by row, or outputs column by column; a single output has no name."""
    columns = {name: plain(name, values) for name, values in outputs.items()}
    if len(columns) == 1:
        (values,) = columns.values()
        return {"predictions" if in_rows else "outputs": values}
    if not in_rows:
        return {"outputs": columns}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def plain(name: str, values: np.ndarray) -> list[Any]:
    """An output as JSON values: strings decoded, or in Base64 if the name of the output ends in _bytes."""
    if values.dtype != object:
        return list(values.tolist())
    write = encode if name.endswith("_bytes") else lambda text: text.decode(errors="replace")
    flat = [write(value) for value in values.ravel()]
    return flat if values.ndim == 1 else np.array(flat, object).reshape(values.shape).tolist()


def encode(value: bytes) -> dict[str, str]:
    """Bytes as TensorFlow Serving writes them."""
    return {"b64": base64.b64encode(value).decode()}


def usable(label: Any) -> Any:
    """The label, unless it is null, an object, or infinite: 1e999 is read as infinity."""
    try:
        json.dumps(label, allow_nan=False)
    except ValueError:
        label = None
    if label is None or isinstance(label, dict):
        raise ValueError("the ground truth of the row")
    return label


class Feedback(BaseModel):
    """The label of a row of an earlier request."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER)]
    """The X-Request-Id of the response."""

    row: Annotated[int, Field(ge=0, strict=True)] = 0
    """The number of the row in the request, from 0."""

    label: Annotated[Any, AfterValidator(usable), Field(validation_alias=AliasChoices("label", "outcome"))]
    """The ground truth; version 0.9 called it outcome."""


def read_feedback(body: bytes, max_rows: int) -> list[dict[str, Any]]:
    """The lines to log for an object or a list of objects of Feedback.

    Raises:
        RequestError: something is missing or has the wrong type; the message names it.
    """
    entries = load_json(body)
    entries = entries if isinstance(entries, list) else [entries]
    if not entries or len(entries) > max_rows:
        status = 413 if entries else 400
        raise RequestError(f"{len(entries):,} labels were sent; a request may hold 1 to {max_rows:,}", status)
    try:
        found = TypeAdapter(list[Feedback]).validate_python(entries)
    except ValidationError as error:
        raise request_error(error, "feedback", ["id", "row", "label"]) from error
    moment = timestamp(time.time())
    return [entry.model_dump() | {"time": moment} for entry in found]


def timestamp(seconds: float) -> str:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
