"""Apache Beam pipelines, in this process or on the runner that the setting `beam_options` names."""

import contextlib
from collections.abc import Generator, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from ..config import Config
from ..core.errors import InputError


@contextlib.contextmanager
def pipeline(config: Config, doing: str) -> Generator["beam.Pipeline", None, None]:
    """A pipeline on the runner that the settings name, which runs at the end of the block.

    Raises:
        InputError: a runner other than the one in this process failed.
    """
    try:
        with beam.Pipeline(options=PipelineOptions(list(config.beam_options))) as begun:
            yield begun
    except Exception as error:  # whatever a runner may raise
        if is_local(config):
            raise
        options = ",".join(config.beam_options)
        raise InputError(f"{doing} failed with beam_options {options!r}: {error}") from error


def is_local(config: Config) -> bool:
    """Whether pipelines run in this process."""
    return bool(config.beam_options == Config.model_fields["beam_options"].default)


def spread(begun: "beam.Pipeline", items: Iterable[Any]) -> "beam.PCollection[Any]":
    """The items, distributed over the workers, independently of the one that created the list."""
    return (
        begun
        | "Number" >> beam.Create(list(enumerate(items)))
        | "Spread" >> beam.GroupByKey()  # like Reshuffle, which not every runner has
        | "Items" >> beam.FlatMapTuple(lambda _, numbered: numbered)
    )
