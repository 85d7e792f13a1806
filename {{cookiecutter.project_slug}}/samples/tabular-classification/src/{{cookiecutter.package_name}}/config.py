"""The problem definition, the success criteria, and the settings that people change most.

Each room declares further settings in `settings/`; `python -m PACKAGE STAGE --help` lists those of a stage. A
value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment variable
(the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins over the
environment, the environment over this file.
"""

from typing import Annotated, Literal

from pydantic import Field

from .settings.base import Names, Share
from .settings.evaluation import Metric
from .settings.rooms import RoomSettings
from .settings.task import Costs, Criteria


class Config(RoomSettings):
    """All settings in one flat namespace: those below and those of the rooms."""

    # --- The problem -------------------------------------------------------------------------------------------------
    goal: str = ""
    """The purpose of the model and who benefits from it, in one sentence; empty: for the bundled data, that of
    settings/sample.py, and for other data none."""

    limits: str = ""
    """Out-of-scope uses and known limitations, for the model card."""

    source: str = "data/raw/heart_disease.csv"
    """The raw data: a file, folder, glob or zip, an http(s), s3 or gs URL, or a database URL (see `query`)."""

    query: str = ""
    """The SQL query, if the source is a database URL such as sqlite:///birds.db, or the sheet of a workbook."""

    target: str = "disease"
    """The column to predict."""

    time: str = ""
    """The time column to split by: training before validation before test."""

    key: str = ""
    """The column that identifies an example and determines its split; empty: the row's content determines it."""

    group: str = ""
    """The column whose values must each stay in one split, such as a patient or a customer."""

    ignore: Names = ("hospital",)
    """Columns to leave out of the features, separated by commas: other hospitals than these will use the model."""

    categorical: Names = ()
    """Columns to treat as categories although they look like numbers, such as postal codes."""

    text: Names = ()
    """Columns to treat as free text although they look like categories."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "roc_auc"
    """The primary metric, by which models are compared; this one does not depend on what mistakes cost."""

    positive: str = "present"
    """Of two classes, the one that matters: curves, ROC AUC, PR AUC and recall are of it; empty: the rarer one."""

    costs: Costs = {"missed": 5, "false alarm": 1}
    """What mistakes cost, by which labels are chosen: to send a sick patient home is as bad as to examine five healthy
    ones; empty: the label is the most probable class."""

    criteria: Criteria = {"log_loss": "majority", "sensitivity": 0.8, "worst:sex:roc_auc": 0.65}
    """Success criteria on the test split, required for export: metric -> a number, or a baseline to beat. Here, the
    probabilities say more than the share of the sick does, 4 of 5 of the sick are found, and they are told from the
    healthy among women as among men. What counts is the bound of the 95 % interval: with seeds 0 to 4, it was 0.17 to
    0.25 better than the majority's log loss, 0.88 or more, and 0.75 or more."""

    slices: Names = ("sex", "hospital")
    """Columns whose values are reported as slices; empty: chosen automatically."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """The random seed, also of the assignment to splits."""

    # --- The network and its training --------------------------------------------------------------------------------
    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Maximum number of epochs; 0: chosen from the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.004
    """Initial learning rate, which decays along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 6
    """Early stopping: epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """KerasTuner's search algorithm; bayesian draws the first three trials per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Number of trials (hyperband sizes its brackets by `epochs` instead)."""
