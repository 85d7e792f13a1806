"""The floors of the project: a module imports those below it, and of its own floor only what is listed here."""

import ast
from pathlib import Path

import pytest

from project.core import command
from project.settings import data_type
from project.settings.base import PACKAGE

ROOT = Path(command.__file__).parents[1]
FLOORS: tuple[tuple[str, ...], ...] = (
    ("settings", "config", "core"),  # each may import those before it
    ("data", "reporting", "large", *data_type.ROOMS),
    # The files that you edit, in the same way
    ("examples", "layers", "features", "encoding", "task", "metrics", "baselines", "preprocessing", "model"),
    ("validation", "training", "distributed", "evaluation", "exporting", "serving", "monitoring", "updating"),
    ("stages", "__main__"),
)
EDITED = 2
IN_ORDER = {0, EDITED}  # floors whose modules or rooms import only those before them
# Rooms of one floor that may import each other, and why
BESIDE = {
    ("settings", "metrics"): "the names of metrics in settings are checked",
    ("data", "large"): "what does not fit in memory is read by the same functions",
    ("large", "data"): "it reads tables and batches in parts",
    ("training", "distributed"): "where a network is trained is decided in one place",
    ("distributed", "training"): "workers search as one process does",
    ("evaluation", "training"): "scores of a kept run are kept with it",
    ("exporting", "evaluation"): "the card tells the scores",
    ("exporting", "validation"): "the description of an input comes from the schema",
    ("monitoring", "validation"): "requests are held against the schema",
    ("monitoring", "evaluation"): "live quality is scored as the evaluation scores",
    ("monitoring", "exporting"): "the registry keeps what requests are compared with",
    ("monitoring", "serving"): "it reads the log that the server writes",
    ("updating", "evaluation"): "champion and challenger are compared by their scores",
    ("updating", "exporting"): "the registry knows the version in service",
    ("updating", "serving"): "it reads the log that the server writes",
    ("updating", "validation"): "labels are held against the schema",
    **{(room, other): "special to the data type" for room in data_type.ROOMS for other in ("data", "reporting")},
    **{(room, other): "rooms of the data type" for room in ("data", *data_type.ROOMS) for other in data_type.ROOMS},
}
RUNS_STAGES = {"update", "watch"}  # they go through the life cycle once more


def room(place: Path) -> str:
    """The room of a module, or the module itself if it stands on the top level."""
    return place.relative_to(ROOT).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    """The floor of a room; modules and folders of your own stand on that of the files you edit."""
    return next((number for number, names in enumerate(FLOORS) if name in names), EDITED)


def comes_first(one: str, other: str, level: int) -> bool:
    """Whether one room or module of a floor may be imported by another; your own ones may be, and may import any."""
    names = FLOORS[level]
    return not {one, other} <= set(names) or names.index(one) < names.index(other)


def imports(path: Path) -> set[Path]:
    """The modules of this package that one imports, in functions as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith(PACKAGE)):
            start = path.parents[node.level - 1] if node.level else ROOT.parent
            base = start.joinpath(*filter(None, (node.module or "").split(".")))
            for place in (base, *(base / alias.name for alias in node.names)):
                found |= {file for file in (place.with_suffix(".py"),) if file.is_file()}
    return found


def complaint(path: Path, other: Path) -> str:
    """What is wrong with one module importing another, if anything is."""
    one, two = room(path), room(other)
    if one == two == "stages":
        return "" if path.stem in RUNS_STAGES else f"{path.name} imports the stage {other.name}"
    below, level = floor(two), floor(one)
    if below < level or one == two or (one, two) in BESIDE:
        return ""
    if below == level and level in IN_ORDER and comes_first(two, one, level):
        return ""
    return f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}, which is not below it"


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path.name != "__init__.py"]


def test_no_module_imports_what_is_above_it() -> None:
    assert [text for path in modules() for other in sorted(imports(path)) if (text := complaint(path, other))] == []


def test_an_import_upwards_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("core/paths.py", "stages/train.py", "stages/tune.py", "model.py", "features.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for name, code in (
        ("core/paths.py", "from ..stages import train"),
        ("stages/train.py", "from .tune import main"),
        ("features.py", "def later():\n    from . import model"),
    ):
        (tmp_path / name).write_text(code, encoding="utf-8")
        assert [complaint(tmp_path / name, other) for other in imports(tmp_path / name)] != [""], name
    (tmp_path / "model.py").write_text("from . import features", encoding="utf-8")
    assert [complaint(tmp_path / "model.py", other) for other in imports(tmp_path / "model.py")] == [""]


def test_modules_of_ones_own_are_at_home_among_the_edited_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own/blocks.py", "helpers.py", "model.py", "stages/train.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert complaint(tmp_path / "model.py", tmp_path / "own" / "blocks.py") == ""
    assert complaint(tmp_path / "helpers.py", tmp_path / "model.py") == ""
    assert complaint(tmp_path / "helpers.py", tmp_path / "stages" / "train.py") != ""


def test_rooms_that_stand_beside_each_other_are_listed_with_a_reason() -> None:
    assert all(BESIDE.values())


def test_a_room_is_no_code() -> None:
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 1 for path in ROOT.glob("*/**/__init__.py"))


def test_the_server_needs_neither_pandas_nor_what_trains() -> None:
    heavy = {"pandas", "keras", "keras_tuner", "apache_beam", "tensorflow_data_validation", "sklearn", "matplotlib"}
    for path in ROOT.glob("serving/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not heavy & {name.partition(".")[0] for name in names}, path.name
