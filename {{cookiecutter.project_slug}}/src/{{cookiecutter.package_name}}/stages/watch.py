"""make watch: monitors the model in service, and updates it on an alarm."""

import subprocess
import sys
import time
from datetime import datetime

from ..config import Config
from ..settings.base import PACKAGE
from . import monitor


def main(config: Config) -> int:
    """Runs until it is interrupted; with `watch_minutes` 0, one round, which returns the exit status of monitoring."""
    while True:
        print(f"--- {datetime.now().astimezone():%Y-%m-%d %H:%M}", flush=True)
        status = run("monitor")
        if status == monitor.EXIT_ALARM and may_update(config):
            run("update")
        if not config.watch_minutes:
            return status
        time.sleep(60 * config.watch_minutes)


def run(name: str) -> int:
    """Runs a stage in a process of its own, with the same settings, so that its memory is freed."""
    words = [sys.executable, "-m", PACKAGE, name, *sys.argv[2:]]
    return subprocess.run(words, check=False).returncode


def may_update(config: Config) -> bool:
    """Whether to update: always, or as the user answers with `ask_first`."""
    if not config.ask_first:
        return True
    if not sys.stdin.isatty():
        print("not updated: ask_first is set, but there is no terminal to ask at; run `make update`")
        return False
    return input("update the model now? [y/N] ").strip().lower() == "y"
