"""Validation and predictions on other engines of Beam: its portable runner, and a cluster of Spark on this machine."""

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
from typing import NamedTuple

import pytest

from projects import SETTINGS, Project, grouped, refuse, succeed

FIRST = SETTINGS["problem"][0]
WORKERS, SERVICE = (
    "apache_beam.runners.worker.worker_pool_main",
    "apache_beam.runners.portability.local_job_service_main",
)
SPARK_RUNNER = "--runner=beam_pyspark_runner.pyspark_runner.PySparkRunner"

pytestmark = pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)


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
    succeed(project.run("env", *given, python, "-m", project.package, "validate", "--only", chosen))
    return (project.folder / "artifacts" / "validation" / "statistics.pb").read_bytes()


def test_statistics_of_the_portable_runner_are_the_same(cluster: Project) -> None:
    own = own_statistics(cluster)
    service, workers = free_port(), free_port()
    options = [
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{service}",
        "--environment_type=EXTERNAL",
        f"--environment_config=localhost:{workers}",
    ]
    python = cluster.venv / "bin" / "python"
    found = {  # by the workers that the pool starts
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(cluster.folder / "src"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (
        listening(python, "-m", SERVICE, f"--port={service}", port=service, **found),
        listening(python, "-m", WORKERS, f"--service_port={workers}", port=workers, **found),
    ):
        assert statistics_of(cluster, *options, PYTHONPATH="src") == own


class Spark(NamedTuple):
    """A cluster of Spark: its packages, its address and the folder in which its workers work."""

    packages: Path
    address: str
    folder: Path

    def variables(self, project: Project) -> dict[str, str]:
        """The environment by which Beam's runner finds the cluster, and the cluster a project's environment."""
        return {
            "PYTHONPATH": f"{project.folder / 'src'}{os.pathsep}{self.packages}",
            "PYSPARK_PYTHON": str(project.venv / "bin" / "python"),
            "PYSPARK_SUBMIT_ARGS": f"--master {self.address} pyspark-shell",
            "SPARK_LOCAL_IP": "127.0.0.1",
        }


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """A master and two workers of Spark on loopback, each a process; PySpark brings what they are."""
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, which is not on this machine")
    packages, folder = (tmp_path_factory.mktemp(name) for name in ("packages", "cluster"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages)]
    subprocess.run([*command, "pyspark>=4,<5", "py4j", "beam-pyspark-runner"], check=True)
    start = str(packages / "pyspark" / "bin" / "spark-class")
    home = {"SPARK_HOME": str(packages / "pyspark"), "SPARK_LOCAL_IP": "127.0.0.1"}
    port, *pages = (free_port() for _ in range(4))
    address, own = f"spark://127.0.0.1:{port}", ["--host", "127.0.0.1"]
    master = [start, "org.apache.spark.deploy.master.Master", *own, "--port", str(port), "--webui-port", str(pages[0])]
    worker = [start, "org.apache.spark.deploy.worker.Worker", *own, "--cores", "1", "--memory", "2g"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(listening(*master, port=port, **home))
        for page in pages[1:]:
            place = ["--webui-port", str(page), "--work-dir", str(folder / str(page))]
            stack.enter_context(listening(*worker, *place, address, port=page, **home))
        yield Spark(packages, address, folder)


def test_statistics_of_a_spark_cluster_are_the_same(cluster: Project, spark: Spark) -> None:
    own = own_statistics(cluster)
    assert statistics_of(cluster, SPARK_RUNNER, **spark.variables(cluster)) == own
    assert len(list(spark.folder.glob("*/app-*"))) >= 2  # each worker had a share of the application


def test_predictions_of_a_spark_cluster_are_the_same(cluster: Project, spark: Spark, tmp_path: Path) -> None:
    (source,) = (cluster.folder / "data/raw").glob("*.csv")
    given = [tmp_path / "in" / f"{number}.csv" for number in range(3)]
    (tmp_path / "in").mkdir()
    for path in given:
        shutil.copy(source, path)
    succeed(cluster.stage("predict", f"--input={given[0]}", f"--output={tmp_path / 'alone.csv'}"))
    variables = [f"{name}={value}" for name, value in spark.variables(cluster).items()]
    many = [f"--input={tmp_path}/in/*.csv", f"--output={tmp_path / 'out'}", f"--beam-options={SPARK_RUNNER}"]
    python = cluster.venv / "bin" / "python"
    succeed(cluster.run("env", *variables, python, "-m", cluster.package, "predict", *many))
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == [path.name for path in given]
    assert {path.read_bytes() for path in written} == {(tmp_path / "alone.csv").read_bytes()}


def test_runner_that_does_not_exist_is_told(cluster: Project) -> None:
    printed = refuse(cluster.stage("validate", "--beam-options=--runner=Nobody"))
    assert "beam_options" in printed
