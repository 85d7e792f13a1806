"""The routes of the server: TensorFlow Serving's REST API, a form, feedback, health and metrics."""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import tensorflow as tf
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, TypeAdapter
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ..config import Config
from ..core.errors import InputError, RequestError
from ..data import requests
from ..settings.base import CHOSEN, PROJECT, is_number
from . import guard, labels, protocol, served_model
from .protocol import Feedback
from .request_log import AnsweredRequest, ReceivedLabels, RequestLog
from .served_model import Models, ServedModel

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
SANE_IDENTIFIER = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}", re.ASCII)
CLOSING = {408: {"connection": "close"}}  # since the rest of the body is not read
CLIENT_GONE = 499  # as other web servers log it; the client does not receive it

MODEL = f"/v1/models/{PROJECT}"
ERRORS = (
    (400, "Malformed: a value is missing, unknown or of the wrong type"),
    (404, "No such model or version"),
    (408, "The body takes too long to arrive"),
    (413, "Too many rows or bytes"),
    (415, "Another content type than JSON, or another compression than gzip"),
    (422, "A value is outside of what the schema allows"),
)
TEMPLATE = Path(__file__).with_name("prediction_page.html.j2")
VIEW = Path(__file__).with_name("prediction_view.js")  # how a task shows its outputs; otherwise as text and tables


