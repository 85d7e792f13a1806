"""What the server lets in: hosts, origins, content types and an API key; and time and size limits of a connection."""

import asyncio
import hmac
import zlib
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..config import Config
from ..core.errors import RequestError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROTECTED = ("/v1/", "/metrics")  # what needs the key: the page, /docs and the health of the server show no data
FORM = "application/x-www-form-urlencoded"  # what curl -d sends, as in TensorFlow Serving's documentation
HEADER_BYTES = 65_536  # of the address and all headers


class Guard:
    """Middleware that refuses requests before they are read."""

    def __init__(self, app: ASGIApp, config: Config) -> None:
        """Takes the application behind it."""
        self.app, self.key = app, config.api_key.get_secret_value().encode()
        self.hosts = config.hosts or (LOOPBACK if config.host in LOOPBACK else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with the reason why not."""
        app = self.app
        if scope["type"] == "http":
            try:
                self.check(scope["method"], scope["path"], Headers(scope=scope))
            except RequestError as error:
                more = {"www-authenticate": "Bearer"} if error.status == 401 else {}
                app = JSONResponse({"error": str(error)}, error.status, {"connection": "close", **more})
        await app(scope, receive, send)

    def check(self, method: str, path: str, headers: Headers) -> None:
        """Raises RequestError if a request comes from where it may not, is of another kind or lacks the key."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts and name_of(host) not in self.hosts:
            raise RequestError(f"the host {host[:100]!r} is not one of {', '.join(self.hosts)}; see the setting hosts")
        if self.key and path.startswith(PROTECTED):
            scheme, _, token = headers.get("authorization", "").partition(" ")
            given = token if scheme.lower() == "bearer" else headers.get("x-api-key", "")
            if not hmac.compare_digest(given.strip().encode(), self.key):
                raise RequestError("send the API key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`", 401)
        if method != "POST":
            return
        if origin is not None and urlsplit(origin).netloc != host:
            raise RequestError(f"pages of {origin[:100]!r} may not send requests here", 403)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("", "application/json", FORM):
            raise RequestError(f"the content type is {kind[:100]!r}; send application/json", 415)


def name_of(host: str) -> str:
    """The name or address in a Host header, without the port; empty if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def read_body(request: Request, config: Config) -> bytes:
    """The body of a request, decompressed.

    Raises:
        RequestError: 413, it is too large; 415, it is compressed in another way than by gzip; 408, it takes too long.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise RequestError(f"the content encoding is {encoding[:100]!r}; send gzip, or the body as it is", 415)
    if int(request.headers.get("content-length") or 0) > config.request_bytes:
        raise too_large(config)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(config.request_seconds):
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size > config.request_bytes:
                    raise too_large(config)
    except TimeoutError as error:
        raise RequestError(f"the body did not arrive within {config.request_seconds:g} seconds", 408) from error
    body = b"".join(pieces)
    return body if encoding == "identity" else decompress(body, config)


def decompress(body: bytes, config: Config) -> bytes:
    """The content of a gzip file of at most `request_bytes` bytes."""
    machine, content = zlib.decompressobj(16 + zlib.MAX_WBITS), b""  # 16: with the header of gzip
    try:
        content = machine.decompress(body, config.request_bytes + 1)
    except zlib.error as error:
        raise RequestError(f"the body is no gzip file: {error}") from error
    if len(content) > config.request_bytes:
        raise too_large(config)
    if not machine.eof or machine.unused_data:
        raise RequestError("the body is no whole gzip file")
    return content


def too_large(config: Config) -> RequestError:
    """The error about a body that is too large."""
    return RequestError(f"the body has more than {config.request_bytes:,} bytes; send fewer rows at once", 413)


def limited(seconds: float) -> type[HttpToolsProtocol]:
    """Uvicorn's protocol with a limit of the time and the size of a request's headers, which it has not itself."""

    class LimitedProtocol(HttpToolsProtocol):
        """Closes a connection whose headers are not complete in time; answers 400 if they are too large."""

        timer: asyncio.TimerHandle | None = None  # while headers are awaited
        num_bytes = 0

        def start_timer(self) -> None:
            self.stop_timer()
            self.num_bytes, self.timer = 0, self.loop.call_later(seconds, self.transport.close)

        def stop_timer(self) -> None:
            if self.timer:
                self.timer.cancel()
            self.timer = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.start_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self.stop_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.num_bytes += len(data)
            if self.timer and self.num_bytes > HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.start_timer()

        def on_headers_complete(self) -> None:
            self.stop_timer()
            super().on_headers_complete()

    return LimitedProtocol
