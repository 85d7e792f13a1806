"""The web server's addresses: TensorFlow Serving's REST API, and what people and their monitoring need beside it."""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jinja2
import tensorflow as tf
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ..config import Config
from ..core.errors import InputError, RequestError
from ..data import requests
from ..settings.base import PROJECT
from . import protocol, request_log
from .request_log import Answered, RequestLog, timestamp
from .served_model import Models, ServedModel

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
SANE_IDENTIFIER = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}", re.ASCII)
CLIENT_GONE = 499  # as web servers write it into their logs; nobody receives it

ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
REFUSALS = {
    "400": "Malformed: a field is missing, unknown or of the wrong type",
    "404": "No such model or version",
    "413": "Too many rows or bytes",
    "422": "A value is outside what the schema allows",
}
TEMPLATE = Path(__file__).with_name("prediction_page.html.j2")
VIEW = Path(__file__).with_name("prediction_view.js")  # how a task shows its outputs; without it, as text and tables


class Server:
    """What the handlers of requests share."""

    def __init__(self, config: Config) -> None:
        """Loads the newest version that can be served.

        Raises:
            InputError: there is none.
        """
        self.config, self.metrics = config, request_log.create_metrics()
        self.models = Models(config, self.metrics)
        self.models.refresh()
        if self.models.current is None:
            raise InputError(f"no version in {config.paths.export} can be served: see above; export another one")
        self.log: RequestLog | None = None

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncGenerator[None, None]:
        """Follows the folder of exports while the server runs; at its end, the log is written to its end."""
        self.log = RequestLog(self.config, self.metrics)
        watcher = asyncio.create_task(self.models.watch())
        yield
        watcher.cancel()
        self.log.close()

    def model(self, request: Request) -> ServedModel:
        """The version that a request asks for.

        Raises:
            RequestError: 404, there is no such model or version in service; the words are TensorFlow Serving's.
        """
        name, version = request.path_params["name"], request.path_params.get("version")
        current = self.models.current
        if name != PROJECT or current is None or version not in (None, current.version):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RequestError(f"Servable not found for request: {wanted}", 404)
        return current

    async def predict(self, request: Request) -> Response:
        """Answers with predictions, or with what is wrong with the request."""
        started, moment = time.perf_counter(), time.time()
        identifier = request.headers.get("x-request-id", "")
        identifier = identifier if SANE_IDENTIFIER.fullmatch(identifier) else f"{random.getrandbits(128):032x}"
        try:
            model = self.model(request)
            body = await read_body(request, self.config.request_bytes)
            inputs = model.description["inputs"]
            question = protocol.read_question(body, inputs, self.config.request_rows, self.config.strict_requests)
            outputs = await run(model, question)
            status, content = 200, protocol.answer(outputs, question.in_rows)
        except RequestError as error:
            status, content = error.status, {"error": str(error)}
            self.log_refused(identifier, moment, error)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        else:
            if self.log and is_sampled(self.config.log_share):
                latency = time.perf_counter() - started
                columns = question.columns
                self.log.put(Answered(identifier, moment, model.version, latency, inputs, columns, outputs))
        self.metrics.requests.labels(status).inc()
        self.metrics.seconds.observe(time.perf_counter() - started)
        return as_json(content, status, {"x-request-id": identifier})

    def log_refused(self, identifier: str, moment: float, error: RequestError) -> None:
        """Logs a refused request; of a field that is never logged, not even the message, which may hold the value."""
        model = self.models.current
        if self.log is None or model is None or not is_sampled(self.config.log_share):
            return
        column = model.description["inputs"].get(error.field, {}).get("column", error.field)
        is_secret = {error.field, column} & set(self.config.log_never)
        line = {"id": identifier, "time": timestamp(moment), "version": model.version, "status": error.status}
        line |= {"error": "the message is not logged" if is_secret else str(error)}
        self.log.put([line | ({"field": error.field} if error.field else {})])

    async def status(self, request: Request) -> Response:
        """Which versions there are, as TensorFlow Serving's GetModelStatusResponse."""
        name, version = request.path_params["name"], request.path_params.get("version")
        if ":" in name:
            return await malformed(request)
        states = self.models.states() if name == PROJECT else {}
        entries = [
            {
                "version": str(number),
                "state": state,
                "status": {"error_code": "UNKNOWN" if reason else "OK", "error_message": reason},
            }
            for number, (state, reason) in sorted(states.items(), reverse=True)
            if version in (None, number)
        ]
        if not entries:
            which = f"model {name}" if version is None else f"version {version} of model {name}"
            return as_json({"error": f"Could not find any versions of {which}"}, 404)
        return as_json({"model_version_status": entries})

    async def metadata(self, request: Request) -> Response:
        """What the model takes and gives, as TensorFlow Serving's GetModelMetadataResponse."""
        try:
            model = self.model(request)
        except RequestError as error:
            return as_json({"error": str(error)}, error.status)
        specification = {"name": PROJECT, "signature_name": "", "version": str(model.version)}
        return as_json(
            {"model_spec": specification, "metadata": {"signature_def": {"signature_def": model.signatures}}}
        )

    async def feedback(self, request: Request) -> Response:
        """Takes true outcomes of earlier requests."""
        try:
            self.model(request)
            lines = request_log.read_feedback(
                await read_body(request, self.config.request_bytes), self.config.request_rows
            )
        except RequestError as error:
            return as_json({"error": str(error)}, error.status)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        if self.log is None or not self.log.put(lines):
            return as_json({"error": "the log cannot keep up; send the outcomes again later"}, 503)
        self.metrics.feedback.inc(len(lines))
        return as_json({"accepted": len(lines)})

    async def page(self, _: Request) -> Response:
        """The page for people."""
        model = self.models.current
        if model is None:
            return PlainTextResponse("no version is in service", 503)
        return HTMLResponse(render(model.version, model.description))

    async def ready(self, _: Request) -> Response:
        """Whether requests can be answered."""
        model = self.models.current
        return as_json({"version": model.version}) if model else as_json({"error": "no version is in service"}, 503)

    async def measurements(self, _: Request) -> Response:
        """Everything that is counted, for Prometheus."""
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    def describe(self) -> dict[str, Any]:
        """The OpenAPI description of the version in service."""
        return describe(self.models.current.description if self.models.current else None)


