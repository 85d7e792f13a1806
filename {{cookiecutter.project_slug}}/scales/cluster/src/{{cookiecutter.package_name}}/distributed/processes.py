"""Several processes of this machine that work together, such as workers of a training or of a search."""

import os
import subprocess
from collections.abc import Collection

GRACE = 10  # seconds for a process to end after SIGTERM


def num_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(num_processes: int) -> dict[str, str]:
    """The environment variables by which as many processes share the cores, and a GPU's memory."""
    num_threads = str(max(1, num_cores() // num_processes))
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), num_threads)
    return {**threads, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}  # else the first one takes all of a GPU's memory


def end(processes: Collection["subprocess.Popen[bytes]"]) -> None:
    """Ends processes, whatever they are doing."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
