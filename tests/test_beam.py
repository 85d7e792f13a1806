"""Validation on another engine than its own: Beam's portable runner, with workers in processes of their own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from projects import SETTINGS, Project, refuse, succeed

FIRST = SETTINGS["problem"][0]
WORKERS, SERVICE = (
    "apache_beam.runners.worker.worker_pool_main",
    "apache_beam.runners.portability.local_job_service_main",
)

pytestmark = pytest.mark.parametrize(
    "problem", [pytest.param(FIRST, marks=pytest.mark.xdist_group(FIRST))], indirect=True
)


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("localhost", 0))
        return int(chosen.getsockname()[1])


@contextlib.contextmanager
def listening(project: Project, *command: str, port: int) -> Iterator[None]:
    """A process of the project's environment that listens on a port; workers that it starts find the package."""
    path = f"{project.venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(project.folder / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [project.venv / "bin" / "python", "-m", *command], env=environment, stdout=quiet, stderr=quiet
    ) as process:
        try:
            wait_for(port)
            yield
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens on port {port}")


def test_statistics_of_the_portable_runner_are_the_same(copy: Project) -> None:
    statistics = copy.folder / "artifacts" / "validation" / "statistics.pb"
    succeed(copy.stage("validate"))
    own = statistics.read_bytes()
    statistics.unlink()
    service, workers = free_port(), free_port()
    options = [
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{service}",
        "--environment_type=EXTERNAL",
        f"--environment_config=localhost:{workers}",
    ]
    with (
        listening(copy, SERVICE, f"--port={service}", port=service),
        listening(copy, WORKERS, f"--service_port={workers}", port=workers),
    ):
        succeed(copy.stage("validate", f"--beam-options={','.join(options)}"))
    assert statistics.read_bytes() == own


def test_runner_that_does_not_exist_is_told(project: Project) -> None:
    printed = refuse(project.stage("validate", "--beam-options=--runner=Nobody"))
    assert "beam_options" in printed
