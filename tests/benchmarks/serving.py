"""Times the server: one connection beside the bare SavedModel, and many connections with and without batching.

    PROJECT/.venv/bin/python tests/benchmarks/serving.py --project PROJECT

PROJECT is a generated project in which `make all` has run. The load comes from this process, the server is another one;
what is compared runs in turns. Prints medians and their ratios.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # as the server does
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CONNECTIONS = 32
REQUESTS = 2_000  # one after the other, for latency


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of load in each round")
    parser.add_argument("--log-share", type=float, default=1.0)
    options = parser.parse_args()
    folder = max((options.project / "artifacts/export").glob("*/[0-9]*"), key=lambda path: int(path.name))
    description = json.loads((folder / "assets.extra/model.json").read_text(encoding="utf-8"))
    request = message(description)
    call = raw_call(folder, description)
    servers = {rows: Server(options.project, rows, options.log_share) for rows in (1_024, 1)}
    try:
        figures: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            figures.setdefault("raw", []).append(median_time(call))
            for rows, server in servers.items():
                figures.setdefault(f"latency {rows}", []).append(one_connection(server.port, request))
                for connections in (1, CONNECTIONS):
                    rate = asyncio.run(many_connections(server.port, request, connections, options.seconds))
                    figures.setdefault(f"rate {connections} {rows}", []).append(rate)
    finally:
        for server in servers.values():
            server.process.terminate()
            server.process.wait()
    report(figures)


def report(figures: dict[str, list[float]]) -> None:
    """Medians over the rounds, and medians of the rounds' ratios."""
    median = {name: statistics.median(values) for name, values in figures.items()}

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(figures[one], figures[other], strict=True))

    print(f"the bare SavedModel, one row: p50 {median['raw'] * 1e3:.2f} ms")
    served = median["latency 1024"] * 1e3
    print(f"one connection, one row:      p50 {served:.2f} ms, {ratio('latency 1024', 'raw'):.2f} of it")
    for connections in (1, CONNECTIONS):
        batched, alone = (f"rate {connections} {rows}" for rows in (1_024, 1))
        print(
            f"{connections} connections: {median[batched]:,.0f} requests/s, without batching {median[alone]:,.0f}: "
            f"{ratio(batched, alone):.2f} times as many"
        )


class Server:
    """A server process on a free port."""

    def __init__(self, project: Path, batch_rows: int, log_share: float) -> None:
        package = next(project.glob("src/*/__init__.py")).parent.name
        options = ["--port", "0", "--batch-rows", str(batch_rows), "--log-share", str(log_share)]
        command = [sys.executable, "-m", package, "serve", *options]
        environment = os.environ | {"PYTHONPATH": "src"}
        self.process = subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+) ", self.process.stdout.readline())[1])


def message(description: dict) -> bytes:
    """The example as an HTTP request of one row."""
    body = json.dumps({"instances": [description["example"]]}).encode()
    head = f"POST /v1/models/{description['name']}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def raw_call(folder: Path, description: dict) -> object:
    """The SavedModel's signature on one row, from NumPy to NumPy."""
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)  # as the server does; it makes the bare call faster
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    types = {name: tensor.dtype.as_numpy_dtype for name, tensor in signature.structured_input_signature[1].items()}
    arrays = {name: np.array([description["example"][name]], types[name]) for name in types}
    return lambda: [
        value.numpy() for value in signature(**{name: tf.constant(array) for name, array in arrays.items()}).values()
    ]


def median_time(call: object) -> float:
    """The median duration of a call, in seconds."""
    durations = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def one_connection(port: int, request: bytes) -> float:
    """The median time from request to response, in seconds."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def exchange() -> None:
            connection.sendall(request)
            response = connection.recv(65_536)
            while not is_complete(response):
                response += connection.recv(65_536)
            check(response)

        return median_time(exchange)


def is_complete(response: bytes) -> bool:
    """Whether the whole body has come."""
    head, separator, body = response.partition(b"\r\n\r\n")
    return bool(separator) and len(body) == int(re.search(rb"content-length: (\d+)", head)[1])


def check(response: bytes) -> None:
    """A refused request is fast, and proves nothing."""
    if not response.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(response.decode())


async def many_connections(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Requests per second over several connections, each of which waits for its answer before it asks again."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    counts = [0]

    class Client(asyncio.Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:
            self.transport, self.received = transport, b""
            transport.write(request)

        def data_received(self, data: bytes) -> None:
            self.received += data
            if is_complete(self.received):
                check(self.received)
                counts[0] += 1
                self.received = b""
                if not stopped.is_set():
                    self.transport.write(request)

    opened = [await loop.create_connection(Client, "127.0.0.1", port) for _ in range(connections)]
    await asyncio.sleep(0.5)
    started, before = time.perf_counter(), counts[0]
    await asyncio.sleep(seconds)
    rate = (counts[0] - before) / (time.perf_counter() - started)
    stopped.set()
    for transport, _ in opened:
        transport.close()
    return rate


if __name__ == "__main__":
    main()
