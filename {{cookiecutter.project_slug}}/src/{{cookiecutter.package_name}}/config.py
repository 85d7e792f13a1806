"""The problem definition, the success criteria and every setting of the project.

A value can be replaced for one run on the command line (`make train ARGS="--epochs 3"`) or by an environment
variable (the package's name in capitals, an underscore and the setting's: `..._EPOCHS=3`). The command line wins
over the environment, the environment over this file.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .core.paths import Paths
from .data.provenance import without_password
from .core.settings import parse_mapping, parse_names, parse_numbers

ENVIRONMENT_PREFIX = f"{(__package__ or '').upper()}_"

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_names)]
Numbers = Annotated[tuple[int, ...], NoDecode, BeforeValidator(parse_numbers)]
Share = Annotated[float, Field(ge=0, le=1)]
# jinja: if cookiecutter.__task == "forecasting"
Level = Annotated[float, Field(ge=0.001, le=0.999)]
# jinja: endif
# jinja: if cookiecutter.__task == "classification"
Metric = Literal["accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "pr_auc", "log_loss", "brier", "ece"]
Baseline = Literal["majority", "linear", "gradient_boosting"]
# jinja: elif cookiecutter.__task == "regression"
Metric = Literal["rmse", "mae", "r2", "mape", "coverage", "interval_width"]
Baseline = Literal["mean", "linear", "gradient_boosting"]
# jinja: elif cookiecutter.__task == "translation"
Metric = Literal["bleu", "chrf", "exact_match"]
Baseline = Literal["copy", "translation_memory"]
# jinja: elif cookiecutter.__task == "forecasting"
Metric = Literal["mase", "mae", "rmse", "smape", "wql", "coverage", "interval_width"]
Baseline = Literal["last_value", "seasonal_naive", "drift", "exponential_smoothing", "ridge"]
# jinja: endif
# jinja: if cookiecutter.__data_type == "image"
Augmentation = Literal["flip", "shift", "rotate", "zoom", "color", "erase", "randaugment"]
Augmentations = Annotated[tuple[Augmentation, ...], NoDecode, BeforeValidator(parse_names)]
# jinja: elif cookiecutter.__data_type == "audio"
Augmentation = Literal["speed", "shift", "noise", "mask"]
Augmentations = Annotated[tuple[Augmentation, ...], NoDecode, BeforeValidator(parse_names)]
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

    # jinja: elif cookiecutter.problem == "image-classification"
    goal: str = "Tell which piece of clothing a picture shows, so that a shop can sort its photographs by itself."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/fashion_images.zip"
    """The raw data: a folder or zip with a folder per class, a table of paths, or an address of such (s3, gs)."""

    target: str = "label"
    """The column to predict: what folders are called, or a column of the table."""

    # jinja: elif cookiecutter.problem == "audio-classification"
    goal: str = "Tell which of a few words was spoken, so that a device can be steered by voice."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/spoken_words.zip"
    """The raw data: a folder or zip with a folder per class, a table of paths, or an address of such (s3, gs)."""

    target: str = "word"
    """The column to predict: what folders are called, or a column of the table."""

    # jinja: elif cookiecutter.problem == "image-regression"
    goal: str = "Tell by how many degrees a picture is turned, so that it can be set upright."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/turned_images.zip"
    """The raw data: a table of paths, or a folder or zip with one, or an address of such (s3, gs)."""

    target: str = "angle"
    """The column to predict."""

    # jinja: elif cookiecutter.problem == "audio-regression"
    goal: str = "Tell how noisy a recording is, in decibels of signal to noise, so that bad ones are made again."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/noisy_words.zip"
    """The raw data: a table of paths, or a folder or zip with one, or an address of such (s3, gs)."""

    target: str = "signal_to_noise"
    """The column to predict."""

    # jinja: elif cookiecutter.problem == "text-classification"
    goal: str = "Tell in which language a sentence is written, so that it reaches somebody who speaks it."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/written_languages.csv"
    """The raw data: a table with a column of texts (also a database, see `query`), or a folder or zip of text files
    with a folder per class, or an address of such (https, s3, gs)."""

    target: str = "language"
    """The column to predict: one of the table, or what folders are called."""

    # jinja: elif cookiecutter.problem == "text-regression"
    goal: str = "Tell the year of a date that is written in words, so that letters in an archive can be sorted."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/written_dates.csv"
    """The raw data: a table with a column of texts, or an address of such (https, s3, gs) or a database (`query`)."""

    target: str = "year"
    """The column to predict."""

    # jinja: elif cookiecutter.problem == "translation"
    goal: str = "Translate dates, quantities and names from English into French, so that forms exist in both languages."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/english_to_french.tsv"
    """The raw data: a table with a column per language (also a database, see `query`), two files of lines named after
    their languages, or a translation memory (TMX), in a folder or zip or by themselves, or an address of such."""

    target: str = "french"
    """The column of the translations; of files of lines and translation memories, their language, such as fr."""

    # jinja: elif cookiecutter.problem == "time-series-forecasting"
    goal: str = "Forecast the highest temperature of each of the next seven days, so that shifts can be planned ahead."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/seattle_weather.csv"
    """The raw data: a table with a row per time, or per series and time: a file, folder, glob, zip, address or database
    URL (see `query`)."""

    target: str = "temp_max"
    """The column to forecast."""

    # jinja: elif cookiecutter.problem == "tabular-regression"
    goal: str = "Estimate a car's fuel economy in miles per gallon from its technical data."
    """What the model is for and who gains by it, in a sentence."""

    source: str = "data/raw/auto_mpg.csv"
    """The raw data: a file, folder, glob, zip, http(s)/s3/gs address or database URL (see `query`)."""

    target: str = "mpg"
    """The column to predict."""

    # jinja: endif
    limits: str = ""
    """What the model must not be used for, and what is known to go wrong: goes into the model card."""

    query: str = ""
    """What to read of the source: the SQL query of a database URL such as sqlite:///birds.db, or a workbook's sheet."""

    # jinja: if cookiecutter.__data_type in ("image", "audio")
    file_column: str = ""
    """The column of a table that names the files; empty: the first in which most cells do."""

    # jinja: if cookiecutter.__data_type == "audio"
    name_pattern: str = r"(?P<speaker>speaker\d+)"
    # jinja: else
    name_pattern: str = ""
    # jinja: endif
    """A regular expression whose named groups find columns in the files' names; empty: none."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "text"
    text_column: str = ""
    """The column of a table that holds the texts; empty: `text`, or else the one with the longest texts."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "text_pairs"
    source_column: str = ""
    """The column, or language, of the texts to translate; empty: `source`, or else the one with the longest texts."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "series"
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

    # jinja: endif
    key: str = ""
    # jinja: if cookiecutter.__data_type == "series"
    """A column that only numbers the rows; it is no covariate."""

    # jinja: else
    """The column that identifies an example; it decides the example's split. Empty: the row's content decides."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "audio"
    group: str = "speaker"
    # jinja: else
    group: str = ""
    # jinja: endif
    # jinja: if cookiecutter.__data_type == "series"
    """A column that only groups the rows; it is no covariate, and splits are periods anyway."""

    # jinja: else
    """The column whose values must not be spread over splits, such as a patient or a customer."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type != "series"
    time: str = ""
    """The column of the time by which to split: training before validation before test."""

    # jinja: endif
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

    # jinja: elif cookiecutter.__task == "translation"
    metric: Metric = "bleu"
    """The primary metric: the one that reports lead with and that comparisons are about."""

    criteria: Criteria = {"bleu": "translation_memory"}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""

    # jinja: elif cookiecutter.__task == "forecasting"
    metric: Metric = "mase"
    """The primary metric: mase has no unit, so that series and targets of any size count alike."""

    criteria: Criteria = {"mase": "seasonal_naive"}
    """What the test split must show for the model to be exported: metric -> a number, or a baseline to beat."""

    # jinja: endif
    # --- Reading and splitting -------------------------------------------------------------------------------------
    missing_markers: Names = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "?", "-")
    """Cells that stand for a missing value."""

    encoding: str = ""
    """The text encoding of the source, such as cp1252; empty: detected."""

    delimiter: Annotated[str, Field(max_length=1)] = ""
    """The character between the cells of a text table; empty: detected."""

    header: bool = True
    """Whether a text table begins with the names of its columns; false: they are called 1, 2, 3 and so on."""

    # jinja: if cookiecutter.__data_type in ("image", "audio")
    max_bad_share: Share = 0.05
    """Share of unusable files, or rows, that is tolerated; they are left out and listed."""

    # jinja: else
    max_bad_share: Share = 0.0
    """Share of unreadable rows that is tolerated; they are left out and counted."""

    # jinja: endif
    max_columns: Annotated[int, Field(ge=2, le=100_000)] = 1_000
    """More columns than this are refused: a network input each is slow, and usually a sign of a wrong delimiter."""

    # jinja: if cookiecutter.__data_type in ("image", "audio")
    max_cell: Annotated[int, Field(ge=100, le=1_000_000_000)] = 100_000_000
    """Characters in a cell of a table, which may hold a file as a data URI; more are refused."""

    # jinja: elif cookiecutter.__data_type == "text"
    max_cell: Annotated[int, Field(ge=100, le=100_000_000)] = 10_000_000
    """Characters in a cell; more are refused: usually an unclosed quote that swallows the rest of the file."""

    # jinja: else
    max_cell: Annotated[int, Field(ge=100, le=100_000_000)] = 100_000
    """Characters in a cell; more are refused: usually an unclosed quote that swallows the rest of the file."""

    # jinja: endif
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
    # jinja: if cookiecutter.__data_type == "image"
    max_pixels: Annotated[int, Field(ge=100, le=1_000_000_000)] = 50_000_000
    """Pixels of an image; larger ones are left out, since a small file can unfold to fill the memory."""

    image_size: Annotated[int, Field(ge=0, le=2_048)] = 0
    """Pixels on a side of the square that images are scaled to; 0: chosen from the training images, at most 96."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "audio"
    max_seconds: Annotated[float, Field(gt=0, le=36_000)] = 60
    """Length of a recording in seconds; longer ones are left out."""

    sample_rate: Annotated[int, Field(ge=0, le=192_000)] = 0
    """Samples per second that recordings are brought to; 0: chosen from the training recordings, at most 16,000."""

    clip_seconds: Annotated[float, Field(ge=0, le=600)] = 0
    """Seconds that recordings are cropped or padded to; 0: chosen from the training recordings, at most 10."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "text"
    max_characters: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Characters of a text that are read, from its beginning; the rest of longer texts is left out."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "text_pairs"
    max_pieces: Annotated[int, Field(ge=4, le=2_000)] = 200
    """Sub-words of a text that are read, from its beginning, and that a translation has at most."""

    vocabulary_size: Annotated[int, Field(ge=256, le=100_000)] = 8_000
    """Sub-words of each language at most: bytes, characters and what the training texts repeat often enough."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "series"
    frequency: str = ""
    """The step between times, such as 15 minutes, 1 day or 1 month; empty: what most rows show."""

    timezone: str = ""
    """The zone of local times, such as Europe/Berlin, which are then kept in UTC, but for days; empty: times are taken
    as they are."""

    season: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps after which a series repeats itself, about; 0: those of a day, week or year, by the step."""

    context: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps of the history that the model sees; 0: chosen from season, horizon and the length of the series."""

    gap: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Steps at the beginning of the validation and test period that are not forecast, to keep away from training."""

    origin_step: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Steps between the origins from which forecasts are scored; 1: from every step."""

    validation_start: str = ""
    """The first time of the validation period; empty: where the share of the source's training rows ends."""

    test_start: str = ""
    """The first time of the test period; move it forward so that the model learns from what came later."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type in ("text", "text_pairs")
    split_fractions: tuple[Share, Share, Share] = (0.8, 0.1, 0.1)
    # jinja: elif cookiecutter.__data_type == "series"
    split_fractions: tuple[Share, Share, Share] = (0.65, 0.15, 0.2)
    # jinja: else
    split_fractions: tuple[Share, Share, Share] = (0.7, 0.15, 0.15)
    # jinja: endif
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
    """Apache Beam's pipeline options, separated by commas, for validation and for predicting many tables; the default
    runs in-process, others on a cluster."""

    # --- Training --------------------------------------------------------------------------------------------------
    workers: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Processes of this machine that a search or `make train-workers` runs side by side, on a share of its cores."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Numbers that training computes with; auto: bfloat16 on GPUs that have it, if the network is large enough to gain.
    Weights, validation and the exported model are float32 anyway."""

    xla: Literal["auto", "on", "off"] = "auto"
    # jinja: if cookiecutter.__data_type == "text_pairs"
    """Whether XLA compiles the steps of training; auto: no, since it would for every length of a batch."""

    # jinja: else
    """Whether XLA compiles the steps of training; auto: on one GPU only, since it did not pay on a CPU."""

    # jinja: endif
    batch_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Examples per step; 0: chosen from the number of training examples."""

    # jinja: if cookiecutter.__data_type in ("tabular", "text")
    # jinja: if cookiecutter.__data_type == "text"
    max_examples_in_memory: Annotated[int, Field(ge=100)] = 200_000
    # jinja: else
    max_examples_in_memory: Annotated[int, Field(ge=100)] = 1_000_000
    # jinja: endif
    """Rows that are kept in memory; a larger source is read in parts, and a larger split is trained on from disk."""

    # jinja: endif
    epochs: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Passes over the training split at most; 0: chosen from the number of training examples."""

    # jinja: if cookiecutter.__data_type == "tabular"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.004
    # jinja: elif cookiecutter.__data_type == "text"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.005
    # jinja: else
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    # jinja: endif
    # jinja: if cookiecutter.__data_type == "text"
    """Of the first epoch, from which it falls along a cosine; less for long texts; a search may replace it."""

    # jinja: else
    """Of the first epoch, from which it falls along a cosine; a hyperparameter search may replace it."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type == "tabular"
    patience: Annotated[int, Field(ge=1, le=100_000)] = 6
    # jinja: elif cookiecutter.__data_type == "text"
    patience: Annotated[int, Field(ge=1, le=100_000)] = 8
    # jinja: elif cookiecutter.__data_type in ("text_pairs", "series")
    patience: Annotated[int, Field(ge=1, le=100_000)] = 10
    # jinja: else
    patience: Annotated[int, Field(ge=1, le=100_000)] = 15
    # jinja: endif
    """Epochs without a better validation score after which training ends."""

    # jinja: if cookiecutter.__task == "translation"
    beam_width: Annotated[int, Field(ge=1, le=100)] = 4
    """Translations of a text that decoding follows at once; 1: greedy, which is faster and worse."""

    length_penalty: Annotated[float, Field(ge=0, le=5)] = 1.0
    """Exponent of the length by which probabilities are divided, so that short translations have no advantage."""

    # jinja: endif
    # jinja: if cookiecutter.__task == "classification"
    class_weight: Literal["none", "balanced"] = "none"
    """balanced weighs classes inversely to their frequency: better recall of rare classes, worse probabilities."""

    # jinja: elif cookiecutter.__task == "regression"
    interval_coverage: Annotated[float, Field(ge=0.5, le=0.99)] = 0.9
    """Share of future targets that the prediction intervals shall hold."""

    # jinja: elif cookiecutter.__task == "forecasting"
    quantiles: tuple[Level, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
    """Levels of the quantiles that are forecast; the outermost make the interval, the median is the forecast."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type in ("image", "audio")
    # jinja: if cookiecutter.problem == "image-classification"
    augmentation: Augmentations = ("flip", "shift")
    # jinja: elif cookiecutter.problem == "image-regression"
    augmentation: Augmentations = ("shift",)
    # jinja: elif cookiecutter.problem == "audio-classification"
    augmentation: Augmentations = ("speed", "shift", "mask")
    # jinja: elif cookiecutter.problem == "audio-regression"
    augmentation: Augmentations = ("shift", "mask")
    # jinja: endif
    """How training examples are changed, at random, so that the network learns what does not matter."""

    # jinja: if cookiecutter.__data_type == "image"
    backbone: Literal["", "MobileNetV3Small", "MobileNetV3Large", "EfficientNetV2B0", "ConvNeXtTiny"] = ""
    """A network of Keras Applications to start from, trained on ImageNet; empty: a small one from scratch."""

    backbone_weights: str = "imagenet"
    """Its weights: imagenet, which are fetched once, or a file of them; empty: random ones."""

    # jinja: endif
    mixup: Annotated[float, Field(ge=0, le=1)] = 0
    """MixUp's alpha: training examples are mixed in pairs by shares of a Beta distribution; 0: not at all."""

    cache_bytes: Annotated[int, Field(ge=0, le=2**40)] = 4_000_000_000
    """Decoded examples of a split that are kept in memory; a larger split is decoded anew in each epoch."""

    # jinja: endif
    # --- Search ----------------------------------------------------------------------------------------------------
    tuner: Literal["random", "grid", "bayesian", "hyperband"] = "bayesian"
    """How KerasTuner picks the next ones to try; bayesian draws the first three per hyperparameter at random."""

    max_trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trials of the search (hyperband sizes its brackets by `epochs` instead)."""

    # --- Evaluation ------------------------------------------------------------------------------------------------
    resamples: Annotated[int, Field(ge=50, le=100_000)] = 500
    """Bootstrap resamples behind each 95 % interval."""

    slices: Names = ()
    """Columns to report the score by; empty: chosen by the report."""

    row: str = "1"
    """The example that `make explain` shows: a number among the validation examples from 1 on, or its `key`."""

    # --- Runs ------------------------------------------------------------------------------------------------------
    max_runs: Annotated[int, Field(ge=2, le=10_000)] = 20
    """Training runs that are kept, with their models; the oldest are removed."""

    runs: Numbers = ()
    """The two runs that `make compare` compares, by their numbers; empty: the last two."""

    mlflow: str = ""
    """The address of an MLflow server, database or folder that every run is sent to as well; empty: none."""

    # --- Prediction ------------------------------------------------------------------------------------------------
    input: str = ""
    # jinja: if cookiecutter.__data_type in ("image", "audio")
    """What `make predict` reads: a file, a folder of such, a table of their paths, or a pattern for many of these."""

    output: str = ""
    """The table that `make predict` writes: CSV, TSV, Parquet or JSON lines; for many, the folder of as many tables."""

    # jinja: elif cookiecutter.__data_type == "text"
    """What `make predict` reads: a table with the column of texts (CSV, TSV, Parquet, JSON lines), text files, or a
    pattern for many of these, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes, in any of these formats; for many, the folder of as many tables."""

    # jinja: elif cookiecutter.__data_type == "text_pairs"
    """What `make predict` reads: a table with a column of texts (CSV, TSV, Parquet, JSON lines), lines of text, or a
    pattern for many of these, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes, in any of these formats; for many, the folder of as many tables."""

    # jinja: elif cookiecutter.__data_type == "series"
    """The table of histories that `make predict` reads, in rows like the source's (CSV, TSV, Parquet, JSON lines), or a
    pattern for many, such as new/*.csv."""

    output: str = ""
    """The table that `make predict` writes: the same rows, each with the forecast of the steps behind it; for many, the
    folder of as many tables."""

    # jinja: else
    """The file of examples that `make predict` reads (CSV, TSV, Parquet or JSON lines), or a pattern for many, such as
    new/*.csv."""

    output: str = ""
    """The file that `make predict` writes, in any of these formats; for many, the folder of as many files."""

    # jinja: endif

    # --- Updating --------------------------------------------------------------------------------------------------
    use_feedback: bool = True
    """Whether logged requests whose true outcome became known are examples for `make update` too."""

    warm_start: bool = False
    """Whether `make update` goes on from the weights of the version in service instead of from scratch."""

    start: str = ""
    """A trained model (.keras) whose preprocessing and weights training starts from; empty: from scratch."""

    promotion_margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """How much worse, as a share of its score, an updated model might be than the one in service to replace it."""

    watch_minutes: Annotated[float, Field(ge=0, le=100_000)] = 60
    """Between two rounds of `make watch`; 0: one round only, as for a cron job."""

    ask_first: bool = False
    """Whether `make watch` asks before it updates."""

    # --- Monitoring ------------------------------------------------------------------------------------------------
    window_hours: Annotated[float, Field(ge=0, le=24 * 366)] = 0
    """Hours of the request log that `make monitor` judges; 0: all since the version in service was exported."""

    min_window_examples: Annotated[int, Field(ge=30, le=1_000_000)] = 100
    """Examples that a window needs to be judged: below, only a disaster can be told from chance."""

    drift_tolerance: Share = 0.02
    """A distance from the training examples that is worth no alarm, beyond the distance that chance gives."""

    expected_drift: Names = ()
    """Columns that are meant to change, such as the temperature over a year: measured, but no reason for an alarm."""

    max_refused_share: Share = 0.05
    """Share of requests that may be refused or fail."""

    max_score_loss: Share = 0.05
    """Share of the accepted score by which live quality may lie beyond its interval before it counts as lost."""

    max_age_days: Annotated[int, Field(ge=0, le=3_660)] = 0
    """Age of the version in service in days from which on it should be renewed; 0: any age will do."""

    alarm_windows: Annotated[int, Field(ge=1, le=100)] = 2
    """Bad windows, the latest among them, that raise the alarm: a single one may be chance or a passing event."""

    history_windows: Annotated[int, Field(ge=1, le=100)] = 3
    """Latest windows among which the bad ones are counted."""

    # --- Serving ---------------------------------------------------------------------------------------------------
    host: str = "127.0.0.1"
    """The address that `make serve` listens on; 0.0.0.0 lets other machines in."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 8501
    """TensorFlow Serving's port for REST; 0: any that is free."""

    batch_wait: Annotated[float, Field(ge=0, le=1_000)] = 0
    """Milliseconds that a request waits for others to share a run of the model; those that wait anyway share it."""

    # jinja: if cookiecutter.__data_type == "text"
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    # jinja: elif cookiecutter.__data_type == "text_pairs"
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    # jinja: else
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1_024
    # jinja: endif
    """Rows of several requests in one run of the model; 1: each request has a run of its own."""

    # jinja: if cookiecutter.__data_type == "text"
    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    # jinja: elif cookiecutter.__data_type == "text_pairs"
    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 500
    # jinja: elif cookiecutter.__data_type == "series"
    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    # jinja: else
    request_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    # jinja: endif
    """Rows of one request; more are refused, since all others would wait for them."""

    request_bytes: Annotated[int, Field(ge=1_000, le=2**31)] = 32_000_000
    """Bytes of one request's body; more are refused."""

    poll_seconds: Annotated[float, Field(ge=0.01, le=86_400)] = 2
    """Seconds between two looks for another exported version."""

    strict_requests: bool = True
    """Refuses values outside the schema's domains and bounds; false: the model answers what it has not learned."""

    log_share: Share = 1.0
    """Share of the requests that the request log keeps."""

    log_never: Names = ()
    """Inputs and outputs that the request log leaves out, such as what identifies a person."""

    # jinja: if cookiecutter.__data_type in ("image", "audio")
    log_whole_files: bool = False
    """Whether the log keeps the files themselves, of which feedback makes examples; false: only their measures."""

    # jinja: endif
    # jinja: if cookiecutter.__data_type in ("text", "text_pairs")
    log_texts: bool = True
    """Whether the log keeps the texts themselves, of which feedback makes examples; false: only their measures."""

    # jinja: endif
    log_bytes: Annotated[int, Field(ge=1_000, le=2**40)] = 64_000_000
    """Size at which a file of the request log is followed by another one."""

    log_files: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Files of the request log; the oldest are removed."""

    # --- Versions --------------------------------------------------------------------------------------------------
    version: Annotated[int, Field(ge=0)] = 0
    """The exported version that `make rollback` puts in service; 0: the one before."""

    # --- Places ----------------------------------------------------------------------------------------------------
    artifacts: Path = Path("artifacts")
    """The folder that the stages write into."""

    incoming: Path = Path("data/incoming")
    """The folder into which new labelled data are dropped: whole files of the source's kind."""

    added: Path = Path("data/added")
    """The folder of the data that `make update` has taken in since: part of the examples, beside the source."""

    # jinja: if cookiecutter.__data_type in ("image", "audio")
    unpacked: Path = Path("data/unpacked")
    """The folder of files that came from archives or addresses, or had to be converted, named by their content."""

    # jinja: endif
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
        if self.alarm_windows > self.history_windows:
            message = f"alarm_windows is {self.alarm_windows}, history_windows {self.history_windows}; the alarm would"
            raise ValueError(f"{message} never be raised: ask for at most as many bad windows as are looked at")
        return self

    def public(self) -> dict[str, Any]:
        """The settings as they may be stored: without the password that the address of a source may hold."""
        return self.model_dump(mode="json") | {"source": without_password(self.source)}

    @property
    def paths(self) -> Paths:
        """The names of all artifacts."""
        return Paths(self.artifacts)
