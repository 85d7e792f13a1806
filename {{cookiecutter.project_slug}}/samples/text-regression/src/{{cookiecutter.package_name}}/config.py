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
    goal: str = "Tell the year of a date that is written in words, so that letters in an archive can be sorted."
    """What the model is for and who gains by it, in a sentence."""

    limits: str = ""
    """What the model must not be used for, and what is known to go wrong: goes into the model card."""

    source: str = "data/raw/written_dates.csv"
    """The raw data: a table with a column of texts, or an address of such (https, s3, gs) or a database (`query`)."""

    query: str = ""
    """What to read of the source: the SQL query of a database URL such as sqlite:///birds.db, or a workbook's sheet."""

    text_column: str = ""
    """The column of a table that holds the texts; empty: `text`, or else the one with the longest texts."""

    target: str = "year"
    """The column to predict."""

    time: str = ""
    """The column of the time by which to split: training before validation before test."""

    key: str = ""
    """The column that identifies an example; it decides the example's split. Empty: the row's content decides."""

    group: str = ""
    """The column whose values must not be spread over splits, such as a patient or a customer."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "rmse"
    """The primary metric: the one that reports lead with and that comparisons are about."""

    criteria: Criteria = {"rmse": "mean", "r2": 0.1}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns to report the score by; empty: chosen by the report."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.8, 0.1, 0.1)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything that is drawn at random, the assignment to splits included."""

    # --- The network and its training --------------------------------------------------------------------------------
    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Passes over the training split at most; 0: chosen from the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005
    """Of the first epoch, from which it falls along a cosine; less for long texts; a search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 8
    """Epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """How KerasTuner picks the next ones to try; bayesian draws the first three per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trials of the search (hyperband sizes its brackets by `epochs` instead)."""
