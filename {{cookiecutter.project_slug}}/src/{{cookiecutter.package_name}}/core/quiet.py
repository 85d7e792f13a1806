"""Keeps TensorFlow's notices at its import off the screen, and ends an interrupted process with one line.

Its native code writes lines about CUDA and the like before it heeds TF_CPP_MIN_LOG_LEVEL, so the error stream has to be
kept back during the import. Errors are not lost: what is no such notice is written when the import has ended.

Keras imports scikit-learn and Matplotlib for wrappers and galleries that no stage uses. It is made to go without, as it
does where they are not installed, which spares most of a second. Code that uses them imports them itself, as ever; who
wants `keras.wrappers` imports sklearn before Keras.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Callable, Generator, Sequence, cast

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


@contextlib.contextmanager
def absent(*names: str) -> Generator[None, None, None]:
    """Has the import of these libraries fail as if they were not installed, unless they are already imported."""
    hidden = [name for name in names if name not in sys.modules]
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules.update(dict.fromkeys(hidden))  # importing a None raises ModuleNotFoundError
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


class ImportWithin(importlib.abc.MetaPathFinder):
    """Finds a library like any other, and has it imported within a context."""

    def __init__(self, name: str, context: Callable[[], AbstractContextManager[None]]) -> None:
        self.name, self.context = name, context

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Leaves all other modules to the finders that follow."""
        del path, target
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)  # so that the others are asked
        spec = importlib.util.find_spec(fullname)
        sys.meta_path.insert(
            0, self
        )  # whoever asked may only look where the library lies, as TensorFlow does for Keras
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_within(module: ModuleType) -> None:
            with self.context():
                execute(module)

        spec.loader.exec_module = execute_within  # type: ignore[method-assign]
        return spec


def end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Tells of an interruption in a line, also while libraries are imported; of all else as usual."""
    if issubclass(kind, KeyboardInterrupt):
        print("error: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def begin() -> None:
    """Is called once, by the package."""
    contexts = {"tensorflow": kept_back, "keras": lambda: absent("matplotlib", "sklearn")}
    sys.meta_path[:0] = [ImportWithin(name, context) for name, context in contexts.items() if name not in sys.modules]
    sys.excepthook = end
