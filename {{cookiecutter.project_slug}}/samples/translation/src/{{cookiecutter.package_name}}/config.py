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
from .settings.task import Criteria


class Config(RoomSettings):
    """All settings in one flat namespace: those below and those of the rooms."""

    # --- The problem -------------------------------------------------------------------------------------------------
    goal: str = ""
    """The purpose of the model and who benefits from it, in one sentence; empty: for the bundled data, that of
    settings/sample.py, and for other data none."""

    limits: str = ""
    """Out-of-scope uses and known limitations, for the model card."""

    source: str = "data/raw/english_to_french.tsv"
    """The raw data: a table with a column per language (also a database, see `query`), two files of lines named after
    their languages, or a translation memory (TMX), in a folder or zip or by themselves, or an address of such."""

    query: str = ""
    """The SQL query, if the source is a database URL such as sqlite:///birds.db, or the sheet of a workbook."""

    source_column: str = ""
    """The column, or language, of the texts to translate; empty: `source`, else the one with the longest texts."""

    target: str = "french"
    """The column of the translations; of files of lines and translation memories, their language, such as fr."""

    time: str = ""
    """The time column to split by: training before validation before test."""

    key: str = ""
    """The column that identifies an example and determines its split; empty: the row's content determines it."""

    group: str = ""
    """The column whose values must each stay in one split, such as a patient or a customer."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "bleu"
    """The primary metric, by which models are compared."""

    criteria: Criteria = {"bleu": "translation_memory"}
    """Success criteria on the test split, required for export: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns whose values are reported as slices; empty: chosen automatically."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.8, 0.1, 0.1)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """The random seed, also of the assignment to splits."""

    # --- The network and its training --------------------------------------------------------------------------------
    vocabulary_size: Annotated[int, Field(ge=256, le=100_000)] = 8_000
    """Maximum vocabulary size of each language: bytes, characters and frequent sub-words of the training texts."""

    epochs: Annotated[int, Field(ge=0, le=100_000)] = 6
    """Maximum number of epochs, few, so that the sample is learned in a minute; 0, the default for others: until
    `patience` or `minutes` end training."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    """Highest learning rate, which rises first and then falls slowly; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 3
    """Early stopping: epochs without a better validation score after which training ends."""

    minutes: Annotated[float, Field(ge=0, le=1_000_000)] = 20
    """Maximum duration of a training, in minutes; 0: no limit. `make train ARGS=--force` goes on after it."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """KerasTuner's search algorithm; bayesian draws the first three trials per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Number of trials (hyperband sizes its brackets by `epochs` instead)."""
