"""Values of the request log as numbers and texts, whatever clients have sent."""

import math
from typing import Any

import pandas as pd


def to_number(value: Any) -> float:
    """A logged value as a number; NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def to_text(value: Any) -> str | None:
    """A logged value as a text that can be written anywhere; None if it is missing or empty."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return None
    return str(value).encode("utf-8", "replace").decode()
