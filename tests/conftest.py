"""Bakes every problem that cookiecutter.json lists, and runs the generated projects in one shared environment."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import SET_UP, SETTINGS, Project, copy_baked, grouped, setting_up, succeed

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
# Answers that leave pages out, or bring commands in
ANSWERS = [{}, {"scale": "cluster"}, {"operations": "serve", "scale": "cluster"}, {"operations": "none"}]
REUSED_ENVIRONMENT = os.environ.get("TEMPLATE_TESTS_VENV")  # an environment that an earlier `make setup` made


@pytest.fixture(scope="session", autouse=True)
def known_types(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Lets projects share what mypy knows of libraries, which is the same for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "mypy_cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def share_of_the_cores(worker_id: str) -> Iterator[None]:
    """Gives projects a thread each where several run side by side: more get into each other's way."""
    with pytest.MonkeyPatch.context() as patch:
        for name in THREADS if worker_id != "master" else ():
            patch.setenv(name, "1")
        yield


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The environment that the first project's own `make setup` makes, shared by all projects and test processes."""
    if REUSED_ENVIRONMENT:
        return Path(REUSED_ENVIRONMENT).resolve()
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    venv = shared / "environment"
    with (shared / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (venv / ".complete").exists():
            project = Project(copy_baked(shared / "first"), SETTINGS["problem"][0], venv)
            succeed(project.make("setup"))
            shutil.copy(project.folder / "uv.lock", shared / "uv.lock")
    return venv


@pytest.fixture(
    scope="session",
    params=grouped(reversed(SETTINGS["problem"])),
)
def problem(request: pytest.FixtureRequest) -> str:
    """Each problem in turn; all tests of one run in the same process, so that they share the project.

    The last one listed comes first: it takes longest, and begun last it would leave the other process idle.
    """
    return str(request.param)


@pytest.fixture(scope="session")
def baked(problem: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is generated; tests leave it alone."""
    return copy_baked(tmp_path_factory.mktemp(problem), problem=problem)


@pytest.fixture(scope="session", params=ANSWERS, ids=lambda answers: "-".join(answers.values()) or "default")
def generated(
    request: pytest.FixtureRequest, problem: str, baked: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A generated project of which only the text is looked at."""
    answers: dict[str, str] = request.param
    folder = copy_baked(tmp_path_factory.mktemp("generated"), problem=problem, **answers) if answers else baked
    return Project(folder, problem, Path(sys.prefix))


@pytest.fixture(scope="session")
def project(problem: str, environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which `make all` has run; tests leave it as it is or work on a copy."""
    project = Project(copy_baked(tmp_path_factory.mktemp("run"), problem=problem), problem, environment)
    with setting_up(environment) as lock:
        project.set_up(lock)
    SET_UP.add(problem)
    succeed(project.make("all"))
    return project


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Project:
    """A copy of the project, artifacts and their times included, to do what one likes with."""
    folder = tmp_path / project.folder.name
    shutil.copytree(project.folder, folder)
    return dataclasses.replace(project, folder=folder)


@pytest.fixture
def cluster(project: Project, tmp_path: Path) -> Project:
    """The project as it is for a cluster, with the artifacts of the one for one machine."""
    folder = copy_baked(tmp_path / "cluster", problem=project.problem, scale="cluster")
    for name in ("artifacts", "data"):
        shutil.copytree(project.folder / name, folder / name, symlinks=True, dirs_exist_ok=True)
    shutil.copy(project.folder / "uv.lock", folder)
    for name in ("pyproject.toml", "uv.lock"):
        os.utime(folder / name, (0, 0))  # older than the environment, which has all that is needed
    return dataclasses.replace(project, folder=folder)
