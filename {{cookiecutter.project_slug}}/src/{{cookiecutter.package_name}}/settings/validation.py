"""Settings of the checks of the data."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .base import Settings, Share


class ValidationSettings(Settings):
    """Settings of the checks of the data."""

    max_category_skew: Share = 0.25
    """L-infinity distance between two splits' shares of a category above which a column is an anomaly."""

    max_number_skew: Share = 0.35
    """Jensen-Shannon divergence between two splits above which a number is an anomaly; chance alone gives 0.27."""

    min_skew_examples: Annotated[int, Field(ge=10)] = 300
    """Examples a split needs before its skew is judged: below, chance alone moves the distances this much."""

    schema_path: Path = Path("data/schema.pbtxt")
    """The TFDV schema: inferred once, reviewed by a person, committed."""
