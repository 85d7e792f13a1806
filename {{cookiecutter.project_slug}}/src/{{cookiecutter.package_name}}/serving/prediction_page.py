"""The page on which a person fills in one example and sees the prediction."""

from pathlib import Path
from typing import Any

import jinja2

from ..core.paths import PROJECT
from ..data import request_format

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
        | request_format.form_field(entry)
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
