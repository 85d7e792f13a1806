"""make serve: serves the newest exported version by TensorFlow Serving's REST API, with a form in the browser."""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Generator

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..settings.serving import local_address

DRAINING_SECONDS = 30  # for requests in flight when the server is stopped
SWITCH_SECONDS = 0.0005  # so that the thread that answers soon takes over from the one that logs


def main(config: Config) -> None:
    """Serves until it is stopped; requests in flight are answered, and the log is written completely."""
    if not config.paths.versions():
        raise InputError(f"{config.paths.export} holds no version: run `make export` first")
    listener = listen(config.host, config.port)
    os.environ.setdefault(
        "TF_USE_LEGACY_KERAS", "1"
    )  # otherwise TensorFlow imports Keras, which an export does not need
    import tensorflow as tf
    import uvicorn

    from ..serving import guard, server

    tf.config.threading.set_inter_op_parallelism_threads(1)  # small graphs run faster in one thread
    sys.setswitchinterval(SWITCH_SECONDS)
    app = server.create(config)
    host, port = listener.getsockname()[:2]
    for number in (signal.SIGINT, signal.SIGTERM):  # before uvicorn starts, and after it has ended
        signal.signal(number, lambda *_: sys.exit())
    print(f"serving at http://{f'[{host}]' if ':' in host else host}:{port} (API: /docs), until Ctrl-C", flush=True)
    settings = uvicorn.Config(
        app,
        loop="uvloop",
        http=guard.limited(config.request_seconds),
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=config.idle_seconds,
        limit_concurrency=config.max_connections,
        timeout_graceful_shutdown=DRAINING_SECONDS,
    )
    with reachable(config, local_address(host, port)):
        uvicorn.Server(settings).run(sockets=[listener])


@contextlib.contextmanager
def reachable(config: Config, address: str) -> Generator[None, None, None]:
    """Notes the address of the server while it runs, for `make rollback`; a folder that is not writable is no error."""
    path = config.paths.server
    with contextlib.suppress(OSError):
        artifacts.write_json(path, {"address": address, "process": os.getpid()})
    try:
        yield
    finally:
        with contextlib.suppress(OSError, InputError, KeyError, TypeError):
            if artifacts.read_json(path, "serve")["process"] == os.getpid():
                path.unlink()


def listen(host: str, port: int) -> socket.socket:
    """A socket on the address; port 0 takes any free port."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2_048
        )
    except OSError as error:
        message = (
            f'cannot listen on {host}:{port} ({error.strerror}); choose another port: make serve ARGS="--port 8502"'
        )
        raise InputError(message) from error
