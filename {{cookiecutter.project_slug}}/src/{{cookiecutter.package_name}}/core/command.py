"""The command line: runs a stage with the given settings, after the stages before it that are stale."""

import argparse
import contextlib
import difflib
import gc
import importlib
import io
import logging
import os
import signal
import sys
import textwrap
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, SettingsError

from ..settings import base
from ..settings.base import PACKAGE
from . import errors
from .errors import InputError, RefusedError

EXIT_MISTAKE = 1  # data, a model or an export is unusable or refused
EXIT_SETTING = 2  # a wrong setting
EXIT_INTERRUPTED = 130  # Ctrl-C, as shells count it
SHARED_WORK = ("TF_CONFIG", "KERASTUNER_TUNER_ID")  # variables that give a process its role among workers
INTERRUPTED = "interrupted; the last good artifacts are unchanged"

STAGES = Path(__file__).parents[1] / "stages"
ONLY, FORCE = "--only", "--force"
WIDTH = 110
USAGE = f"""usage: python -m {PACKAGE} STAGE [{ONLY}] [{FORCE}] [--setting value ...]

A stage brings up to date what it depends on, and runs if it is stale itself.

  {ONLY:9} run just this stage, whatever is stale
  {FORCE:9} run the stage even if it is up to date
  --help    print the settings of the stage

stages:"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the stage that the command line names; returns the status of the process.

    Mistakes of the user end in a message, not in a traceback.
    """
    set_up_process()
    errors.signals.clear()
    errors.heed_signal(signal.SIGINT)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return run(words)
    except InputError as error:
        return stop(error, EXIT_SETTING if isinstance(error, SettingError) else EXIT_MISTAKE)
    except RefusedError as error:
        return stop(error, EXIT_MISTAKE)
    except KeyboardInterrupt:
        return stop(INTERRUPTED, EXIT_INTERRUPTED)
    except MemoryError:
        return stop("there is not enough memory; the last good artifacts are unchanged", EXIT_MISTAKE)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return end_quietly()
        if error.errno not in errors.MACHINE:
            raise
        where = f": {error.filename}" if error.filename else ""
        return stop(f"{error.strerror}{where}; the last good artifacts are unchanged", EXIT_MISTAKE)
    except Exception:
        if not errors.signals:
            raise
        return stop(INTERRUPTED, EXIT_INTERRUPTED)  # what TensorFlow has made of it


def end_quietly() -> int:
    """Ends the process because nobody reads what it prints, as in `make runs | head`; returns the status of that."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.close()  # else Python reports it once more at exit
    return 128 + signal.SIGPIPE


class SettingError(InputError):
    """A wrong setting or stage on the command line or in the environment."""


def run(words: list[str]) -> int:
    """Runs what the words of a command line name, and has all that it printed written."""
    status = run_named(words)
    sys.stdout.flush()
    return status


def run_named(words: list[str]) -> int:
    """Runs the stage that the words of a command line name."""
    if not words or words[0] in ("--help", "-h", "help"):
        print(USAGE)
        print("\n".join(f"  {name:14} {summary}" for name, summary in summaries().items()))
        return 0
    name, options = words[0].replace("_", "-"), words[1:]
    if name != "all" and name not in summaries():
        raise SettingError(f"{words[0]} is not a stage; the stages are: all, {', '.join(summaries())}")
    if "--help" in options or "-h" in options:
        print(help_text(name))
        return 0
    from ..config import Config  # here, so that a mistake in it ends in a message, too

    try:
        config = load_settings(Config, settings_given(options))
    except InputError as error:
        raise SettingError(str(error)) from error
    return run_stages(config, name, only=ONLY in options, force=FORCE in options)


def settings_given(words: Sequence[str]) -> list[str]:
    """The words of a command line that are settings."""
    return [word for word in words if word not in (ONLY, FORCE)]


def run_stages(config: Any, wanted: str, only: bool = False, force: bool = False) -> int:
    """Runs the stale stages in order, up to the wanted one; returns the status of the last one."""
    from . import artifacts, staleness

    status, has_run = 0, False
    names = staleness.LIFE_CYCLE if wanted == "all" else [wanted] if only else staleness.order(wanted)
    with contextlib.ExitStack() as lock:
        for name in names:
            is_asked = (force and wanted == "all") or ((only or force) and name == wanted)
            why = "" if is_asked else staleness.reason(config, name)
            if not why and not is_asked:
                continue
            if not has_run and writes(name):
                lock.enter_context(artifacts.locked(config.artifacts))
            if why.endswith(staleness.CHANGED):
                print(f"{name} runs again: {why}", flush=True)
            before = staleness.content(config, name) if name in staleness.LIFE_CYCLE else None
            status, has_run = load(name).main(config) or 0, True
            if before is not None:
                staleness.record(config, name, before)
            errors.end_on_signal()
    if not has_run:
        print(f"{'everything' if wanted == 'all' else wanted} is up to date; {FORCE} runs it anyway")
    gc.freeze()  # saves a garbage collection of TensorFlow's objects at exit, about a second
    return status


def writes(name: str) -> bool:
    """Whether a stage needs the artifacts for itself; workers of one training or search share them."""
    from . import staleness

    is_worker = any(variable in os.environ for variable in SHARED_WORK)
    return not is_worker and name in (*staleness.LIFE_CYCLE, "schema", "tune", "rollback")


def summaries() -> dict[str, str]:
    """The stages of this project, each with the summary of its docstring."""
    found = {}
    for path in sorted(STAGES.glob("*.py")):
        first = path.read_text(encoding="utf-8").partition("\n")[0].strip('"')
        if path.stem != "__init__":
            found[path.stem.replace("_", "-")] = first.partition(": ")[2]
    return found


def help_text(name: str) -> str:
    """The settings of a stage, in groups, each with its value and its documentation."""
    from ..config import Config
    from ..settings import rooms
    from . import staleness

    stage = staleness.STAGES.get(name)
    wanted: set[str] = set()
    if stage:
        wanted = staleness.settings_of(name)
    for operated in rooms.OPERATIONS.get(name, ()):
        wanted |= staleness.declared_names(operated)
    lines = [f"settings of {name}:"]
    for group in base.groups(Config):
        names = [each for each in base.declared(group) if name == "all" or each in wanted]
        if names:
            lines += ["", f"{(group.__doc__ or '').splitlines()[0]}"]
            lines += [described(Config.model_fields[each], each) for each in names]
    return "\n".join(lines)


def described(field: Any, name: str) -> str:
    """A setting: its name, its value and its documentation."""
    value = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    indent = " " * 6
    text = textwrap.fill(
        " ".join((field.description or "").split()), WIDTH, initial_indent=indent, subsequent_indent=indent
    )
    return f"  --{name.replace('_', '-')} {value}\n{text}"


def set_up_process() -> None:
    """Sets the environment variables that libraries read when imported, and silences all but their errors."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # idle threads of scikit-learn sleep instead of spinning
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    # An input is called as signatures allow, and its column as it is: blood_pressure and blood-pressure
    warnings.filterwarnings("ignore", "When providing `inputs` as a dict", UserWarning)
    gc.set_threshold(100_000, 50, 50)  # TensorFlow creates many long-lived objects: a collection takes a second


