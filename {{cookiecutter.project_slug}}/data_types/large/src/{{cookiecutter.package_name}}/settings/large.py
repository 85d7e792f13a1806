"""Settings of sources that do not fit in memory."""

from typing import Annotated

from pydantic import Field

from .base import Settings
from .data_type import EXAMPLES_IN_MEMORY


class LargeSettings(Settings):
    """Settings of sources that do not fit in memory."""

    max_examples_in_memory: Annotated[int, Field(ge=100)] = EXAMPLES_IN_MEMORY
    """Maximum number of rows in memory; a larger source is read in parts, a larger split is streamed from disk."""
