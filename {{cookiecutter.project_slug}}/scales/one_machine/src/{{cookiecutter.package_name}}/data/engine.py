"""Work on parts of the data by Apache Beam, in this process."""

import contextlib
from collections.abc import Generator, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from ..config import Config

RUNNER = "--runner=FnApiRunner"  # the default one first tries to fetch another from the internet


@contextlib.contextmanager
def pipeline(config: Config, doing: str) -> Generator[beam.Pipeline, None, None]:
    """A pipeline that runs at the end of the block; here, neither settings nor what it does matter."""
    del config, doing
    with beam.Pipeline(options=PipelineOptions([RUNNER])) as begun:
        yield begun


def spread(begun: beam.Pipeline, items: Iterable[Any]) -> "beam.PCollection[Any]":
    """The items, as a collection."""
    return begun | beam.Create(list(items))
