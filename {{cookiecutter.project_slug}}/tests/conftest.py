"""A small project that has run through the stages, for the tests of the stages that come after."""

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from project.settings.base import ENVIRONMENT_PREFIX

import problem
import synthetic
from declared import Config, leave_other_metrics_undefined


@cache
def table() -> str:
    """The made-up table as CSV: drawing pictures or sounds takes longer than many a test."""
    return synthetic.make_table().to_csv(index=False)


def small_config(folder: Path, **settings: Any) -> Config:
    """Settings with which every stage takes seconds."""
    defaults: dict[str, Any] = {
        "target": problem.TARGET,
        "ignore": (problem.OTHER_TARGET,),
        "criteria": problem.LENIENT,
        "criteria_on": "value",
        "epochs": 3,
        "minutes": 0,
        "resamples": 50,
        "artifacts": folder / "artifacts",
        "schema_path": folder / "schema.pbtxt",
        "cell_formats": folder / "cell_formats.json",
    }
    if "source" not in settings:
        defaults["source"] = str(folder / "table.csv")
        Path(defaults["source"]).write_text(table(), encoding="utf-8")
    return Config(**(defaults | synthetic.settings(folder) | settings))


def finish(config: Config) -> Config:
    """Collects the examples of a project, trains, accepts and exports its model."""
    # Here, since TensorFlow takes seconds to import and many tests do without.
    from project.stages import accept, collect, export, train

    import fixed

    with pytest.MonkeyPatch.context() as patch:
        fixed.put_in_place(patch)
        leave_other_metrics_undefined(patch)
        for stage in (collect, train, accept, export):
            stage.main(config)
    return config


@pytest.fixture(autouse=True)
def own_cell_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps tests from each other's cell formats, and from those of the project."""
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}CELL_FORMATS", str(tmp_path / "cell_formats.json"))


@pytest.fixture(scope="module", autouse=True)
def fixed_code() -> Iterator[None]:
    """Puts a small network in place of the project's own, which has tests of its own: `test_yours.py`."""
    with pytest.MonkeyPatch.context() as patch:
        if "keras" in sys.modules:
            import fixed

            fixed.put_in_place(patch)
            leave_other_metrics_undefined(patch)
        yield


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., Config]:
    """Settings of a project in the test's own folder."""
    return lambda **settings: small_config(tmp_path, **settings)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project whose model is trained, accepted and exported; only for tests that do not change it."""
    return finish(small_config(tmp_path_factory.mktemp("finished")))


@pytest.fixture(scope="session")
def complete(finished: Config) -> Any:
    """The trained model of that project, loaded once: a Keras model from raw inputs to decoded predictions."""
    from project.evaluation import inference

    return inference.load_model(finished)


@pytest.fixture(scope="session")
def evaluated(finished: Config) -> Config:
    """The finished project, evaluated as well."""
    from project.stages import evaluate

    import fixed

    with pytest.MonkeyPatch.context() as patch:
        fixed.put_in_place(patch)
        leave_other_metrics_undefined(patch)
        evaluate.main(finished)
    return finished


@pytest.fixture
def trained(finished: Config, tmp_path: Path) -> Config:
    """A copy of the finished project that a test may change."""
    shutil.copytree(finished.artifacts, tmp_path / "artifacts")
    return finished.model_copy(update={"artifacts": tmp_path / "artifacts"})
