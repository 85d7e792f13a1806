"""Work on parts of the data by Apache Beam, in this process or, by the setting `beam_options`, on another engine."""

import contextlib
from collections.abc import Generator, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from ..config import Config
from ..core.errors import InputError


@contextlib.contextmanager
def pipeline(config: Config, doing: str) -> Generator["beam.Pipeline", None, None]:
    """A pipeline on the engine that the settings name, which runs at the end of the block.

    Raises:
        InputError: another engine than the one in this process could not do it.
    """
    try:
        with beam.Pipeline(options=PipelineOptions(list(config.beam_options))) as begun:
            yield begun
    except Exception as error:  # whatever an engine may raise
        if config.beam_options == Config.model_fields["beam_options"].default:
            raise
        options = ",".join(config.beam_options)
        raise InputError(f"{doing} failed with beam_options {options!r}: {error}") from error


def spread(begun: "beam.Pipeline", items: Iterable[Any]) -> "beam.PCollection[Any]":
    """The items, shared out among the workers: one that gets an item has nothing to do with where the list was made."""
    return (
        begun
        | "Number" >> beam.Create(list(enumerate(items)))
        | "Spread" >> beam.GroupByKey()  # as Reshuffle would, which not every engine has
        | "Items" >> beam.FlatMapTuple(lambda _, numbered: numbered)
    )
