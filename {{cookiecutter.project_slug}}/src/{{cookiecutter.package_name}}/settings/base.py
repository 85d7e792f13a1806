"""The types of settings, the base class in which each room declares its own, and the paths of the artifacts."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PACKAGE = (__package__ or "").partition(".")[0]
ENVIRONMENT_PREFIX = f"{PACKAGE.upper()}_"


def parse_names(value: Any) -> Any:
    """Turns `a,b` or `["a", "b"]` into a tuple of names; other values are left to validation."""
    if isinstance(value, str):
        if value.startswith("["):
            return tuple(json.loads(value))
        return tuple(name.strip() for name in value.split(",")) if value else ()
    return value


def parse_numbers(value: Any) -> Any:
    """Turns `1 2` or `1,2` into a tuple of texts, which validation converts; other values are left to it."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def parse_mapping(value: Any) -> Any:
    """Turns `a=1,b=c` or `{"a": 1, "b": "c"}` into a dictionary; other values are left to validation.

    A name may hold an =, a value may not.
    """
    if isinstance(value, str):
        if value.startswith("{"):
            return json.loads(value)
        entries = value.split(",") if value else []
        for entry in entries:
            if "=" not in entry:
                raise ValueError(f"{entry!r} has no =: write name=value,name=value, such as {as_entry(entry)}")
        return dict(entry.rsplit("=", 1) for entry in entries)
    return value


def as_entry(text: str) -> str:
    """An entry as it may have been meant."""
    name, _, value = text.partition(":")
    return f"{name.strip()}={value.strip() or 0.5}"


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_names)]
Numbers = Annotated[tuple[int, ...], NoDecode, BeforeValidator(parse_numbers)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseSettings):
    """The base of all classes of settings; a wrong name, type or range is refused."""

    several_targets: ClassVar[bool] = False  # whether the setting `target` may name several columns

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, use_attribute_docstrings=True, validate_default=True
    )


def declared(settings: type[BaseSettings]) -> list[str]:
    """The settings that a class declares itself, without those of its base classes."""
    return [name for name in vars(settings).get("__annotations__", {}) if name in settings.model_fields]


def groups(settings: type[BaseSettings]) -> list[type[BaseSettings]]:
    """The classes that declare settings of a joined class, itself first."""
    return [base for base in settings.__mro__ if issubclass(base, Settings) and declared(base)]


