"""The problem, how success is measured, and the settings that people change most.

Each room declares further settings in `settings/`; `python -m PACKAGE STAGE --help` lists those of a stage. A
value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment variable
(the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins over the
environment, the environment over this file.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from .settings.base import Names, Share, parse_names
from .settings.rooms import RoomSettings
from .settings.task import Criteria, Metric

Augmentation = Literal["flip", "shift", "rotate", "zoom", "color", "erase", "randaugment"]
Augmentations = Annotated[tuple[Augmentation, ...], NoDecode, BeforeValidator(parse_names)]


class Config(RoomSettings):
    """All settings, flat: those below and those of the rooms."""

    # --- The problem -------------------------------------------------------------------------------------------------
    goal: str = "Tell which piece of clothing a picture shows, so that a shop can sort its photographs by itself."
    """What the model is for and who gains by it, in a sentence."""

    limits: str = ""
    """What the model must not be used for, and what is known to go wrong: goes into the model card."""

    source: str = "data/raw/fashion_images.zip"
    """The raw data: a folder or zip with a folder per class, a table of paths, or an address of such (s3, gs)."""

    query: str = ""
    """What to read of the source: the SQL query of a database URL such as sqlite:///birds.db, or a workbook's sheet."""

    file_column: str = ""
    """The column of a table that names the files; empty: the first in which most cells do."""

    name_pattern: str = ""
    """A regular expression whose named groups find columns in the files' names; empty: none."""

    target: str = "label"
    """The column to predict: what folders are called, or a column of the table."""

    time: str = ""
    """The column of the time by which to split: training before validation before test."""

    key: str = ""
    """The column that identifies an example; it decides the example's split. Empty: the row's content decides."""

    group: str = ""
    """The column whose values must not be spread over splits, such as a patient or a customer."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "accuracy"
    """The primary metric: the one that reports lead with and that comparisons are about."""

    criteria: Criteria = {"log_loss": "majority", "roc_auc": 0.7}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns to report the score by; empty: chosen by the report."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything that is drawn at random, the assignment to splits included."""

    # --- The network and its training --------------------------------------------------------------------------------
    image_size: Annotated[int, Field(ge=0, le=2_048)] = 0
    """Pixels on a side of the square that images are scaled to; 0: chosen from the training images, at most 96."""

    augmentation: Augmentations = ("flip", "shift")
    """How training examples are changed, at random, so that the network learns what does not matter."""

    backbone: Literal["", "MobileNetV3Small", "MobileNetV3Large", "EfficientNetV2B0", "ConvNeXtTiny"] = ""
    """A network of Keras Applications to start from, trained on ImageNet; empty: a small one from scratch."""

    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Passes over the training split at most; 0: chosen from the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    """Of the first epoch, from which it falls along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 15
    """Epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """How KerasTuner picks the next ones to try; bayesian draws the first three per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trials of the search (hyperband sizes its brackets by `epochs` instead)."""
