"""Runs are sent to MLflow where it is installed, and what settings keep secret stays so in a whole run."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from projects import copy_baked, execute, with_packages

CANARY = "c4n4ry"  # in an address, in each place where people write passwords and tokens
MLFLOW = """
import types
class MlflowException(Exception): pass
exceptions = types.SimpleNamespace(MlflowException=MlflowException)
def set_tracking_uri(address):
    global found
    found = address
def set_experiment(name):
    raise MlflowException(f"API request to {found}/api failed, as did {found.partition('?')[0]}")
"""  # a tracking server that cannot be reached, and says so with its address


def test_runs_are_sent_to_mlflow_where_it_is_installed(environment: Path, tmp_path: Path) -> None:
    project = copy_baked(tmp_path)
    python = with_packages(environment, project, "mlflow-skinny")
    printed = execute(
        project, python, "-m", "pytest", "-q", "-k", "mlflow", "tests/stages/test_runs.py", PYTHONPATH="src"
    )
    assert "1 passed" in printed
    assert "1 skipped" in printed  # what is true without MLflow


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The port of a web server of a folder."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_whole_run_neither_writes_nor_prints_secrets(environment: Path, tmp_path: Path) -> None:
    project = copy_baked(tmp_path)
    sample = project / "data" / "raw"
    (tmp_path / "mlflow.py").write_text(MLFLOW, encoding="utf-8")
    python = environment / "bin" / "python"
    variables = {
        "PYTHONPATH": f"src{os.pathsep}{tmp_path}",
        "HEART_DISEASE_MLFLOW": f"http://{CANARY}@127.0.0.1:9/?password={CANARY}",
        "HEART_DISEASE_API_KEY": CANARY,
        "HEART_DISEASE_EPOCHS": "2",
        "HEART_DISEASE_CRITERIA": '{"accuracy": 0}',
    }
    commands = (["all"], ["predict", "--input", str(sample / "heart_disease.csv"), "--output", "p.csv"])
    with serving(sample) as port:
        variables["HEART_DISEASE_SOURCE"] = (
            f"http://u:{CANARY}@127.0.0.1:{port}/heart_disease.csv?sig={CANARY}&token={CANARY}"
        )
        printed = [execute(project, python, "-m", "heart_disease", *command, **variables) for command in commands]
    (project / "printed.txt").write_text("\n".join(printed), encoding="utf-8")
    assert "http://***@127.0.0.1:9/?password=*** did not accept the run" in printed[0]
    assert "heart_disease.csv?sig=***&token=***" in printed[0]
    found = [path for path in project.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert not found
    assert (project / "p.csv").exists()
    assert list(project.glob("artifacts/export/heart-disease/1/*"))
