"""Keeps TensorFlow's notices at its import off the screen, and ends an interrupted process with one line.

Its native code writes lines about CUDA and the like before it heeds TF_CPP_MIN_LOG_LEVEL, so the error stream has to be
kept back during the import. Errors are not lost: what is no such notice is written when the import has ended.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Generator, Sequence

NOTICE = re.compile(rb"WARNING: All log messages before absl|[IWE]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IWE] ")


@contextlib.contextmanager
def kept_back() -> Generator[None, None, None]:
    """Keeps the error stream back, native code's included; afterwards writes what is no notice, or all on an error."""
    sys.stderr.flush()
    saved = os.dup(2)
    shown = re.compile(rb"")
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
            shown = re.compile(rb"(?!" + NOTICE.pattern + rb")")
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            kept.seek(0)
            for line in kept:
                if shown.match(line):
                    os.write(2, line)


class QuietImport(importlib.abc.MetaPathFinder):
    """Finds TensorFlow like any library, and has it imported with the error stream kept back."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Leaves all other modules to the finders that follow."""
        del path, target
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_quietly(module: ModuleType) -> None:
            with kept_back():
                execute(module)

        spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


def end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Tells of an interruption in a line, also while libraries are imported; of all else as usual."""
    if issubclass(kind, KeyboardInterrupt):
        print("error: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def begin() -> None:
    """Is called once, by the package."""
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, QuietImport())
    sys.excepthook = end
