"""Signals that end the process are kept in mind, since libraries swallow them.

Keras catches whatever is raised while it builds a layer, Ctrl-C as well; what then goes on for long asks `check`.
"""

import signal
import sys
import threading
from types import FrameType

received: list[int] = []  # since the command began


def heed(number: int) -> None:
    """Has a signal end the process in order, unless it is ignored or somebody else sees to it."""
    is_free = signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    if is_free and threading.current_thread() is threading.main_thread():
        signal.signal(number, note)


def note(number: int, frame: FrameType | None) -> None:
    """Keeps a signal in mind, and raises what ends the process."""
    del frame
    received.append(number)
    check()


def check() -> None:
    """Raises what a signal has raised before, if it has been swallowed.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        SystemExit: another signal, with the status that shells give it.
    """
    if signal.SIGINT in received:
        raise KeyboardInterrupt
    if received:
        sys.exit(128 + received[0])
