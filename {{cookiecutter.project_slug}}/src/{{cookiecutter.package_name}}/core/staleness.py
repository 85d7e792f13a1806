"""Decides which stages are stale: something that they depend on has changed since they last ran.

The table `STAGES` lists what each stage depends on. Contents decide, not times: neither `touch` nor a checkout makes a
stage stale. Code and settings that the table does not list, such as a module or a setting of your own, count for every
stage.
"""

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Config
from ..settings import data_type, scale
from ..settings.base import Settings, declared
from ..settings.data import DataSettings, ValidationSettings
from ..settings.data_type import DataTypeSettings, NetworkSettings
from ..settings.evaluation import EvaluationSettings
from ..settings.scale import ScaleSettings
from ..settings.task import TargetSettings, TaskSettings
from ..settings.training import TrainingSettings
from . import artifacts

PACKAGE = Path(__file__).parents[1]
CHANGED = "changed"
DEFAULTS = ("data_type.py", "base.py")  # the only modules in settings/ whose code counts, not just the values


@dataclass(frozen=True)
class Stage:
    """What a stage depends on."""

    after: tuple[str, ...] = ()
    """The stages whose artifacts it reads."""
    makes: tuple[str, ...] = ()
    """Its artifacts that later stages read; a stage without any is never up to date."""
    reads: tuple[str, ...] = ()
    """Other files that it reads: artifacts, or settings that name a file."""
    files: tuple[str, ...] = ()
    """Modules on the top level of the package."""
    rooms: tuple[str, ...] = ()
    """Folders of the package: their code."""
    settings: tuple[type[Settings] | str, ...] = ()
    """Settings that it reads: all those of a room, or one of config.py."""


PREPARED = ("settings", "core", "data", *data_type.ROOMS, *scale.ROOMS)
NETWORK = ("examples", *data_type.NETWORK_FILES, "task")

STAGES = {
    "collect": Stage(
        makes=("examples/train.parquet", "examples/validation.parquet", "examples/test.parquet"),
        reads=("cell_formats",),
        files=("examples",),
        rooms=(*PREPARED, "reporting"),
        settings=(DataSettings, DataTypeSettings, ScaleSettings, TargetSettings),
    ),
    "validate": Stage(
        after=("collect",),
        makes=("validation/statistics.pb",),
        reads=("schema_path",),
        rooms=("settings", "core", "data", "reporting", "validation"),
        settings=(ValidationSettings,),
    ),
    "train": Stage(
        after=("collect", "validate"),
        makes=("training/model.keras",),
        reads=("tuning/best_hyperparameters.json",),
        files=(*NETWORK, "metrics"),
        rooms=(*PREPARED, "training"),
        settings=(
            *("epochs", "batch_size", "learning_rate", "patience", *data_type.TRAINING),
            *(TrainingSettings, TaskSettings, NetworkSettings),
        ),
    ),
    "evaluate": Stage(
        after=("collect", "train"),
        makes=("evaluation/metrics.json",),
        files=(*NETWORK, "metrics", "baselines"),
        rooms=(*PREPARED, "reporting", "training", "evaluation"),
        settings=("goal", "metric", "criteria", "slices", EvaluationSettings),
    ),
    "accept": Stage(
        after=("collect", "train"),
        makes=("acceptance/verdict.json",),
        files=(*NETWORK, "metrics", "baselines"),
        rooms=(*PREPARED, "reporting", "training", "evaluation"),
        settings=("metric", "criteria", EvaluationSettings),
    ),
    "export": Stage(
        after=("collect", "evaluate", "accept"),
        makes=("export/{project}/exported.json",),
        files=(*NETWORK, "metrics", "baselines"),
        rooms=(*PREPARED, "reporting", "validation", "training", "evaluation", "exporting"),
        settings=("goal", "limits", "metric", "criteria"),
    ),
    "schema": Stage(after=("collect",)),
    "preview": Stage(after=("validate",)),
    "embed": Stage(after=("collect",), settings=("embed_source", "near_duplicate")),
    "tune": Stage(after=("validate",), settings=("tuner", "max_trials", "search_minutes")),
    "train-workers": Stage(after=("validate",)),
    "explain": Stage(after=("train",)),
}
LIFE_CYCLE = tuple(name for name, stage in STAGES.items() if stage.makes)