def without_password(address: str) -> str:
    """An address to be shown and stored: without user names, passwords, tokens and the values of its query.

    Passwords are found wherever people write them, with / ? @ in them as well; what is no address stays as it is.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    server = re.split(r"[/?#]", rest, maxsplit=1)[0]
    is_web = scheme.rpartition("::")[2].lower() in ("http", "https")
    has_port = ":" not in server or re.search(r":\d*$|\]$", server)  # else the colon is before a password
    if is_web and ("@" in server or has_port):
        user, at, _ = server.rpartition("@")
    else:
        user, at, _ = rest.rpartition("@")
    where, mark, query = rest[len(user + at) :].partition("?")
    where, fragment = re.sub(r"#.*", "", where), "#***" if "#" in where else ""
    named = [
        f"{name}=***" if equals else "***" for name, equals, _ in (part.partition("=") for part in query.split("&"))
    ]
    return (
        f"{scheme}://{'***@' if at else ''}{without_password(where)}{fragment}{mark}{'&'.join(named) if mark else ''}"
    )


def without_secrets(text: str) -> str:
    """A text, such as the message of a library, in which every address is without secrets."""
    return re.sub(r"\b[\w+.-]+://[^\s'\"<>]+", lambda found: without_password(found[0]), text)


SPLITS = ("train", "validation", "test")
BETWEEN_LABELS = "|"  # in a text that holds several of them
# The contents of an exported version, which the stages that write it and the server that reads it agree on
NAMED, SERIALIZED = "serving_default", "serialized_examples"  # the signatures
DESCRIPTION = Path("assets.extra", "model.json")
CHOSEN = ("decision", "referral", "thresholds")  # the entries of it that say how labels are chosen from probabilities
RULE = "rule"  # the output that names the rule by which labels are chosen, the same for all examples
REFER = "refer"  # the label of an example that a classifier leaves to a person
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")  # where TensorFlow Serving looks for it
MORE_MISSING = 0.1  # share of values that may be missing in addition; a column that cannot reach 1 with it is required

MAX_DIGITS = 18  # of a number that identifies a version or a run: as many as 64 bits always hold
PROJECT = (__package__ or "").partition(".")[0].replace("_", "-")  # the name under which the model is served


@dataclass(frozen=True)
class Paths:
    """The paths of the artifacts below a folder."""

    root: Path

    def examples(self, split: str) -> Path:
        """The examples table of a split."""
        return self.root / "examples" / f"{split}.parquet"

    @property
    def index(self) -> Path:
        """The page with links to all others."""
        return self.root / "index.html"

    @property
    def provenance(self) -> Path:
        """Provenance: where the examples came from, and what was left out."""
        return self.root / "examples" / "provenance.json"

    def stamp(self, stage: str) -> Path:
        """The stamp by which a stage is known to be stale or up to date."""
        return self.root / "stamps" / f"{stage}.json"

    @property
    def validation(self) -> Path:
        """Folder of statistics.pb, anomalies.json and report.html."""
        return self.root / "validation"

    @property
    def training(self) -> Path:
        """Folder of the checkpoints, history.csv, run.json and, while training, of the logs."""
        return self.root / "training"

    @property
    def logs(self) -> Path:
        """TensorBoard logs of the current training; those of earlier ones are kept with their runs."""
        return self.training / "logs"

    @property
    def model(self) -> Path:
        """The trained model: raw inputs to decoded predictions."""
        return self.training / "model.keras"

    @property
    def run(self) -> Path:
        """Settings, data hashes, versions and scores of the training run."""
        return self.training / "run.json"

    @property
    def history(self) -> Path:
        """Scores of every epoch."""
        return self.training / "history.csv"

    @property
    def runs(self) -> Path:
        """Folder of the training runs that are kept."""
        return self.root / "runs"

    def kept_run(self, number: int) -> Path:
        """Folder of a training run."""
        return self.runs / str(number)

    def kept_runs(self) -> list[int]:
        """The training runs that are kept, oldest first."""
        return numbered(self.runs)

    @property
    def tuning(self) -> Path:
        """Folder of the hyperparameter search."""
        return self.root / "tuning"

    @property
    def best_hyperparameters(self) -> Path:
        """The best hyperparameters of the search, which training uses."""
        return self.tuning / "best_hyperparameters.json"

    @property
    def evaluation(self) -> Path:
        """Folder of metrics.json and report.html."""
        return self.root / "evaluation"

    @property
    def verdict(self) -> Path:
        """Whether the model was accepted on the test split."""
        return self.root / "acceptance" / "verdict.json"

    @property
    def test_evaluations(self) -> Path:
        """Which models were evaluated on which test split, by their content hashes."""
        return self.verdict.with_name("test_evaluations.json")

    @property
    def export(self) -> Path:
        """Folder of the exported versions, in TensorFlow Serving's layout."""
        return self.root / "export" / PROJECT

    @property
    def exported(self) -> Path:
        """Which model was exported last, and as which version."""
        return self.export / "exported.json"

    @property
    def requests(self) -> Path:
        """Folder of the request log."""
        return self.root / "serving" / "requests"

    @property
    def server(self) -> Path:
        """The address of the server that was started last, while it runs."""
        return self.root / "serving" / "server.json"

    @property
    def monitoring(self) -> Path:
        """Folder of the monitoring: status.json, report.html and history.json."""
        return self.root / "monitoring"

    @property
    def update(self) -> Path:
        """Folder of the last update: decision.json, report.html and the challenger's own artifacts."""
        return self.root / "update"

    @property
    def candidate(self) -> Path:
        """The artifacts of the challenger, as those of the project."""
        return self.update / "candidate"

    def record(self, version: int) -> Path:
        """Folder of the project's record of an exported version."""
        return self.root / "versions" / str(version)

    @property
    def withdrawn(self) -> Path:
        """Folder of the versions that were rolled back; servers look only at the numbered folders beside it."""
        return self.export / "withdrawn"

    def version(self, number: int) -> Path:
        """Folder of an exported version."""
        return self.export / str(number)

    def versions(self) -> list[int]:
        """The exported versions that are not withdrawn, oldest first; the last one is in service."""
        return numbered(self.export)

    def withdrawn_versions(self) -> list[int]:
        """The versions that were rolled back, oldest first."""
        return numbered(self.withdrawn)


def is_number(name: str) -> bool:
    """Whether a name is a number as we write it: ASCII digits, not endlessly many."""
    return name.isascii() and name.isdigit() and len(name) <= MAX_DIGITS


def numbered(folder: Path) -> list[int]:
    """The folders in a folder whose names are numbers."""
    return sorted(int(inside.name) for inside in folder.glob("*") if is_number(inside.name) and inside.is_dir())
