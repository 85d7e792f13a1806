"""TensorFlow Data Validation, imported without its notices and without Keras."""

import contextlib
import logging
import os
from collections.abc import Generator

from .quiet_beam import silenced


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
    import tensorflow_data_validation as tfdv

    # Not public; what tfdv.GenerateStatistics makes of them is slow, see data_statistics.Generators.
    from tensorflow_data_validation.statistics.stats_impl import get_generators
    from tfx_bsl.arrow.table_util import CanonicalizeRecordBatch
    from tfx_bsl.statistics.merge_util import merge_dataset_feature_statistics

logging.getLogger("absl").setLevel(logging.ERROR)

__all__ = [
    "CanonicalizeRecordBatch",
    "get_generators",
    "merge_dataset_feature_statistics",
    "tfdv",
]
