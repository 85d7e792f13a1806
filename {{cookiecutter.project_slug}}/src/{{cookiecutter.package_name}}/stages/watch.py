"""make watch: monitors the model in service, and updates it when monitoring raises an alarm."""

import subprocess
import sys
import time
from datetime import datetime

from ..config import Config
from ..settings.base import PACKAGE
from . import monitor


def main(config: Config) -> int:
    """Goes on until it is interrupted; with `watch_minutes` 0, one round, whose exit status is that of monitoring."""
    while True:
        print(f"--- {datetime.now().astimezone():%Y-%m-%d %H:%M}", flush=True)
        status = run("monitor")
        if status == monitor.EXIT_ALARM and may_update(config):
            run("update")
        if not config.watch_minutes:
            return status
        time.sleep(60 * config.watch_minutes)


def run(name: str) -> int:
    """Runs a stage in a process of its own, with the settings of this one, so that its memory is given back."""
    words = [sys.executable, "-m", PACKAGE, name, *sys.argv[2:]]
    return subprocess.run(words, check=False).returncode


def may_update(config: Config) -> bool:
    """Whether to go on without a person, or what the person says."""
    if not config.ask_first:
        return True
    if not sys.stdin.isatty():
        print("ask_first is set and nobody can be asked here: run `make update`")
        return False
    return input("update the model now? [y/N] ").strip().lower() == "y"
