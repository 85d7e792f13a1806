"""Attacks a project and counts what it withstands; prints a Markdown table.

    python tests/benchmarks/robustness.py --venv VENV [--inputs 200] [--kills 10] [--seconds 30]

VENV is an environment that `make setup` made for the problem of tables.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import stages

KEY, MODEL = "correct horse", "/v1/models/heart-disease"
CLIENTS = 8
# Runs in the project: damages its sample in every format, collects the result and tells apart how that ended.
COLLECT = """
import collections, contextlib, gzip, io, json, pathlib, random, sys, tempfile
import pandas as pd
from heart_disease.core import command
folder, table = pathlib.Path(tempfile.mkdtemp()), pd.read_csv("data/raw/heart_disease.csv")
excel = io.BytesIO()
table.to_excel(excel, index=False)
csv = table.to_csv(index=False).encode()
files = {"a.csv": csv, "a.csv.gz": gzip.compress(csv), "a.json": table.to_json(orient="records").encode(),
         "a.parquet": table.to_parquet(), "a.xlsx": excel.getvalue()}
draw, ends = random.Random(0), collections.Counter()
for number in range(int(sys.argv[1])):
    name = draw.choice(list(files))
    content = bytearray(files[name])
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(content) or 1)
        match draw.randrange(4):
            case 0: content[place:place + 8] = draw.randbytes(8)
            case 1: content[place:place] = draw.choice([b'"', b"\\0", b"\\n", b"9" * 5000, b"[" * 5000])
            case 2: del content[place:]
            case 3: del content[place:place + draw.randrange(200)]
    (folder / name).write_bytes(content)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            status = command.main(["collect", "--only", "--force", f"--source={folder / name}",
                                   f"--artifacts={folder / 'artifacts'}", f"--cell-formats={folder / str(number)}"])
        said = [line for line in printed.getvalue().splitlines() if line.startswith("error: ")]
        ends["read" if status == 0 else "refused" if said and "Traceback" not in printed.getvalue() else "failed"] += 1
    except BaseException as error:
        ends["failed"] += 1
        print(name, number, repr(error)[:200], file=sys.stderr)
print(json.dumps(ends))
"""


def main() -> None:
    """Bakes a project, attacks it and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--inputs", type=int, default=200, help="damaged files to collect")
    parser.add_argument("--kills", type=int, default=10, help="of a running pipeline")
    parser.add_argument("--seconds", type=float, default=30, help="of load on the server")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    project = stages.bake("tabular-classification", "Heart disease", folder)
    python = options.venv.resolve() / "bin" / "python"
    variables = {**os.environ, "PYTHONPATH": "src", "HEART_DISEASE_API_KEY": KEY, "TF_CPP_MIN_LOG_LEVEL": "3"}
    rows = [
        ("damaged tables collected, in five formats", *bad_inputs(project, python, variables, options.inputs)),
        ("`kill -9` while the pipeline runs", *kills(project, python, variables, options.kills)),
    ]
    with serving(project, python, variables) as port:
        rows.append(("requests while versions are swapped", *load(project, port, options.seconds)))
        rows.append(("requests of a hostile client", *hostile(port)))
    print("| attack | tried | outcome |\n|---|---|---|")
    for attack, tried, outcome in rows:
        print(f"| {attack} | {tried:,} | {outcome} |")
    shutil.rmtree(folder)


def bad_inputs(project: Path, python: Path, variables: dict[str, str], number: int) -> tuple[int, str]:
    """How many files were tried, and how collecting them ended; all of them failed if the process died."""
    command = [python, "-c", COLLECT, str(number)]
    ended = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)
    ends = Counter(json.loads(ended.stdout.splitlines()[-1]) if ended.returncode == 0 else {"failed": number})
    return (
        number,
        f"{ends['read']} read, {ends['refused']} refused in a sentence, {ends['failed']} tracebacks",
    )


def kills(project: Path, python: Path, variables: dict[str, str], number: int) -> tuple[int, str]:
    """How often a pipeline was killed at a random time, and how often the next run ended well."""
    draw, well = random.Random(0), 0  # noqa: S311 (not for secrets)
    command: list[Any] = [python, "-m", "heart_disease", "export", "--epochs", "5"]
    seconds = 20.0
    for seed in range(number + 1):  # the first, which is not killed, tells how long it takes
        started = time.monotonic()
        running = subprocess.Popen(
            [*command, "--seed", str(seed)],
            cwd=project,
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        if seed:
            time.sleep(draw.uniform(0.1, 0.95) * seconds)
            running.kill()
            running.wait()
            again = subprocess.run(
                [*command, "--seed", str(seed)], cwd=project, env=variables, capture_output=True, check=False
            )
            well += again.returncode == 0
        elif running.wait():
            raise SystemExit("the pipeline does not run")
        else:
            seconds = time.monotonic() - started
    return number, f"{well} times the next run went on and ended with a verified export"


@contextlib.contextmanager
def serving(project: Path, python: Path, variables: dict[str, str]) -> Iterator[int]:
    """A server of the project, its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--request-seconds", "2", "--poll-seconds", "0.2", "--request-bytes", "1000000"]
    running = subprocess.Popen(
        [python, "-m", "heart_disease", "serve", "--only", *options],
        cwd=project,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while status(port, "GET", "/readyz") != 200:
            time.sleep(0.2)
        yield port
    finally:
        running.terminate()
        running.wait()


def status(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
    """The status of an answer; 0 if there is none."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Content-Type": "application/json", "X-API-Key": KEY, **given}
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        answer.read()
        connection.close()
    except (OSError, http.client.HTTPException):
        return 0
    return answer.status