async def alive(_: Request) -> Response:
    """Whether the process answers at all."""
    return as_json({"alive": True})


async def malformed(request: Request) -> Response:
    """What TensorFlow Serving says of an address below /v1 that it does not know."""
    return as_json({"error": f"Malformed request: {request.method} {request.url.path}"}, 400)


async def failed(_: Request, error: Exception) -> Response:
    """A mistake in the program."""
    return as_json({"error": f"internal error: {type(error).__name__}"}, 500)


def create(config: Config) -> FastAPI:
    """The application.

    The handlers are plain routes, since what FastAPI does for each request takes longer than the model.
    """
    server = Server(config)
    title = f"{PROJECT}: predictions"
    app = FastAPIOffline(redoc_url=None, title=title, lifespan=server.lifespan, exception_handlers={Exception: failed})
    model, version = "/v1/models/{name}", "/v1/models/{name}/versions/{version:int}"
    for prefix in (model, version):
        app.add_route(f"{prefix}:predict", server.predict, ["POST"])
        app.add_route(f"{prefix}/metadata", server.metadata, ["GET"])
        app.add_route(prefix, server.status, ["GET"])
    app.add_route(f"{model}/feedback", server.feedback, ["POST"])
    app.add_route("/v1/{rest:path}", malformed, METHODS)
    app.add_route("/", server.page, ["GET"])
    app.add_route("/healthz", alive, ["GET"])
    app.add_route("/readyz", server.ready, ["GET"])
    app.add_route("/metrics", server.measurements, ["GET"])
    app.openapi = server.describe  # type: ignore[method-assign]
    return app


async def run(model: ServedModel, question: protocol.Question) -> dict[str, Any]:
    """The model's outputs; what it refuses for itself is the request's fault."""
    try:
        return await model.batches.submit(question.arrays, question.num_rows)
    except tf.errors.InvalidArgumentError as error:
        raise RequestError(f"the model refuses the request: {error.message}"[:500]) from error


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body of a request, unless it is too large."""
    message = f"the body has more than {max_bytes:,} bytes; send fewer rows at once"
    if int(request.headers.get("content-length") or 0) > max_bytes:
        raise RequestError(message, 413)
    pieces, size = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise RequestError(message, 413)
    return b"".join(pieces)


def is_sampled(share: float) -> bool:
    """Whether a request is among the share that is logged."""
    return share >= 1 or random.random() < share  # noqa: S311 (nothing to guess here)


def as_json(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response in JSON; NaN is written as TensorFlow Serving does, which JSON's standard does not know."""
    return Response(json.dumps(content), status, headers, "application/json")