# Settings on which all stages depend, though the tables of collect may be the same with others
OF_ALL = {"target", "sample_weight"}

# Settings on which no artifact of these stages depends
WITHOUT_EFFECT = {
    *("artifacts", "source", "added", "unpacked", "row", "runs", "max_runs", "mlflow", "tuner", "max_trials"),
    *("promotion_margin", "cell_formats", "minutes", "search_minutes", "embed_source", "near_duplicate"),
}


def order(wanted: str) -> list[str]:
    """The stages that a stage depends on, in order, and the stage itself."""
    found: list[str] = []
    for earlier in STAGES.get(wanted, Stage()).after:
        found += [name for name in order(earlier) if name not in found]
    return [*found, wanted]


def reason(config: Config, name: str) -> str:
    """Why a stage is stale; empty if it is not."""
    if name not in LIFE_CYCLE:
        return "asked for"
    if not all(path.exists() for path in made(config, name)):
        return "not there yet"
    stamp = config.paths.stamp(name)
    before = artifacts.read_json_or_empty(stamp)
    now = content(config, name)
    if before == now:
        return ""
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    more = f" and {len(changed) - 2} more" if len(changed) > 2 else ""
    return f"{', '.join(changed[:2])}{more} {CHANGED}" if before else "without a stamp"


def record(config: Config, name: str, before: dict[str, Any] | None = None) -> None:
    """Records that a stage has run; `before` is the content it depended on when it started."""
    now = content(config, name)
    read = {str(path) for path in read_files(config, name)}
    began = before or now
    artifacts.write_json(config.paths.stamp(name), {**began, **{key: now[key] for key in now if key in read}})


def settle(config: Config) -> None:
    """Records all stages as up to date, because an update wrote their artifacts."""
    for name in LIFE_CYCLE:
        record(config, name)


def content(config: Config, name: str) -> dict[str, Any]:
    """What a stage depends on: the values of settings, and the content hash of files."""
    hashes = Hashes(config.paths.stamp("hashes"))
    files = [*code_used(config, name), *(path for earlier in STAGES[name].after for path in made(config, earlier))]
    if name == "collect":
        sources = (config.source, config.validation_source, config.test_source, str(config.added))
        files += [path for source in sources for path in local_files(source)]
    files += read_files(config, name)
    found = {shown(path): hashes.of(path) for path in files if path.exists()}
    hashes.save()
    return settings(config, name) | dict(sorted(found.items()))


def shown(path: Path) -> str:
    """A path as it is recorded: modules relative to the package."""
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else str(path)


def made(config: Config, name: str) -> list[Path]:
    """The artifacts of a stage that later ones read."""
    return [config.artifacts / path.format(project=config.paths.export.name) for path in STAGES[name].makes]


def read_files(config: Config, name: str) -> list[Path]:
    """Files that a stage reads in addition to the artifacts of earlier stages."""
    named = config.public()
    return [Path(named[path]) if path in named else config.artifacts / path for path in STAGES[name].reads]


def settings(config: Config, name: str) -> dict[str, Any]:
    """The values of the settings that a stage depends on."""
    names = settings_of(name) | OF_ALL | (declared_names(Config) - set().union(*map(settings_of, STAGES)))
    return {name: value for name, value in config.public().items() if name in names - WITHOUT_EFFECT}


def settings_of(name: str) -> set[str]:
    """The names of the settings that the table lists for a stage."""
    found = [{each} if isinstance(each, str) else declared_names(each) for each in STAGES[name].settings]
    return set[str]().union(*found)


