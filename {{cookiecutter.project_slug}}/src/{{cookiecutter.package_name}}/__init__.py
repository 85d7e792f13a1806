"""A deep-learning project: `python -m` the package, or `make`, runs the stages of its life cycle."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .exporting.saved_model import Exported


def load(version: int | None = None) -> "Exported":
    """The exported model of a version, or of the one in service: its `predict` and `evaluate` take tables of pandas.

    Raises:
        InputError: there is no such version, or none at all.
    """
    from .exporting import saved_model  # here, since TensorFlow takes seconds to import

    return saved_model.load(version)