def describe(description: dict[str, Any] | None) -> dict[str, Any]:
    """OpenAPI 3.1 for the version in service; `description` is its model.json."""
    described = description or {"goal": "", "inputs": {}, "example": {}}
    prefix = f"/v1/models/{PROJECT}"
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{PROJECT}: predictions", "version": "1", "description": described["goal"]},
        "paths": {
            f"{prefix}:predict": {"post": predict(described)},
            prefix: {"get": answer("Versions and their states")},
            f"{prefix}/metadata": {"get": answer("Inputs and outputs of the model")},
            f"{prefix}/feedback": {"post": feedback()},
            "/healthz": {"get": answer("Whether the process answers")},
            "/readyz": {"get": answer("Whether a model is in service")},
            "/metrics": {"get": answer("Measurements for Prometheus", "text/plain")},
        },
    }


def predict(described: dict[str, Any]) -> dict[str, Any]:
    """The operation that everything is about."""
    inputs, example = described["inputs"], described["example"]
    values = {name: requests.json_schema(entry) for name, entry in inputs.items()}
    row = {
        "type": "object",
        "properties": values,
        "required": [name for name, entry in inputs.items() if entry["required"]],
        "additionalProperties": False,
    }
    columns = {name: {"type": "array", "items": schema} for name, schema in values.items()}
    properties = {
        "signature_name": {"type": "string", "enum": ["serving_default", "serialized_examples"]},
        "instances": {"type": "array", "items": row, "minItems": 1},
        "inputs": {"type": "object", "properties": columns, "additionalProperties": False},
    }
    examples = {
        "rows": {"value": {"instances": [example]}},
        "columns": {"value": {"inputs": {name: [value] for name, value in example.items()}}},
    }
    operation = answer("Predictions for rows (instances) or columns (inputs)")
    operation["requestBody"] = body({"type": "object", "properties": properties}, examples)
    operation["responses"] |= {
        status: {"description": meaning, "content": {"application/json": {"schema": ERROR}}}
        for status, meaning in REFUSALS.items()
    }
    return operation


def feedback() -> dict[str, Any]:
    """The operation by which true outcomes come back."""
    entry = {
        "type": "object",
        "required": ["id", "outcome"],
        "properties": {"id": {"type": "string"}, "row": {"type": "integer", "minimum": 0, "default": 0}, "outcome": {}},
    }
    operation = answer("Tells the true outcome of an earlier request; id is its X-Request-Id")
    example = {"one": {"value": {"id": "the X-Request-Id of the answer", "row": 0, "outcome": "what was true"}}}
    operation["requestBody"] = body({"anyOf": [entry, {"type": "array", "items": entry}]}, example)
    return operation


def body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    """A body in JSON that has to be there."""
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def answer(summary: str, media: str = "application/json") -> dict[str, Any]:
    """An operation and its good outcome."""
    return {"summary": summary, "responses": {"200": {"description": "As asked", "content": {media: {}}}}}


def render(version: int, description: dict[str, Any]) -> str:
    """The page as HTML that needs no network; all that comes from data is escaped."""
    fields = [
        {
            "name": name,
            "label": entry["column"],
            "required": entry["required"],
            "example": typed(description["example"][name]),
        }
        | requests.form_field(entry)
        for name, entry in description["inputs"].items()
    ]
    inputs = {name: {"column": entry["column"], "kind": entry["kind"]} for name, entry in description["inputs"].items()}
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        name=PROJECT,
        version=version,
        goal=description["goal"],
        target=description["target"],
        exported=description["exported_at"][:16].replace("T", " "),
        fields=fields,
        settings={"address": f"/v1/models/{PROJECT}", "parts": description["parts"], "inputs": inputs},
        view=VIEW.read_text(encoding="utf-8") if VIEW.exists() else "",
    )


def typed(value: Any) -> Any:
    """A value as a person types it: a list as text with commas."""
    return ", ".join("" if cell is None else str(cell) for cell in value) if isinstance(value, list) else value
