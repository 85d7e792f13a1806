"""Reads the settings; the command line wins over the environment, the environment over the written values."""

import argparse
import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, SettingsError

from ..settings.base import PACKAGE
from .errors import InputError

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(settings: type[AnySettings], arguments: Sequence[str]) -> AnySettings:
    """Reads the settings; the command line wins over the environment, the environment over the written values.

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
        raise InputError(describe(settings, error)) from error
    except SettingsError as error:
        message = f"a setting cannot be read: {error.__cause__ or error}; lists are written a,b or as JSON"
        raise InputError(message) from error


class Parser(argparse.ArgumentParser):
    """An argument parser that names the nearest setting when it meets one that does not exist."""

    known: tuple[str, ...] = ()

    def error(self, message: str) -> NoReturn:
        """Turns argparse's own error into one that tells what to do."""
        _, separator, unknown = message.partition("unrecognized arguments: ")
        if separator:
            message = unknown_setting(unknown.split()[0], self.known)
        raise InputError(message)


def underscored(argument: str) -> str:
    """Accepts --learning-rate for --learning_rate."""
    name, separator, value = argument.partition("=")
    return name.replace("-", "_").replace("__", "--", 1) + separator + value if name.startswith("--") else argument


def check_environment(settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
    """Refuses variables that look like settings but are none, since they would be ignored in silence."""
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


def describe(settings: type[BaseSettings], error: ValidationError) -> str:
    """One line per wrong setting: its name, what came, what is allowed, what it is for."""
    lines = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if name in settings.model_fields:
            came = problem["input"]
            meaning = settings.model_fields[name].description
            lines.append(f"{name}: {came!r} is not allowed. {problem['msg']}. It is: {meaning}")
        else:
            lines.append(problem["msg"].removeprefix("Value error, "))
    return "\n".join(dict.fromkeys(lines))
