"""The problem definition, the success criteria, and the settings that people change most.

Each room declares further settings in `settings/`; `python -m PACKAGE STAGE --help` lists those of a stage. A
value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment variable
(the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins over the
environment, the environment over this file.
"""

from typing import Annotated, Literal

from pydantic import Field

from .settings.base import Names, Share
from .settings.data_type import Seasons
from .settings.evaluation import Metric
from .settings.rooms import RoomSettings
from .settings.task import Criteria


class Config(RoomSettings):
    """All settings in one flat namespace: those below and those of the rooms."""

    # --- The problem -------------------------------------------------------------------------------------------------
    goal: str = ""
    """The purpose of the model and who benefits from it, in one sentence; empty: for the bundled data, that of
    settings/sample.py, and for other data none."""

    limits: str = ""
    """Out-of-scope uses and known limitations, for the model card."""

    source: str = "data/raw/seattle_weather.csv"
    """The raw data: a table with a row per time, or per series and time: a file, folder, glob, zip, address or database
    URL (see `query`)."""

    query: str = ""
    """The SQL query, if the source is a database URL such as sqlite:///birds.db, or the sheet of a workbook."""

    target: str = "temp_max"
    """The column to forecast."""

    time: str = "date"
    """The time column, which orders the rows; the splits are periods of it."""

    horizon: Annotated[int, Field(ge=1, le=10_000)] = 7
    """The forecast horizon, in steps."""

    series: str = ""
    """The column that identifies the series; empty: the table holds a single one."""

    further_targets: Names = ()
    """Further columns to forecast together with the target: a wide table of several series."""

    known: Names = ()
    """Covariates known in advance, such as prices or holidays: requests hold them for the horizon, too."""

    static: Names = ()
    """Static covariates, which do not change within a series, such as a shop's region."""

    key: str = ""
    """A column that identifies the rows and is not a covariate."""

    group: str = ""
    """A column that groups the rows and is not a covariate; splits are periods in any case."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "mase"
    """The primary metric, by which models are compared; mase has no unit: all series and targets count alike."""

    criteria: Criteria = {"mase": "seasonal_naive"}
    """Success criteria on the test split, required for export: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns whose values are reported as slices; empty: chosen automatically."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.65, 0.15, 0.2)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """The random seed, also of the assignment to splits."""

    # --- The network and its training --------------------------------------------------------------------------------
    season: Seasons = ()
    """The seasonal periods in steps, such as 24,168; empty: a day, a week, a year or another one, as found."""

    context: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Length of the history that is input, in steps; 0: chosen from seasons, horizon and length of the series."""

    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Maximum number of epochs; 0: chosen from the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001
    """Initial learning rate, which decays along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Early stopping: epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """KerasTuner's search algorithm; bayesian draws the first three trials per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Number of trials (hyperband sizes its brackets by `epochs` instead)."""
