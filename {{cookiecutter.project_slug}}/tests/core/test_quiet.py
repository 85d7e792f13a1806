"""The terminal: no notices of TensorFlow's, no error that gets lost, and an interruption that is one line.

That a stage prints no notice at all is seen in test_train.py, where one runs in a process of its own.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from project.core import quiet

NOTICES = [
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    b"I0000 00:00:1795387990.082888    5235 port.cc:153] oneDNN custom operations are on.\n",
    b"E0000 00:00:1795387990.082888    5235 cuda_dnn.cc:8310] Unable to register cuDNN factory\n",
    b"2026-01-01 10:00:00.123456: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:32] Could not find cuda\n",
]
ERROR = b"Illegal instruction in libtensorflow\n"
# What runs in the background of a shell ignores the signal.
MIND = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process that has imported the package."""
    variables = {**os.environ, "PYTHONPATH": str(Path(quiet.__file__).parents[1])}
    command = [sys.executable, "-c", f"import {quiet.__package__}\n{code}"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_what_is_no_notice_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet.kept_back():
        for line in [*NOTICES, ERROR]:
            os.write(2, line)
    assert capfd.readouterr().err == ERROR.decode()


def test_after_an_error_all_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet.kept_back():
            os.write(2, NOTICES[2])
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == NOTICES[2].decode()


def test_a_library_that_is_not_there_is_still_reported() -> None:
    finished = run("import sys\nsys.path = [path for path in sys.path if 'packages' not in path]\nimport tensorflow")
    assert "ModuleNotFoundError: No module named 'tensorflow'" in finished.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import time\n" + MIND + "signal.raise_signal(signal.SIGINT)\ntime.sleep(9)",  # while a module is imported
        f"from {quiet.__package__} import stage\ndef main(config):\n    raise KeyboardInterrupt\nstage.run(main)",
    ],
)
def test_an_interruption_is_one_line(code: str) -> None:
    finished = run(code)
    assert finished.returncode in (130, -signal.SIGINT)  # which shells call 130 as well
    assert finished.stderr.startswith("error: interrupted")
    assert len(finished.stderr.splitlines()) == 1
