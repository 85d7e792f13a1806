"""Reads the schema; apart from schema.py, so that those who only read it need not load TFDV."""

from typing import TypeAlias

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError

Schema: TypeAlias = schema_pb2.Schema


def load(config: Config) -> Schema:
    """Reads the schema.

    Raises:
        InputError: it is missing or was edited into something that is no schema.
    """
    path = artifacts.require(config.schema_path, "validate")
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        message = f"{config.schema_path}: {error}; mend that line, or delete the file to have it inferred anew"
        raise InputError(message) from error
