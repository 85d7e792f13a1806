"""The problem definition, the success criteria, and the settings that people change most.

Each room declares further settings in `settings/`; `python -m PACKAGE STAGE --help` lists those of a stage. A
value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment variable
(the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins over the
environment, the environment over this file.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from .settings.base import Names, Share, parse_names
from .settings.data_type import Backbone
from .settings.evaluation import Metric
from .settings.rooms import RoomSettings
from .settings.task import Criteria

Augmentation = Literal["flip", "shift", "rotate", "zoom", "color", "erase", "randaugment"]
Augmentations = Annotated[tuple[Augmentation, ...], NoDecode, BeforeValidator(parse_names)]


class Config(RoomSettings):
    """All settings in one flat namespace: those below and those of the rooms."""

    # --- The problem -------------------------------------------------------------------------------------------------
    goal: str = ""
    """The purpose of the model and who benefits from it, in one sentence; empty: for the bundled data, that of
    settings/sample.py, and for other data none."""

    limits: str = ""
    """Out-of-scope uses and known limitations, for the model card."""

    source: str = "data/raw/fashion_outfits.zip"
    """The raw data: a table of paths, or a folder or zip with one; local, or an s3 or gs URL."""

    query: str = ""
    """The SQL query, if the source is a database URL such as sqlite:///birds.db, or the sheet of a workbook."""

    file_column: str = ""
    """The column of a table that holds the files' paths; empty: the first whose cells mostly are paths."""

    name_pattern: str = ""
    """A regular expression whose named groups extract columns from the files' names; empty: none."""

    target: str = "garments"
    """The column of labels to predict, or several columns of 0 and 1, separated by commas, which are the labels."""

    time: str = ""
    """The time column to split by: training before validation before test."""

    key: str = ""
    """The column that identifies an example and determines its split; empty: the row's content determines it."""

    group: str = ""
    """The column whose values must each stay in one split, such as a patient or a customer."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # --- How success is measured -------------------------------------------------------------------------------------
    metric: Metric = "map"
    """The primary metric, by which models are compared."""

    criteria: Criteria = {"log_loss": "prior"}
    """Success criteria on the test split, required for export: metric -> a number, or a baseline to beat."""

    slices: Names = ()
    """Columns whose values are reported as slices; empty: chosen automatically."""

    # --- Splitting ---------------------------------------------------------------------------------------------------
    split_fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """The random seed, also of the assignment to splits."""

    # --- The network and its training --------------------------------------------------------------------------------
    image_size: Annotated[int, Field(ge=0, le=2_048)] = 0
    """Height and width that images are scaled to, in pixels; 0: chosen from the training images, at most 96, or 160
    with a backbone."""

    augmentation: Augmentations = ("flip", "shift")
    """Random augmentation of the training examples."""

    backbone: Backbone = "none"
    """A pretrained network: a name or a .keras file, or several, separated by commas, of which `make tune` takes one;
    or none: from scratch, which suits these small pictures; auto, the default for others: what is available, if it is
    better."""

    epochs: Annotated[int, Field(ge=0, le=100_000)] = 15
    """Maximum number of epochs, few, so that the sample is learned in a minute; 0, the default for others: chosen from
    the number of training examples."""

    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    """Initial learning rate, which decays along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 15
    """Early stopping: epochs without a better validation score after which training ends."""

    # --- The search --------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """KerasTuner's search algorithm; bayesian draws the first three trials per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Number of trials (hyperband sizes its brackets by `epochs` instead)."""