def load(name: str) -> Any:
    """The module of a stage; TFDV prints a notice about IPython to the error stream when imported."""
    with contextlib.redirect_stderr(io.StringIO()):
        return importlib.import_module(f"{PACKAGE}.stages.{name.replace('-', '_')}")


def stop(reason: object, status: int) -> int:
    """Prints why the process ends on the error stream; returns the status."""
    sys.stdout.flush()
    print(f"error: {base.without_secrets(str(reason))}", file=sys.stderr)
    return status


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load_settings(settings: type[AnySettings], arguments: Sequence[str]) -> AnySettings:
    """Reads the settings; the command line overrides the environment, the environment the written values.

    Raises:
        InputError: a name, type or range is wrong; the message names the setting, the value and what is allowed.
    """
    check_environment(settings, os.environ)
    parser = Parser(allow_abbrev=False, add_help=False)
    parser.known = tuple(settings.model_fields)
    try:
        source: CliSettingsSource[Any] = CliSettingsSource(
            settings, root_parser=parser, cli_parse_args=[underscored(argument) for argument in arguments]
        )
        return settings(_cli_settings_source=source)
    except ValidationError as error:
        raise InputError(describe_error(settings, error)) from error
    except SettingsError as error:
        message = f"a setting cannot be read: {error.__cause__ or error}; lists are written a,b or as JSON"
        raise InputError(message) from error


class Parser(argparse.ArgumentParser):
    """An argument parser that suggests the closest setting for an unknown one."""

    known: tuple[str, ...] = ()

    def error(self, message: str) -> NoReturn:
        """Replaces argparse's error by one that says what to do."""
        _, separator, unknown = message.partition("unrecognized arguments: ")
        if separator:
            message = unknown_setting(next(iter(unknown.split()), "''"), self.known)
        raise InputError(message)


def underscored(argument: str) -> str:
    """Accepts --learning-rate for --learning_rate."""
    name, separator, value = argument.partition("=")
    return name.replace("-", "_").replace("__", "--", 1) + separator + value if name.startswith("--") else argument


def check_environment(settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
    """Refuses variables with the prefix of settings that are not settings: they would be ignored silently."""
    prefix = settings.model_config.get("env_prefix", "").upper()
    for variable in environment:
        name = variable.upper().removeprefix(prefix).lower()
        if variable.upper().startswith(prefix) and name not in settings.model_fields:
            raise InputError(f"environment variable {variable}: {unknown_setting(name, settings.model_fields)}")


def unknown_setting(name: str, known: Iterable[str]) -> str:
    """The message about a setting that does not exist."""
    nearest = difflib.get_close_matches(name.strip("-"), list(known), n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"`python -m {PACKAGE} all --help` lists all settings."
    return f"{name} is not a setting; {hint}"


def describe_error(settings: type[BaseSettings], error: ValidationError) -> str:
    """One line per wrong setting: its name, the value, what is allowed, and its documentation."""
    lines = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if name in settings.model_fields:
            came = problem["input"]
            meaning = settings.model_fields[name].description
            reason = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{name}: {came!r} is not allowed. {reason}. It is: {meaning}")
        else:
            lines.append(problem["msg"].removeprefix("Value error, "))
    return "\n".join(dict.fromkeys(lines))
