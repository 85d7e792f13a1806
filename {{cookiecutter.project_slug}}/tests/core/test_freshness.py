"""Stamps: a stage is stale when its settings, its code or its source changed, and only then."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from project.config import Config
from project.core import staleness


def stale(config: Config, changed: Config) -> set[str]:
    """The stages whose stamps a change rewrites."""
    staleness.main(config)
    for stage in staleness.STAGES:
        os.utime(config.paths.stamp(stage), (0, 0))
    staleness.main(changed)
    return {stage for stage in staleness.STAGES if config.paths.stamp(stage).stat().st_mtime > 0}


@pytest.mark.parametrize(
    ("setting", "value", "needed", "spared"),
    [
        ("epochs", 9, {"train"}, {"collect", "validate", "accept", "export"}),
        ("criteria", {}, {"evaluate", "accept"}, {"collect", "validate", "train"}),
        ("encoding", "cp1252", {"collect"}, {"validate"}),
        ("max_number_skew", 0.5, {"validate"}, {"collect", "train"}),
        ("max_runs", 3, set(), {"collect", "validate", "train", "evaluate", "accept", "export"}),
        ("mlflow", "file:///runs", set(), {"collect", "validate", "train", "evaluate", "accept", "export"}),
        ("limits", "not for owls", {"export"}, {"collect", "validate", "train", "evaluate", "accept"}),
        ("max_trials", 3, set(), {"collect", "validate", "train", "evaluate", "accept", "export"}),
    ],
)
def test_a_setting_makes_its_stages_stale(
    make_config: Callable[..., Config], setting: str, value: object, needed: set[str], spared: set[str]
) -> None:
    config = make_config()
    found = stale(config, config.model_copy(update={setting: value}))
    assert needed <= found
    assert not spared & found


def test_nothing_changed_makes_nothing_stale(make_config: Callable[..., Config]) -> None:
    config = make_config()
    assert stale(config, config) == set()


def test_a_changed_source_is_collected_again(make_config: Callable[..., Config]) -> None:
    config = make_config()
    staleness.main(config)
    before = config.paths.stamp("collect").read_bytes()
    Path(config.source).write_text(Path(config.source).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    staleness.main(config)
    assert config.paths.stamp("collect").read_bytes() != before


def test_code_counts_without_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "module.py"

    def seen(code: str) -> str:
        module.write_text(code, encoding="utf-8")
        staleness.tree.cache_clear()
        staleness.syntax.cache_clear()
        return staleness.syntax("module")

    monkeypatch.setattr(staleness, "PACKAGE", tmp_path)
    assert seen("x = 1\n") == seen("x = 1  # one\n") != seen("x = 2\n")


def test_every_setting_belongs_to_a_stage() -> None:
    modules = {path.stem for path in staleness.PACKAGE.glob("*.py")} - {"config", "settings"}
    unused = Config.model_fields.keys() - staleness.used_settings(Config(), modules).keys()
    assert unused == set()


def test_a_stamp_holds_no_password(make_config: Callable[..., Config]) -> None:
    config = make_config(source="postgresql://reader:secret@db/birds")
    staleness.main(config)
    assert "secret" not in config.paths.stamp("collect").read_text(encoding="utf-8")
