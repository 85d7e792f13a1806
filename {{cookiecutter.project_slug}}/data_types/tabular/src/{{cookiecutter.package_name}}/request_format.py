"""What a request may hold, by kind of column: a number, a category, a date or a text."""

from typing import Any

MAX_MISSING = 0.1  # a schema that asks for this much less than all values lets single requests leave the column out


def limits(kind: str, feature: Any) -> dict[str, Any]:
    """What a schema's feature (tensorflow_metadata's `Feature`) allows in one request, as JSON.

    `required`: whether a value must be given; `values`: the categories; `low`, `high`: bounds; `whole`: no decimals.
    """
    allowed: dict[str, Any] = {"required": feature.presence.min_fraction >= 1 - MAX_MISSING}
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
