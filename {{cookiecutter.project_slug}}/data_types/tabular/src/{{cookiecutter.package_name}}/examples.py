"""From the raw source to one row per example: for a table, the rows themselves."""

import pandas as pd

from . import cleaning, sources
from .config import Config
from .provenance import Provenance


def read_examples(config: Config) -> pd.DataFrame:
    """One row per row of the source with all its columns, typed; `attrs` holds the fields of its `Provenance`.

    Raises:
        InputError: the source cannot be read or its cells cannot be used; the message says what to do.
    """
    provenance = Provenance()
    table = sources.read_table(config, provenance)
    as_text = (*config.categorical, *config.text)
    return cleaning.clean(table, provenance, config.missing_markers, as_text, unchecked=config.ignore)


def as_before(config: Config, examples: pd.DataFrame) -> Config:
    """The settings by which a further source is read as `examples` were: texts stay texts, even if all are numbers."""
    texts = [str(name) for name in examples.columns if examples[name].dtype == object]
    return config.model_copy(update={"categorical": (*config.categorical, *texts)})
