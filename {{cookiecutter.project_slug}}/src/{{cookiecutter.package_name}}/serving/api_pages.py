"""The description of the API that /docs shows: what the model in service takes, with a request that works."""

from pathlib import Path
from typing import Any

import jinja2

from ..data import requests
from ..settings.paths import PROJECT

ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
REFUSALS = {
    "400": "Malformed: a field is missing, unknown or of the wrong type",
    "404": "No such model or version",
    "413": "Too many rows or bytes",
    "422": "A value is outside what the schema allows",
}


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


TEMPLATE = Path(__file__).with_name("prediction_page.html.j2")
VIEW = Path(__file__).with_name("prediction_view.js")  # how a task shows its outputs; without it, as text and tables


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
