"""`python -m` the package, and the command that is named after it."""

import sys

from .core.command import main

if __name__ == "__main__":
    sys.exit(main())