class VersionConvertor(Convertor[int]):
    """Reads the number of a version in a path; one that is too long for a number stands for none."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        """The number, or -1."""
        return int(value) if is_number(value) else -1

    def to_string(self, value: int) -> str:
        """The path of a number."""
        return str(value)


register_url_convertor("version", VersionConvertor())


class ErrorResponse(BaseModel):
    """What is wrong with a request."""

    error: str


class Server:
    """The handlers, and the state that they share."""

    def __init__(self, config: Config) -> None:
        """Loads the newest version that can be served.

        Raises:
            InputError: there is none.
        """
        self.config, self.metrics = config, served_model.create_metrics()
        self.models = Models(config, self.metrics)
        self.models.refresh()
        if self.models.current is None:
            raise InputError(f"no version in {config.paths.export} can be loaded (see above): export another one")
        self.log: RequestLog | None = None

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncGenerator[None, None]:
        """Watches the folder of exports while the server runs, and completes the log at its end."""
        self.log = RequestLog(self.config, self.metrics)
        watcher = asyncio.create_task(self.models.watch())
        yield
        watcher.cancel()
        self.log.close()

    def model(self, request: Request) -> ServedModel:
        """The version that a request names.

        Raises:
            RequestError: 404, it is not in service; the message is TensorFlow Serving's.
        """
        name, version = request.path_params.get("name", PROJECT), request.path_params.get("version")
        current = self.models.current
        if name != PROJECT or current is None or version not in (None, current.version):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RequestError(f"Servable not found for request: {wanted}", 404)
        return current

    async def predict(self, request: Request) -> Response:
        """Predictions for rows (instances) or columns (inputs)."""
        started, moment = time.perf_counter(), time.time()
        identifier = request.headers.get("x-request-id", "")
        identifier = identifier if SANE_IDENTIFIER.fullmatch(identifier) else f"{random.getrandbits(128):032x}"
        try:
            model = self.model(request)
            body = await guard.read_body(request, self.config)
            parsed = protocol.parse_request(body, model.request_format)
            outputs = await run(model, parsed)
            status, content = 200, protocol.response_body(outputs, parsed.in_rows)
        except RequestError as error:
            status, content = error.status, {"error": str(error)}
            self.log_rejected(identifier, moment, error)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        except Exception as error:
            logging.getLogger(__name__).exception("a request failed")
            status, content = 500, {"error": internal(error)}
            self.log_rejected(identifier, moment, RequestError(internal(error), status))
        else:
            if self.log and is_sampled(self.config.log_share):
                latency, inputs = time.perf_counter() - started, model.description["inputs"]
                self.log.put(
                    AnsweredRequest(identifier, moment, model.version, latency, inputs, parsed.columns, outputs)
                )
        self.metrics.requests.labels(status).inc()
        self.metrics.seconds.observe(time.perf_counter() - started)
        return as_json(content, status, {"x-request-id": identifier, **CLOSING.get(status, {})})

    def log_rejected(self, identifier: str, moment: float, error: RequestError) -> None:
        """Logs a rejected request, without the message if it may hold a value that is never logged."""
        model = self.models.current
        if self.log is None or model is None or not is_sampled(self.config.log_share):
            return
        column = model.description["inputs"].get(error.field, {}).get("column", error.field)
        is_secret = {error.field, column} & set(self.config.log_never)
        line = {"id": identifier, "time": protocol.timestamp(moment), "version": model.version, "status": error.status}
        line |= {"error": "the message is not logged" if is_secret else str(error)}
        self.log.put([line | ({"field": error.field} if error.field else {})])

    async def status(self, request: Request) -> Response:
        """Versions and their states, as TensorFlow Serving's GetModelStatusResponse."""
        name, version = request.path_params.get("name", PROJECT), request.path_params.get("version")
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
        """Inputs and outputs, as TensorFlow Serving's GetModelMetadataResponse, and what model.json says of labels."""
        try:
            model = self.model(request)
        except RequestError as error:
            return as_json({"error": str(error)}, error.status)
        specification = {"name": PROJECT, "signature_name": "", "version": str(model.version)}
        chosen = {name: model.description[name] for name in CHOSEN if name in model.description}
        return as_json(
            {
                "model_spec": specification,
                "metadata": {"signature_def": {"signature_def": model.signatures}, **chosen},
            }
        )

    async def feedback(self, request: Request) -> Response:
        """Stores the labels of earlier requests; `id` is the X-Request-Id of the response."""
        try:
            model = self.model(request)
            body = await guard.read_body(request, self.config)
            lines = protocol.read_feedback(body, self.config.request_rows)
            self.check_labels(model, lines)
            await self.store(ReceivedLabels(lines))
        except RequestError as error:
            return as_json({"error": str(error)}, error.status, CLOSING.get(error.status))
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        self.metrics.feedback.inc(len(lines))
        return as_json({"accepted": len(lines)})

    async def store(self, received: ReceivedLabels) -> None:
        """Waits until labels are written; raises RequestError if they are not."""
        if self.log is None or not self.log.put(received):
            raise RequestError("the log cannot keep up; send the labels again later", 503)
        if problem := await asyncio.wrap_future(received.answer):
            raise problem

    def check_labels(self, model: ServedModel, lines: list[dict[str, Any]]) -> None:
        """Raises RequestError 422 if the model in service could not have predicted a label."""
        for number, line in enumerate(lines):
            expected = labels.problem(model.description["parts"], line["label"], self.config.max_cell)
            if expected:
                path = protocol.path_of("feedback", number, "label")
                raise RequestError(f"{path} is {protocol.shown(line['label'])}; it should be {expected}", 422, "label")

    async def page(self, _: Request) -> Response:
        """The page with a form."""
        model = self.models.current
        if model is None:
            return PlainTextResponse("no version is in service", 503)
        return HTMLResponse(render(model.version, model.description, bool(self.config.api_key.get_secret_value())))

    async def alive(self, _: Request) -> Response:
        """Whether the process answers, and whether it can look for other versions."""
        problem = self.models.problem
        return as_json({"alive": True} | ({"error": problem} if problem else {}), 503 if problem else 200)

    async def ready(self, _: Request) -> Response:
        """Whether a version is in service."""
        model = self.models.current
        return as_json({"version": model.version}) if model else as_json({"error": "no version is in service"}, 503)

    async def measurements(self, _: Request) -> Response:
        """Metrics for Prometheus."""
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    def openapi(self, app: FastAPI) -> dict[str, Any]:
        """FastAPI's description of the routes, with the bodies that the version in service accepts."""
        model = self.models.current
        goal = model.description["goal"] if model else ""
        document = get_openapi(title=app.title, version="1", description=goal, routes=app.routes)
        if self.config.api_key.get_secret_value():
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}]
        label = {"id": "the X-Request-Id of the response", "row": 0, "label": "the ground truth"}
        set_body(document, f"{MODEL}/feedback", Feedback | list[Feedback], {"one": label})
        if model:
            example = model.description["example"]
            columns = {name: [value] for name, value in example.items()}
            examples = {"rows": {"instances": [example]}, "columns": {"inputs": columns}}
            set_body(document, f"{MODEL}:predict", model.request_format.body, examples)
        return document


