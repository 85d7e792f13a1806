"""What settings are made of: their types, and the base of the classes in which each room declares its own."""

import json
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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


def declared(settings: type[BaseSettings]) -> list[str]:
    """The settings that a class declares itself, not those of the classes that it is joined of."""
    return [name for name in vars(settings).get("__annotations__", {}) if name in settings.model_fields]


def groups(settings: type[BaseSettings]) -> list[type[BaseSettings]]:
    """The classes that settings are joined of, the one that joins them first."""
    return [base for base in settings.__mro__ if issubclass(base, Settings) and declared(base)]


def without_password(source: str) -> str:
    """An address or database URL as it may be shown and stored."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:***@", source)
