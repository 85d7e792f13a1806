"""Settings of the checks of the data."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .base import Settings, Share


class ValidationSettings(Settings):
    """Settings of the checks of the data."""

    max_category_shift: Share = 0.25
    """Split shift of a category above which it is an anomaly: L-infinity distance to the training split."""

    max_number_shift: Share = 0.35
    """Split shift of a number above which it is an anomaly: Jensen-Shannon divergence; chance alone gives 0.27."""

    min_shift_examples: Annotated[int, Field(ge=10)] = 300
    """Examples that a split needs for its shift to be measured: with fewer, chance alone exceeds the thresholds."""

    schema_path: Path = Path("data/schema.pbtxt")
    """The TFDV schema: inferred from the first training split, then reviewed and committed."""
