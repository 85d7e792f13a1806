"""What ends a stage: errors that a person, not a programmer, has to act on, and signals."""

import contextlib
import errno
import signal
import sys
import threading
from collections.abc import Generator
from types import FrameType

MACHINE = tuple(  # errors of the disk and the rights on it, whatever the data are
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EFBIG", "ENOTSUP", "EOPNOTSUPP", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)
MAX_REASON = 300  # characters of a library's message

signals: list[int] = []  # received since the command began


class InputError(ValueError):
    """Data or a setting that cannot be used; the message says what came, what was expected and what to do."""


class RefusedError(RuntimeError):
    """A gate refused the data, the model or the export; the message says why and what to do."""


class RequestError(ValueError):
    """A bad request: the HTTP status, and the input and the row concerned, if any."""

    def __init__(self, message: str, status: int = 400, field: str = "", row: int | None = None) -> None:
        super().__init__(message)
        self.status, self.field, self.row = status, field, row


@contextlib.contextmanager
def told(problem: str, advice: str) -> Generator[None, None, None]:
    """Turns whatever a library raises while it reads something into one sentence: problem, reason and advice.

    Raises:
        InputError: something was raised, other than our own errors and those of the disk.
    """
    try:
        yield
    except (InputError, RefusedError, RequestError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in MACHINE:
            raise
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0][:MAX_REASON]}" if lines else type(error).__name__
        raise InputError(f"{problem} ({reason}); {advice}") from error


def heed_signal(number: int) -> None:
    """Has a signal end the process in order, unless it is ignored or somebody else sees to it."""
    is_free = signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    if is_free and threading.current_thread() is threading.main_thread():
        signal.signal(number, note_signal)


def note_signal(number: int, frame: FrameType | None) -> None:
    """Keeps a signal in mind, and raises what ends the process."""
    del frame
    signals.append(number)
    end_on_signal()


def defer_signal(number: int, frame: FrameType | None) -> None:
    """Keeps a signal in mind, for what asks for it often enough; a second one ends the process at once."""
    del frame
    signals.append(number)
    if len(signals) > 1:
        end_on_signal()


def end_on_signal() -> None:
    """Raises again what a signal has raised; for whatever goes on for long.

    Keras catches whatever is raised while it builds a layer, Ctrl-C as well, so that once is not enough.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        SystemExit: another signal, with the status that shells give it.
    """
    if signal.SIGINT in signals:
        raise KeyboardInterrupt
    if signals:
        sys.exit(128 + signals[0])
