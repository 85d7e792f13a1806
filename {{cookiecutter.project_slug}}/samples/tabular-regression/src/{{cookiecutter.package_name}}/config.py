"""The problem, how success is measured, and the settings that people change most.

Each room declares further settings in `settings/`; `python -m PACKAGE STAGE --help` lists those of a stage. A
value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment variable
(the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins over the
environment, the environment over this file.
"""

from typing import Annotated, Literal

from pydantic import Field

from .settings.base import Names, Share
from .settings.rooms import RoomSettings
from .settings.task import Criteria, Metric


class Config(RoomSettings):
    """All settings, flat: those below and those of the rooms."""

    # --- The problem -------------------------------------------------------------------------------------------------
    goal: str = "Estimate a car's fuel economy in miles per gallon from its technical data."
    """What the model is for and who gains by it, in a sentence."""

    limits: str = ""
    """What the model must not be used for, and what is known to go wrong: goes into the model card."""

    source: str = "data/raw/auto_mpg.csv"
    """The raw data: a file, folder, glob, zip, http(s)/s3/gs address or database URL (see `query`)."""

    query: str = ""
    """What to read of the source: the SQL query of a database URL such as sqlite:///birds.db, or a workbook's sheet."""

    target: str = "mpg"
    """The column to predict."""

    time: str = ""
    """The column of the time by which to split: training before validation before test."""

    key: str = ""
    """The column that identifies an example; it decides the example's split. Empty: the row's content decides."""

    group: str = ""
    """The column whose values must not be spread over splits, such as a patient or a customer."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    categorical: Names = ()
    """Columns to read as categories though they look like numbers, such as postal codes."""

    text: Names = ()
    """Columns to read as free text though they look like categories."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "rmse"
    """The primary metric: the one that reports lead with and that comparisons are about."""

    criteria: Criteria = {"rmse": "mean", "r2": 0.1}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns to report the score by; empty: chosen by the report."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything that is drawn at random, the assignment to splits included."""

    # --- The network and its training --------------------------------------------------------------------------------
    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Passes over the training split at most; 0: chosen from the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.004
    """Of the first epoch, from which it falls along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 6
    """Epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """How KerasTuner picks the next ones to try; bayesian draws the first three per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trials of the search (hyperband sizes its brackets by `epochs` instead)."""
