"""Validation on other engines than its own: Beam's portable runner and a cluster of Spark, both on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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
def listening(*command: str | Path, port: int, **variables: str) -> Iterator[None]:
    """A process that listens on a port."""
    environment, quiet = {**os.environ, **variables}, subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
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


def own_statistics(project: Project) -> bytes:
    """What validation computes in its own process; the file is removed, for another engine to write it."""
    succeed(project.stage("validate"))
    statistics = project.folder / "artifacts" / "validation" / "statistics.pb"
    own = statistics.read_bytes()
    statistics.unlink()
    return own


def statistics_of(project: Project, *options: str, **variables: str) -> bytes:
    """What validation computes on the engine that Beam's options name."""
    given = [f"{name}={value}" for name, value in variables.items()]
    python, chosen = project.venv / "bin" / "python", f"--beam-options={','.join(options)}"
    succeed(project.run("env", *given, python, "-m", f"{project.package}.validate", chosen))
    return (project.folder / "artifacts" / "validation" / "statistics.pb").read_bytes()


def test_statistics_of_the_portable_runner_are_the_same(copy: Project) -> None:
    own = own_statistics(copy)
    service, workers = free_port(), free_port()
    options = [
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{service}",
        "--environment_type=EXTERNAL",
        f"--environment_config=localhost:{workers}",
    ]
    python = copy.venv / "bin" / "python"
    found = {  # by the workers that the pool starts
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(copy.folder / "src"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (
        listening(python, "-m", SERVICE, f"--port={service}", port=service, **found),
        listening(python, "-m", WORKERS, f"--service_port={workers}", port=workers, **found),
    ):
        assert statistics_of(copy, *options, PYTHONPATH="src") == own


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with PySpark, which brings Spark, and a runner of Beam for it, beside a project's environment."""
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, which is not on this machine")
    folder = tmp_path_factory.mktemp("spark")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, "pyspark>=4,<5", "py4j", "beam-pyspark-runner"], check=True)
    return folder


@contextlib.contextmanager
def cluster(spark: Path, folder: Path) -> Iterator[str]:
    """A master and two workers of Spark on loopback, each a process; gives their address."""
    start = str(spark / "pyspark" / "bin" / "spark-class")
    home = {"SPARK_HOME": str(spark / "pyspark"), "SPARK_LOCAL_IP": "127.0.0.1"}
    own = ["--host", "127.0.0.1"]
    port, *pages = (free_port() for _ in range(4))
    address = f"spark://127.0.0.1:{port}"
    master = [start, "org.apache.spark.deploy.master.Master", *own, "--port", str(port), "--webui-port", str(pages[0])]
    worker = [start, "org.apache.spark.deploy.worker.Worker", *own, "--cores", "1", "--memory", "2g"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening(*master, port=port, **home))
        for page in pages[1:]:
            place = ["--webui-port", str(page), "--work-dir", str(folder / str(page))]
            stack.enter_context(listening(*worker, *place, address, port=page, **home))
        yield address


def test_statistics_of_a_spark_cluster_are_the_same(copy: Project, spark: Path, tmp_path: Path) -> None:
    own = own_statistics(copy)
    with cluster(spark, tmp_path) as address:
        variables = {
            "PYTHONPATH": f"{copy.folder / 'src'}{os.pathsep}{spark}",
            "PYSPARK_PYTHON": str(copy.venv / "bin" / "python"),
            "PYSPARK_SUBMIT_ARGS": f"--master {address} pyspark-shell",
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        runner = "--runner=beam_pyspark_runner.pyspark_runner.PySparkRunner"
        assert statistics_of(copy, runner, **variables) == own
        assert len(list(tmp_path.glob("*/app-*"))) == 2  # each worker had a share of the application


def test_runner_that_does_not_exist_is_told(project: Project) -> None:
    printed = refuse(project.stage("validate", "--beam-options=--runner=Nobody"))
    assert "beam_options" in printed