def declared_names(settings: type[Settings]) -> set[str]:
    """The settings that a class and its bases declare; for `Config`, only those of config.py."""
    if settings is Config:
        return set(declared(Config))
    return set[str]().union(*(declared(base) for base in settings.__mro__ if issubclass(base, Settings)))


def code(name: str) -> list[Path]:
    """The modules and page templates that a stage depends on."""
    stage = STAGES[name]
    parts = [PACKAGE / f"stages/{name}.py", *(PACKAGE / f"{file}.py" for file in stage.files)]
    for room in stage.rooms:
        parts += (PACKAGE / room).rglob("*")
    for own in unnamed():
        parts += own.rglob("*.py") if own.is_dir() else [own]
    found = {path for path in parts if path.suffix in (".py", ".j2", ".js") and path.exists()}
    return sorted(path for path in found if not counts_by_values(path))


def code_used(config: Config, name: str) -> list[Path]:
    """The code that a stage depends on with these settings: training needs `metrics.py` only for an `objective`."""
    unused = set() if config.objective or name != "train" else {PACKAGE / "metrics.py"}
    return [path for path in code(name) if path not in unused]


def code_hash(config: Config) -> str:
    """A hash of the code of training: work begun with other code must not be resumed."""
    return artifacts.text_hash([artifacts.content_hash(path) for path in code_used(config, "train")])


def network_hash(config: Config) -> str:
    """A hash of the network's code and settings: hyperparameters found for another network are not used."""
    shared = [PACKAGE / room for room in ("stages", "settings", "core", "data", *scale.ROOMS, "training")]
    own = [path for path in code_used(config, "train") if not any(path.is_relative_to(room) for room in shared)]
    tunable = {"epochs", "batch_size", "learning_rate", "patience"} | declared_names(TrainingSettings)
    values = {name: value for name, value in settings(config, "train").items() if name not in tunable}
    return artifacts.text_hash([values, *map(artifacts.content_hash, own)])


def counts_by_values(path: Path) -> bool:
    """Whether a module only declares settings: then their values count, not its code."""
    return path == PACKAGE / "config.py" or (path.parent == PACKAGE / "settings" and path.name not in DEFAULTS)


def unnamed() -> Iterator[Path]:
    """Modules and folders of the package that the table does not list, such as your own."""
    known = {"__init__", "__main__", "config", "stages", "serving", "monitoring", "updating"}
    known |= {part for stage in STAGES.values() for part in (*stage.files, *stage.rooms)}
    for path in sorted(PACKAGE.iterdir()):
        if path.stem not in known and (path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")):
            yield path


def local_files(source: str) -> list[Path]:
    """The local files of the source; a remote source counts as unchanged."""
    path = source.removeprefix("sqlite:///")
    matches = [Path(match) for match in glob.glob(path, recursive=True)]  # noqa: PTH207 (the source may be absolute)
    return sorted(file for match in matches for file in ([match] if match.is_file() else artifacts.files_below(match)))


class Hashes:
    """SHA-256 of files; those with unchanged size and modification time are not read again."""

    def __init__(self, path: Path) -> None:
        """Reads the known hashes from a file."""
        self.path = path
        self.known: dict[str, list[Any]] = artifacts.read_json_or_empty(path)
        self.has_changed = False

    def of(self, path: Path) -> str:
        """The hash of a file, or of all files in a folder."""
        if path.is_dir():
            return artifacts.text_hash([self.of(inside) for inside in artifacts.files_below(path)])
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns]
        entry = self.known.get(str(path))
        if entry is None or entry[:2] != state:
            self.known[str(path)] = entry = [*state, artifacts.content_hash(path)]
            self.has_changed = True
        return str(entry[2])

    def save(self) -> None:
        """Writes the hashes if some have changed."""
        if self.has_changed:
            artifacts.write_json(self.path, self.known)
