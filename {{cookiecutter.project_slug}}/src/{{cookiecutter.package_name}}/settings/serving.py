"""Settings of the server, its request log and the version in service."""

from typing import Annotated

from pydantic import Field

from .base import Names, Share
from .data_type import RequestSettings


class ServingSettings(RequestSettings):
    """Settings of the server, its request log and the version in service."""

    host: str = "127.0.0.1"
    """The address that `make serve` listens on; 0.0.0.0 lets other machines in."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 8501
    """TensorFlow Serving's port for REST; 0: any that is free."""

    batch_wait: Annotated[float, Field(ge=0, le=1_000)] = 0
    """Milliseconds that a request waits for others to share a run of the model; those that wait anyway share it."""

    request_bytes: Annotated[int, Field(ge=1_000, le=2**31)] = 32_000_000
    """Bytes of one request's body; more are refused."""

    poll_seconds: Annotated[float, Field(ge=0.01, le=86_400)] = 2
    """Seconds between two looks for another exported version."""

    strict_requests: bool = True
    """Refuses values outside the schema's domains and bounds; false: the model answers what it has not learned."""

    log_share: Share = 1.0
    """Share of the requests that the request log keeps."""

    log_never: Names = ()
    """Inputs and outputs that the request log leaves out, such as what identifies a person."""

    log_bytes: Annotated[int, Field(ge=1_000, le=2**40)] = 64_000_000
    """Size at which a file of the request log is followed by another one."""

    log_files: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Files of the request log; the oldest are removed."""

    version: Annotated[int, Field(ge=0)] = 0
    """The exported version that `make rollback` puts in service; 0: the one before."""
