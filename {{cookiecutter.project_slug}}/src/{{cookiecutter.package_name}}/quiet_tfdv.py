"""TensorFlow Data Validation and Apache Beam, imported without their notices and without Keras."""

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


@contextlib.contextmanager
def without_keras() -> Generator[None, None, None]:
    """Keeps `import tensorflow` from importing Keras, which statistics do not need: spares a third of the time."""
    saved = os.environ.get("TF_USE_LEGACY_KERAS")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    try:
        yield
    finally:
        if saved is None:
            del os.environ["TF_USE_LEGACY_KERAS"]
        else:
            os.environ["TF_USE_LEGACY_KERAS"] = saved


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with silenced(), without_keras():
    import apache_beam as beam
    import tensorflow_data_validation as tfdv
    from apache_beam.options.pipeline_options import PipelineOptions

    # Not public; what tfdv.GenerateStatistics makes of them is slow, see data_statistics.CombineStatistics.
    from tensorflow_data_validation.statistics.stats_impl import get_generators
    from tfx_bsl.arrow.table_util import CanonicalizeRecordBatch
    from tfx_bsl.statistics.merge_util import merge_dataset_feature_statistics

for name in ("absl", "apache_beam", "root"):
    logging.getLogger(name).setLevel(logging.ERROR)

__all__ = [
    "CanonicalizeRecordBatch",
    "PipelineOptions",
    "beam",
    "get_generators",
    "merge_dataset_feature_statistics",
    "silenced",
    "tfdv",
]
