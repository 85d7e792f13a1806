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
    goal: str = "Forecast the highest temperature of each of the next seven days, so that shifts can be planned ahead."
    """What the model is for and who gains by it, in a sentence."""

    limits: str = ""
    """What the model must not be used for, and what is known to go wrong: goes into the model card."""

    source: str = "data/raw/seattle_weather.csv"
    """The raw data: a table with a row per time, or per series and time: a file, folder, glob, zip, address or database
    URL (see `query`)."""

    query: str = ""
    """What to read of the source: the SQL query of a database URL such as sqlite:///birds.db, or a workbook's sheet."""

    target: str = "temp_max"
    """The column to forecast."""

    time: str = "date"
    """The column of the times by which rows follow each other, and by which splits are cut."""

    horizon: Annotated[int, Field(ge=1, le=10_000)] = 7
    """Steps that are forecast at once."""

    series: str = ""
    """The column that tells several series apart; empty: the table holds one."""

    further_targets: Names = ()
    """Columns that are forecast together with the target, of the same rows: a wide table of several series."""

    known: Names = ()
    """Columns that are known in advance, such as prices or holidays: clients send them for the horizon too."""

    static: Names = ()
    """Columns that do not change within a series, such as a shop's region."""

    key: str = ""
    """A column that only numbers the rows; it is no covariate."""

    group: str = ""
    """A column that only groups the rows; it is no covariate, and splits are periods anyway."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "mase"
    """The primary metric: mase has no unit, so that series and targets of any size count alike."""

    criteria: Criteria = {"mase": "seasonal_naive"}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns to report the score by; empty: chosen by the report."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.65, 0.15, 0.2)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything that is drawn at random, the assignment to splits included."""

    # --- The network and its training --------------------------------------------------------------------------------
    season: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps after which a series repeats itself, about; 0: those of a day, week or year, by the step."""

    context: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps of the history that the model sees; 0: chosen from season, horizon and the length of the series."""

    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Passes over the training split at most; 0: chosen from the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    """Of the first epoch, from which it falls along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """How KerasTuner picks the next ones to try; bayesian draws the first three per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trials of the search (hyperband sizes its brackets by `epochs` instead)."""
