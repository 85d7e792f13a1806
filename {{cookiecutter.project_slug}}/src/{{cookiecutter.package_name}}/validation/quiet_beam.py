"""Apache Beam, imported without its notices."""

import contextlib
import logging
import os
import sys
from collections.abc import Generator
from pathlib import Path


@contextlib.contextmanager
def silenced() -> Generator[None, None, None]:
    """Sends what is written to the error stream, by native code too, nowhere; exceptions still get out."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
        sys.stderr.flush()
    finally:
        os.dup2(saved, 2)
        os.close(saved)


with silenced():
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

for name in ("apache_beam", "root"):
    logging.getLogger(name).setLevel(logging.ERROR)

__all__ = ["PipelineOptions", "beam", "silenced"]
