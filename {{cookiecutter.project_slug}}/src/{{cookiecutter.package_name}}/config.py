"""The problem definition, the success criteria and every setting of the project.

A value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment
variable (the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins
over the environment, the environment over this file.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .paths import Paths
from .provenance import without_password
from .settings import parse_mapping, parse_names

ENVIRONMENT_PREFIX = f"{(__package__ or '').upper()}_"

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_names)]
Share = Annotated[float, Field(ge=0, le=1)]
# jinja: if cookiecutter.__task == "classification"
Metric = Literal["accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "pr_auc", "log_loss", "brier", "ece"]
Baseline = Literal["majority", "linear", "gradient_boosting"]
# jinja: elif cookiecutter.__task == "regression"
Metric = Literal["rmse", "mae", "r2", "mape", "coverage", "interval_width"]
Baseline = Literal["mean", "linear", "gradient_boosting"]
# jinja: endif
Criteria = Annotated[dict[Metric, FiniteFloat | Baseline], NoDecode, BeforeValidator(parse_mapping)]


class Config(BaseSettings):
    """Every setting, checked; a wrong name, type or range is refused."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, use_attribute_docstrings=True, validate_default=True
    )

    # --- The problem -----------------------------------------------------------------------------------------------
    # jinja: if cookiecutter.problem == "tabular-classification"
    goal: str = "Tell the species of a penguin from its measurements, so that field workers need no blood sample."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/penguins.csv"
    """The raw data: a file, folder, glob, zip, http(s)/s3/gs address or database URL (see `query`)."""

    target: str = "species"
    """The column to predict."""
    # jinja: elif cookiecutter.problem == "tabular-regression"
    goal: str = "Estimate a car's fuel economy in miles per gallon from its technical data."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/auto_mpg.csv"
    """The raw data: a file, folder, glob, zip, http(s)/s3/gs address or database URL (see `query`)."""

    target: str = "mpg"
    """The column to predict."""
    # jinja: endif

    query: str = ""
    """What to read of the source: the SQL query of a database URL such as sqlite:///birds.db, or a workbook's sheet."""

    key: str = ""
    """The column that identifies an example; it decides the example's split. Empty: the row's content decides."""

    group: str = ""
    """The column whose values must not be spread over splits, such as a patient or a customer."""

    time: str = ""
    """The column of the time by which to split: training before validation before test."""

    ignore: Names = ()
    """Columns to leave out of the features, separated by commas."""

    # jinja: if cookiecutter.__task == "classification"
    metric: Metric = "accuracy"
    """The primary metric: the one that reports lead with and that comparisons are about."""

    criteria: Criteria = {"log_loss": "majority", "roc_auc": 0.7}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""
    # jinja: elif cookiecutter.__task == "regression"
    metric: Metric = "rmse"
    """The primary metric: the one that reports lead with and that comparisons are about."""

    criteria: Criteria = {"rmse": "mean", "r2": 0.1}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""
    # jinja: endif

    # --- Reading and splitting -------------------------------------------------------------------------------------
    missing_markers: Names = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "?", "-")
    """Cells that stand for a missing value."""

    encoding: str = ""
    """The text encoding of the source, such as cp1252; empty: detected."""

    delimiter: Annotated[str, Field(max_length=1)] = ""
    """The character between the cells of a text table; empty: detected."""

    max_bad_share: Share = 0.0
    """Share of unreadable rows that is tolerated; they are left out and counted."""

    max_columns: Annotated[int, Field(ge=2, le=100_000)] = 1_000
    """More columns than this are refused: a network input each is slow, and usually a sign of a wrong delimiter."""

    max_cell: Annotated[int, Field(ge=100, le=100_000_000)] = 100_000
    """Characters in a cell; more are refused: usually an unclosed quote that swallows the rest of the file."""

    # jinja: if cookiecutter.__data_type == "tabular"
    categorical: Names = ()
    """Columns to read as categories though they look like numbers, such as postal codes."""

    text: Names = ()
    """Columns to read as free text though they look like categories."""

    min_category_count: Annotated[int, Field(ge=1, le=10_000)] = 3
    """A category seen in fewer training examples is treated as unseen, so that the model learns what to do then."""

    max_categories: Annotated[int, Field(ge=2, le=1_000_000)] = 1_000
    """Most frequent categories of a column that are told apart; the rest are treated as unseen."""
    # jinja: endif

    split_fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    """Shares of the training, validation and test split; they add up to 1."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything that is drawn at random, the assignment to splits included."""

    # --- Validation ------------------------------------------------------------------------------------------------
    max_category_skew: Share = 0.25
    """L-infinity distance between two splits' shares of a category above which a column is an anomaly."""

    max_number_skew: Share = 0.35
    """Jensen-Shannon divergence between two splits above which a number is an anomaly; chance alone gives 0.27."""

    min_skew_examples: Annotated[int, Field(ge=10)] = 300
    """Examples a split needs before its skew is judged: below, chance alone moves the distances this much."""

    beam_options: Names = ("--runner=FnApiRunner",)
    """Apache Beam's pipeline options, separated by commas; the default runs in-process, others on a cluster."""

    # --- Training --------------------------------------------------------------------------------------------------
    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Passes over the training split at most; 0: chosen from the number of training examples."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.004
    """Of the first epoch, from which it falls along a cosine; a hyperparameter search may replace it."""

    patience: Annotated[int, Field(ge=1, le=100_000)] = 6
    """Epochs without a better validation score after which training ends."""

    # jinja: if cookiecutter.__task == "classification"
    class_weight: Literal["none", "balanced"] = "none"
    """balanced weighs classes inversely to their frequency: better recall of rare classes, worse probabilities."""
    # jinja: elif cookiecutter.__task == "regression"
    interval_coverage: Annotated[float, Field(ge=0.5, le=0.99)] = 0.9
    """Share of future targets that the prediction intervals shall hold."""
    # jinja: endif

    # --- Search ----------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """How KerasTuner picks the next hyperparameters to try."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trials of the search (hyperband sizes its brackets by `epochs` instead)."""

    # --- Evaluation ------------------------------------------------------------------------------------------------
    resamples: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Bootstrap resamples behind each 95 % interval."""

    slices: Names = ()
    """Columns to report the score by; empty: chosen by the report."""

    # --- Prediction ------------------------------------------------------------------------------------------------
    input: str = ""
    """The file of examples that `make predict` reads: CSV, TSV, Parquet or JSON lines."""

    output: str = ""
    """The file that `make predict` writes, in any of these formats."""

    # --- Versions --------------------------------------------------------------------------------------------------
    version: Annotated[int, Field(ge=0)] = 0
    """The exported version that `make rollback` puts in service; 0: the one before."""

    # --- Places ----------------------------------------------------------------------------------------------------
    artifacts: Path = Path("artifacts")
    """The folder that the stages write into."""

    schema_path: Path = Path("data/schema.pbtxt")
    """The TFDV schema: inferred once, reviewed by a person, committed."""

    @model_validator(mode="after")
    def check_together(self) -> "Config":
        """Refuses settings that are each possible but not together."""
        if abs(sum(self.split_fractions) - 1) > 1e-6 or min(self.split_fractions) <= 0:
            message = f"split_fractions are {self.split_fractions}; three shares above 0 that add up to 1 are needed"
            raise ValueError(message)
        if self.group and self.time:
            message = f"group is {self.group!r} and time is {self.time!r}; splits are by one of them: leave one empty"
            raise ValueError(message)
        return self

    def public(self) -> dict[str, Any]:
        """The settings as they may be stored: without the password that the address of a source may hold."""
        return self.model_dump(mode="json") | {"source": without_password(self.source)}

    @property
    def paths(self) -> Paths:
        """The names of all artifacts."""
        return Paths(self.artifacts)
