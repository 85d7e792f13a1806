"""Settings of the server, its request log and the version in service."""

from typing import Annotated

from pydantic import Field, SecretStr

from .base import Names, Share
from .data_type import RequestSettings


def local_address(host: str, port: int) -> str:
    """Where clients on this machine reach a server that listens on a host, which may stand for all addresses."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (what a server listens on)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class ServingSettings(RequestSettings):
    """Settings of the server, its request log and the version in service."""

    host: str = "127.0.0.1"
    """Address that `make serve` listens on; 0.0.0.0 accepts connections from other machines."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 8501
    """Port, by default TensorFlow Serving's for REST; 0: any free port."""

    hosts: Names = ()
    """Names by which clients may address the server, as in https://NAME:8501/; empty: any name if it listens to other
    machines, else localhost only."""

    api_key: SecretStr = SecretStr("")
    """A key that clients have to send, best given as an environment variable; empty: none is needed."""

    request_seconds: Annotated[float, Field(gt=0, le=3_600)] = 60
    """Seconds in which the headers of a request have to arrive, and again its body."""

    idle_seconds: Annotated[int, Field(ge=1, le=3_600)] = 30
    """Seconds after which a connection without a request is closed."""

    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Maximum number of connections at the same time; requests on more are answered with status 503."""

    batch_wait: Annotated[float, Field(ge=0, le=1_000)] = 0
    """Milliseconds that a request waits for others to join its batch; requests that wait anyway are batched."""

    request_bytes: Annotated[int, Field(ge=1_000, le=2**31)] = 32_000_000
    """Maximum size of a request's body in bytes."""

    poll_seconds: Annotated[float, Field(ge=0.01, le=86_400)] = 2
    """Seconds between two checks for a new exported version."""

    strict_requests: bool = True
    """Rejects values outside the schema's domains and bounds; false: the model predicts for them, too."""

    log_share: Share = 1.0
    """Share of the requests that are logged."""

    log_never: Names = ()
    """Inputs and outputs that are never logged, such as what identifies a person."""

    log_bytes: Annotated[int, Field(ge=1_000, le=2**40)] = 64_000_000
    """Size in bytes at which the request log starts another file."""

    log_files: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Maximum number of files of the request log; the oldest are removed."""

    log_days: Annotated[float, Field(ge=0, le=36_500)] = 0
    """Days for which the request log and ground truth are kept; 0: without a limit of time."""

    label_bytes: Annotated[int, Field(ge=1_000, le=2**40)] = 1_000_000_000
    """Maximum size of all ground truth in bytes; it has files of its own, which log_files does not limit."""

    version: Annotated[int, Field(ge=0)] = 0
    """The exported version that `make rollback` puts in service; 0: the one before."""