def set_body(document: dict[str, Any], path: str, body: Any, examples: dict[str, Any]) -> None:
    """Adds the body of an operation to an OpenAPI document."""
    schema = TypeAdapter(body).json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= schema.pop("$defs", {})
    content = {"schema": schema, "examples": {name: {"value": value} for name, value in examples.items()}}
    document["paths"][path]["post"]["requestBody"] = {"required": True, "content": {"application/json": content}}


async def malformed(request: Request) -> Response:
    """TensorFlow Serving's response to an unknown path below /v1."""
    return as_json({"error": f"Malformed request: {request.method} {request.url.path}"}, 400)


async def failed(_: Request, error: Exception) -> Response:
    """The response to an error in the program."""
    return as_json({"error": internal(error)}, 500)


def internal(error: Exception) -> str:
    """What clients are told of an error in the program."""
    return f"internal error: {type(error).__name__}"


def create(config: Config) -> FastAPI:
    """The application; handlers validate requests, since their format changes with the version in service."""
    server = Server(config)
    title = f"{PROJECT}: predictions"
    app = FastAPIOffline(redoc_url=None, title=title, lifespan=server.lifespan, exception_handlers={Exception: failed})
    app.add_middleware(guard.Guard, config=config)
    app.openapi = partial(server.openapi, app)  # type: ignore[method-assign]
    errors: dict[int | str, Any] = {status: {"model": ErrorResponse, "description": text} for status, text in ERRORS}

    def add(path: str, handler: Any, method: str = "GET", **options: Any) -> None:
        app.add_api_route(path, handler, methods=[method], **options)
        if method == "GET":
            app.add_route(path, handler, ["HEAD"])

    for model in (MODEL, "/v1/models/{name}"):
        for prefix in (model, f"{model}/versions/{{version:version}}"):
            is_documented = prefix == MODEL
            add(f"{prefix}:predict", server.predict, "POST", responses=errors, include_in_schema=is_documented)
            add(f"{prefix}/metadata", server.metadata, include_in_schema=is_documented)
            add(prefix, server.status, include_in_schema=is_documented)
        add(f"{model}/feedback", server.feedback, "POST", responses=errors, include_in_schema=model == MODEL)
    app.add_route("/v1/{rest:path}", malformed, METHODS)
    add("/", server.page, include_in_schema=False)
    add("/healthz", server.alive)
    add("/readyz", server.ready)
    add("/metrics", server.measurements, response_class=PlainTextResponse)
    return app


async def run(model: ServedModel, parsed: protocol.PredictRequest) -> dict[str, Any]:
    """The outputs of the model; an invalid argument is an error of the request."""
    try:
        return await model.batches.submit(parsed.arrays, parsed.num_rows)
    except tf.errors.InvalidArgumentError as error:
        raise RequestError(f"the model rejects the request: {error.message}"[:500]) from error


def is_sampled(share: float) -> bool:
    """Whether to log a request, at random."""
    return share >= 1 or random.random() < share  # noqa: S311 (no cryptography)


def as_json(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response in JSON; NaN is written as TensorFlow Serving does, although standard JSON has none."""
    return Response(json.dumps(content), status, headers, "application/json")


def render(version: int, description: dict[str, Any], needs_key: bool = False) -> str:
    """The page as self-contained HTML; everything from the data is escaped."""
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
        decision=description.get("decision"),
        referral=description.get("referral"),
        exported=description["exported_at"][:16].replace("T", " "),
        fields=fields,
        settings={
            "address": f"/v1/models/{PROJECT}",
            "key": needs_key,
            "parts": description["parts"],
            "inputs": inputs,
        },
        view=VIEW.read_text(encoding="utf-8") if VIEW.exists() else "",
    )


def typed(value: Any) -> Any:
    """A value as it is typed into the form: a list as text with commas."""
    return ", ".join("" if cell is None else str(cell) for cell in value) if isinstance(value, list) else value