def load(project: Path, port: int, seconds: float) -> tuple[int, str]:
    """How many requests were sent, and how many were not answered well."""
    versions = project / "artifacts" / "export" / "heart-disease"
    first = max((path for path in versions.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    row = json.loads((first / "assets.extra" / "model.json").read_text(encoding="utf-8"))["example"]
    body, ends, ended = json.dumps({"instances": [row]}).encode(), Counter[int](), time.monotonic() + seconds

    def ask() -> None:
        while time.monotonic() < ended:
            ends[status(port, "POST", f"{MODEL}:predict", body)] += 1

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for swaps in count(1):
        temporary, new = versions / f".{swaps}", versions / str(int(first.name) + swaps)
        shutil.copytree(first, temporary)
        if swaps % 3 == 0:
            (temporary / "saved_model.pb").write_bytes(b"corrupt")
        temporary.rename(new)
        time.sleep(2)
        if time.monotonic() > ended:
            break
    for client in clients:
        client.join()
    return ends.total(), f"{ends.total() - ends[200]} failed, {swaps} swaps, {swaps // 3} of them to corrupt versions"


def hostile(port: int) -> tuple[int, str]:
    """How many attacks were tried, and which were not refused as they should be."""
    predict, body = f"{MODEL}:predict", b'{"instances": [{}]}'
    attacks: dict[str, tuple[int, tuple[int, ...]]] = {
        "without the key": (status(port, "POST", predict, body, X_API_Key=""), (401,)),
        "with another key": (status(port, "POST", predict, body, X_API_Key=KEY + "!"), (401,)),
        "reads metrics without the key": (status(port, "GET", "/metrics", X_API_Key=""), (401,)),
        "from another site": (status(port, "POST", predict, body, Origin="https://evil.example"), (403,)),
        "under another name": (status(port, "POST", predict, body, Host="evil.example"), (400,)),
        "as plain text": (status(port, "POST", predict, body, Content_Type="text/plain"), (415,)),
        "a gzip bomb": (status(port, "POST", predict, gzip.compress(bytes(10**8)), Content_Encoding="gzip"), (413,)),
        "a body that is too large": (status(port, "POST", predict, b" " * 1_000_001), (413,)),
        "JSON 100,000 deep": (status(port, "POST", predict, b"[" * 100_000), (400,)),
        "a number of 5,000 digits": (status(port, "POST", predict, b'{"instances": [' + b"9" * 5_000 + b"]}"), (400,)),
        "NaN": (status(port, "POST", predict, b'{"instances": [{"age": NaN}]}'), (400,)),
        "a version of 5,000 digits": (status(port, "GET", f"{MODEL}/versions/{'9' * 5_000}"), (404,)),
        "a path outside": (status(port, "GET", "/v1/models/..%2f..%2f..%2fetc%2fpasswd"), (400, 404)),
        "ground truth of a request that never was": (
            status(port, "POST", f"{MODEL}/feedback", b'{"id": "x", "label": "present"}'),
            (404,),
        ),
        "half a request": (half(port), (0, 408)),
        "headers without an end": (half(port, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000), (0, 400, 431)),
    }
    let_in = [f"{name} ({found})" for name, (found, expected) in attacks.items() if found not in expected]
    return len(attacks), f"{len(attacks) - len(let_in)} refused: {', '.join(attacks)}" + (
        f"; **not refused: {', '.join(let_in)}**" if let_in else ""
    )


def half(port: int, sent: bytes = b"") -> int:
    """The status of the answer to half a request, which has to come or end within the server's limit of time."""
    begun = f"POST {MODEL}:predict HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEY}\r\nContent-Length: 9\r\n\r\n{{"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as ours, contextlib.suppress(ConnectionResetError):
        ours.sendall(sent or begun.encode())
        received = b"".join(iter(lambda: ours.recv(4_096), b""))
        return int(received[9:12] or 0)
    return 0


if __name__ == "__main__":
    main()
