"""Settings of reading the source and of the checks of the data."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from . import sample
from .base import Names, Paths, Settings, Share, parse_names, without_password


class DataSettings(Settings):
    """Settings of reading the source."""

    # Declared in config.py, checked here
    source: str
    group: str
    time: str
    split_fractions: tuple[Share, Share, Share]
    target: str

    sample_weight: str = ""
    """The column of numbers from 0 by which examples count in the loss, the metrics, the calibration and the baselines;
    it is no feature, and clients do not send it; empty: all count the same."""

    duplicates: Literal["auto", "keep", "drop", "weigh"] = "auto"
    """Examples that repeat another one, apart from the key: keep all, in one split; drop all but the first; or weigh
    the first by their number, in the column `sample_weight`. auto: keep, but drop if so many examples are the same that
    the splits would miss their shares, and examples with the same features have the same target."""

    split: str = ""
    """The column that says of each example whether it is for train, validation or test; empty: there is none. What it
    lacks is drawn from the training examples, also where another setting gives only the test split."""

    validation_source: str = ""
    """The validation examples, if they are given: as `source`, which then has no others."""

    test_source: str = ""
    """The test examples, if they are given: as `source`, which then has no others."""

    named_splits: bool = True
    """Whether folders, or the tables of a folder, called train, validation and test are the splits; false: joined."""

    validation_start: str = ""
    """With `time`: when the validation period begins; empty: where the training share of the source ends."""

    test_start: str = ""
    """With `time`: when the test period begins; move it forward to train on newer data."""

    missing_markers: Names = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "?", "-")
    """Cells that mean a missing value."""

    keep_markers: Names = ()
    """Columns in which only an empty cell is missing, and None or NA are values like others."""

    cell_formats: Path = Path("data/cell_formats.json")
    """The file that says how the cells of each column are written: made by collect, for you to review and commit."""

    found_formats: dict[str, Any] = Field(default_factory=dict, exclude=True)
    """What collecting has just found of that, where the file says nothing yet; nobody sets it."""

    decimal: Literal["", ".", ","] = ""
    """The decimal mark of columns whose cells, such as 5.000, can be read in two ways; empty: that of other columns, if
    they tell, or else such a column is refused."""

    day_first: bool | None = None
    """Whether 01/02/2024 is the first of February in columns that can be read in two ways; None: as in other columns,
    if they tell, or else such a column is refused."""

    merge_spellings: Names = ()
    """Columns whose categories are one if they differ only in case or blanks, such as Yes and yes."""

    encoding: str = ""
    """The text encoding of the source, such as cp1252; empty: detected."""

    delimiter: Annotated[str, Field(pattern=r"^[\x01-\x7f]?$")] = ""
    """The character between the cells of a text table; empty: detected."""

    header: bool = True
    """Whether a text table begins with the names of its columns; false: the columns are called 1, 2, 3 and so on."""

    max_bad_share: Share = 0.0
    """Largest share of unreadable rows; they are left out and counted. More are refused."""

    max_columns: Annotated[int, Field(ge=2, le=100_000)] = 1_000
    """Maximum number of columns; more are refused: training would be slow, and usually the delimiter is wrong."""

    max_cell: Annotated[int, Field(ge=100, le=100_000_000)] = 100_000
    """Maximum length of a cell in characters; more are refused: usually a quote is not closed."""

    max_unpacked_bytes: Annotated[int, Field(ge=1_000, le=2**40)] = 2_000_000_000
    """Maximum number of bytes that a compressed file, an archive or a workbook may hold; more are refused: they would
    fill the memory."""

    added: Path = Path("data/added")
    """The folder of labelled data added later, which are read in addition to the source."""

    artifacts: Path = Path("artifacts")
    """The folder that the stages write into."""

    @model_validator(mode="before")
    @classmethod
    def describe_source(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Adds what follows from the source to the settings given."""
        return {**cls.by_source(given.get("source", cls.model_fields["source"].default)), **given}

    @classmethod
    def by_source(cls, source: Any) -> dict[str, Any]:
        """What is said of the bundled data where config.py says nothing; nothing of another source.

        If it is another one than config.py describes, what that says of the bundled columns and classes does not count,
        unless a person has changed it.
        """
        declared = {name: field.default for name, field in cls.model_fields.items()}
        if source == sample.SOURCE:
            return {name: word for name, word in sample.WORDS.items() if declared[name] == ""}
        if declared["source"] != sample.SOURCE:
            return {}
        return {name: other for name, (own, other) in sample.ELSEWHERE.items() if declared.get(name) == own}

    @model_validator(mode="after")
    def check_splits(self) -> Self:
        """Refuses combinations of settings that are valid only one by one."""
        if abs(sum(self.split_fractions) - 1) > 1e-6 or min(self.split_fractions) <= 0:
            message = f"split_fractions are {self.split_fractions}; expected three shares above 0 that add up to 1"
            raise ValueError(message)
        if self.group and self.time:
            message = f"group is {self.group!r} and time is {self.time!r}; examples are split by one: leave one empty"
            raise ValueError(message)
        if len(set(self.targets)) < len(self.targets):
            raise ValueError(f"target is {self.target!r}, which names a column twice; name each once")
        if self.sample_weight and self.sample_weight in self.targets:
            raise ValueError(f"sample_weight is {self.sample_weight!r}, which is the target; name another column")
        if self.duplicates == "weigh" and not self.sample_weight:
            raise ValueError("duplicates is 'weigh', and sample_weight is empty; name the column of weights to write")
        return self

    def public(self) -> dict[str, Any]:
        """The settings for storage: without the secrets that addresses contain."""
        settings = self.model_dump(mode="json")
        return {name: without_password(value) if isinstance(value, str) else value for name, value in settings.items()}

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict: usually one; several, separated by commas, where the task takes them."""
        names = parse_names(self.target) if self.several_targets else ()
        return names or (self.target,)

    @property
    def target_columns(self) -> Any:
        """What selects the targets from a table: the name of one, as a series, or a list of several, as a table."""
        return list(self.targets) if len(self.targets) > 1 else self.targets[0]

    @property
    def paths(self) -> Paths:
        """The paths of all artifacts."""
        return Paths(self.artifacts)


class ValidationSettings(Settings):
    """Settings of the checks of the data."""

    max_category_shift: Share = 0.25
    """Split shift of a category above which it is an anomaly: L-infinity distance to the training split."""

    max_number_shift: Share = 0.35
    """Split shift of a number above which it is an anomaly: Jensen-Shannon divergence; chance alone gives 0.27."""

    min_shift_examples: Annotated[int, Field(ge=10)] = 300
    """Examples that a split needs for its shift to be measured: with fewer, chance alone exceeds the thresholds."""

    schema_path: Path = Path("data/schema.pbtxt")
    """The TFDV schema: inferred from the first training split, then reviewed and committed."""
