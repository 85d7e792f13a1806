"""What every stage shares when it is run from the command line."""

import errno
import gc
import sys
from collections.abc import Callable
from typing import NoReturn

from ..config import Config
from . import settings
from .errors import InputError, RefusedError

EXIT_MISTAKE = 1  # data, model or export that cannot be used or is refused
EXIT_SETTING = 2  # a wrong setting
EXIT_INTERRUPTED = 130  # Ctrl-C, as shells count it


def run(main: Callable[[Config], int | None]) -> None:
    """Runs a stage with the settings of the command line; a person's mistake ends in one message, not a traceback.

    The process ends with the status that the stage returns, if it returns one.
    """
    try:
        config = settings.load(Config, sys.argv[1:])
    except InputError as error:
        stop(error, EXIT_SETTING)
    try:
        status = main(config)
    except (InputError, RefusedError) as error:
        stop(error, EXIT_MISTAKE)
    except KeyboardInterrupt:
        stop("interrupted; the last good artifacts are untouched", EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        stop(f"{error.strerror}: {error.filename or ''}; the last good artifacts are untouched", EXIT_MISTAKE)
    gc.freeze()  # spares the interpreter a walk over TensorFlow's objects at exit, about a second
    if status:
        sys.exit(status)


def stop(reason: object, status: int) -> NoReturn:
    """Ends the process with a message on the error stream."""
    sys.stdout.flush()
    print(f"error: {reason}", file=sys.stderr)
    sys.exit(status)
