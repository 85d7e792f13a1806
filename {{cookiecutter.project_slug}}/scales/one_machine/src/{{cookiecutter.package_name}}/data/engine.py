"""Apache Beam pipelines in this process."""

import contextlib
from collections.abc import Generator, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from ..config import Config

RUNNER = "--runner=FnApiRunner"  # the default first tries to download another runner


@contextlib.contextmanager
def pipeline(config: Config, doing: str) -> Generator[beam.Pipeline, None, None]:
    """A pipeline that runs at the end of the block; the arguments are for runners on a cluster."""
    del config, doing
    with beam.Pipeline(options=PipelineOptions([RUNNER])) as begun:
        yield begun


def is_local(config: Config) -> bool:
    """Whether pipelines run in this process: always."""
    del config
    return True


def spread(begun: beam.Pipeline, items: Iterable[Any]) -> "beam.PCollection[Any]":
    """The items as a collection."""
    return begun | beam.Create(list(items))
