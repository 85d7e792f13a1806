"""A damaged artifact is named in a sentence, with the target that makes it again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from project.core import artifacts, staleness
from project.core.errors import InputError
from project.data import tables
from project.evaluation import inference
from project.exporting import registry, saved_model
from project.settings.base import DESCRIPTION, PROJECT
from project.stages import accept
from project.training import run_history

from declared import Config

VERSION = f"export/{PROJECT}/1"
READERS: dict[str, tuple[str, Callable[[Config], Any]]] = {  # the target that makes it, and who reads it
    "examples/train.parquet": ("collect", lambda config: tables.read_rows(config, "train")),
    "examples/test.parquet": ("collect", lambda config: tables.num_examples(config, "test")),
    "examples/validation.parquet": ("collect", lambda config: tables.column_types(config, "validation")),
    "training/model.keras": ("train", inference.load_model),
    "training/run.json": ("train", accept.main),
    "runs/1/run.json": ("train", lambda config: run_history.read(config, 1).facts["data"]),
    f"{VERSION}/{DESCRIPTION}": ("export", lambda config: registry.describe(config, 1)["model"]),
    f"{VERSION}/saved_model.pb": ("export", lambda config: saved_model.load_folder(str(config.paths.version(1)))),
}


def replace_by_folder(path: Path) -> None:
    artifacts.remove(path)
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "brace": lambda path: path.write_bytes(b"{"),
    "object": lambda path: path.write_bytes(b"{}"),
    "list": lambda path: path.write_bytes(b"[]"),
    "folder": replace_by_folder,
}


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_artifact_is_named_with_the_target_that_makes_it(trained: Config, name: str) -> None:
    target, read = READERS[name]
    path = trained.artifacts / name
    for damage in DAMAGES.values():
        damage(path)
        saved_model.load_folder.cache_clear()
        with pytest.raises(InputError, match=f"make {target}") as refused:
            read(trained)
        assert str(path.parent if "saved_model" in name else path) in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"epochs": '])
def test_a_damaged_stamp_counts_as_none(trained: Config, text: str) -> None:
    for name in ("train", "hashes"):
        artifacts.write_text(trained.paths.stamp(name), text)
    assert staleness.reason(trained, "train") == "without a stamp"
