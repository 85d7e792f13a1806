"""What settings are made of: their types, their sources and the checks that name what is wrong.

Each room declares its settings in a class of its own, in its `settings.py`; `config.py` joins them to one flat object.
"""

import argparse
import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, NoDecode, SettingsConfigDict, SettingsError

from .errors import InputError

PACKAGE = (__package__ or "").partition(".")[0]
ENVIRONMENT_PREFIX = f"{PACKAGE.upper()}_"


def parse_names(value: Any) -> Any:
    """Turns `a,b` or `["a", "b"]` into a tuple of names; other values are left to the type check."""
    if isinstance(value, str):
        if value.startswith("["):
            return tuple(json.loads(value))
        return tuple(name.strip() for name in value.split(",")) if value else ()
    return value


def parse_numbers(value: Any) -> Any:
    """Turns `1 2` or `1,2` into a tuple of texts, which the type check reads; other values are left to it."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def parse_mapping(value: Any) -> Any:
    """Turns `a=1,b=c` or `{"a": 1, "b": "c"}` into a dictionary; other values are left to the type check."""
    if isinstance(value, str):
        if value.startswith("{"):
            return json.loads(value)
        return dict(entry.split("=", 1) for entry in value.split(",")) if value else {}
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_names)]
Numbers = Annotated[tuple[int, ...], NoDecode, BeforeValidator(parse_numbers)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseSettings):
    """The base of all classes of settings; a wrong name, type or range is refused."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, use_attribute_docstrings=True, validate_default=True
    )


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


def declared(settings: type[BaseSettings]) -> list[str]:
    """The settings that a class declares itself, not those of the classes that it is joined of."""
    return [name for name in vars(settings).get("__annotations__", {}) if name in settings.model_fields]


def groups(settings: type[BaseSettings]) -> list[type[BaseSettings]]:
    """The classes that settings are joined of, the one that joins them first."""
    return [base for base in settings.__mro__ if issubclass(base, Settings) and declared(base)]


def without_password(source: str) -> str:
    """An address or database URL as it may be shown and stored."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:***@", source)
