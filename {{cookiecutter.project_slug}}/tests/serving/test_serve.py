"""make serve: TensorFlow Serving's REST API, its page and its process."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from project import preprocessing
from project.core import artifacts
from project.core.errors import InputError
from project.data import loading
from project.exporting import saved_model
from project.serving import protocol
from project.settings.base import DESCRIPTION, NAMED, PACKAGE, PROJECT, SERIALIZED
from project.stages import serve

from declared import Config
from loopback import MODEL, Client, serving

FORBIDDEN = ("apache_beam", "keras", "keras_tuner", "pandas", "sklearn", "tensorflow_data_validation")


@pytest.fixture(scope="module")
def client(finished: Config) -> Iterator[Client]:
    """Of a server on the finished project."""
    with serving(
        finished.model_copy(update={"log_share": 0.0, "request_bytes": 1_000_000, "request_rows": 100})
    ) as one:
        yield one


@pytest.fixture(scope="module")
def description(finished: Config) -> dict[str, Any]:
    """What was written beside the version in service."""
    described: dict[str, Any] = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")
    return described


@pytest.fixture(scope="module")
def arrays(finished: Config, complete: keras.Model) -> dict[str, np.ndarray]:
    """Raw test examples by column, each (40,)."""
    return preprocessing.raw_arrays(complete.input, loading.read_examples(finished, "test").head(40))


@pytest.fixture(scope="module")
def rows(arrays: dict[str, np.ndarray], description: dict[str, Any]) -> list[dict[str, Any]]:
    """The same examples as a client sends them."""
    names = {entry["column"]: name for name, entry in description["inputs"].items()}
    columns = {names[column]: [sendable(value) for value in array.tolist()] for column, array in arrays.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def sendable(value: Any) -> Any:
    """JSON has no word for NaN and bytes."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [sendable(each) for each in value]
    return None if isinstance(value, float | np.floating) and np.isnan(value) else value


@pytest.fixture(scope="module")
def expected(finished: Config, arrays: dict[str, np.ndarray], description: dict[str, Any]) -> list[dict[str, Any]]:
    """The SavedModel's own predictions for them."""
    signature = tf.saved_model.load(str(finished.paths.version(1))).signatures[NAMED]
    inputs = {name: tf.constant(arrays[entry["column"]]) for name, entry in description["inputs"].items()}
    outputs = {name: protocol.plain(name, tensor.numpy()) for name, tensor in signature(**inputs).items()}
    return [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]


def assert_same(predictions: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Equal but for the noise of another batch size."""
    assert len(predictions) == len(expected)
    for one, other in zip(predictions, expected, strict=True):
        assert one.keys() == other.keys()
        for name, value in other.items():
            if isinstance(value, str) or (isinstance(value, list) and isinstance(value[0], str)):
                assert one[name] == value
            else:
                np.testing.assert_allclose(one[name], value, rtol=1e-5, atol=1e-6)


def test_status_and_metadata_are_as_documented(client: Client, description: dict[str, Any]) -> None:
    available = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in (MODEL, f"{MODEL}/versions/1"):
        assert client.get(path)[:2] == (200, {"model_version_status": [available]})
    for path in (f"{MODEL}/metadata", f"{MODEL}/versions/1/metadata"):
        status, content, _ = client.get(path)
        assert status == 200
        assert content["model_spec"] == {"name": PROJECT, "signature_name": "", "version": "1"}
        signature = content["metadata"]["signature_def"]["signature_def"][NAMED]
        assert signature["method_name"] == "tensorflow/serving/predict"
        assert signature["inputs"].keys() == description["inputs"].keys()
        for tensor in signature["inputs"].values():
            assert tensor["dtype"] in ("DT_FLOAT", "DT_STRING", "DT_INT64")
            assert tensor["tensor_shape"]["dim"][0] == {"size": "-1", "name": ""}


def test_rows_columns_and_serialized_examples_get_the_savedmodels_predictions(
    client: Client, rows: list[dict], arrays: dict[str, np.ndarray], expected: list[dict]
) -> None:
    for path in (f"{MODEL}:predict", f"{MODEL}/versions/1:predict"):
        assert_same(client.ask("POST", path, {"instances": rows}).content["predictions"], expected)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    outputs = client.predict({"signature_name": NAMED, "inputs": columns}).content["outputs"]
    assert_same([dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)], expected)
    present = [
        {column: array[[row]] for column, array in arrays.items() if sendable(array[row]) is not None}
        for row in range(len(rows))
    ]
    examples = [saved_model.serialized(example)["examples"][0] for example in present]
    sent = [{"b64": base64.b64encode(example).decode()} for example in examples]
    answered = client.predict({"signature_name": SERIALIZED, "instances": sent}).content
    assert_same(answered["predictions"], expected)


def test_the_example_of_the_description_is_answered(client: Client, description: dict[str, Any]) -> None:
    document = client.get("/openapi.json").content
    content = document["paths"][f"{MODEL}:predict"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        assert client.predict(example["value"]).status == 200
    assert content["examples"]["rows"]["value"]["instances"] == [description["example"]]
    schemas = document["components"]["schemas"]
    known = {*description["inputs"], *description["unused"]}
    assert schemas["Row"]["properties"].keys() == schemas["Columns"]["properties"].keys() == known
    assert "label" in schemas["Feedback"]["required"]
    page = client.get("/docs").content
    assert "swagger-ui" in page
    assert "://" not in page


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("POST", "/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("POST", f"{MODEL}/versions/7:predict", 404, f"Servable not found for request: Specific({PROJECT}, 7)"),
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", f"{MODEL}/versions/7", 404, "Could not find any versions of version 7 of model"),
        ("GET", "/v1/models/other/metadata", 404, "Latest(other)"),
        ("POST", f"{MODEL}:classify", 400, "Malformed request: POST"),
        ("POST", f"{MODEL}/versions/one:predict", 400, "Malformed request: POST"),
        ("POST", MODEL, 400, "Malformed request: POST"),
        ("GET", f"{MODEL}:predict", 400, "Malformed request: GET"),
        ("GET", "/v1/models", 400, "Malformed request: GET"),
    ],
)
def test_unknown_addresses_are_refused_as_tensorflow_serving_does(
    method: str, path: str, status: int, words: str, client: Client
) -> None:
    answer = client.ask(method, path, b"{}" if method == "POST" else None)
    assert answer.status == status
    assert words in answer.content["error"]


def test_what_is_too_much_or_malformed_is_refused(client: Client, rows: list[dict]) -> None:
    assert client.predict({"instances": rows[:1] * 101})[:2] == (
        413,
        {"error": "instances has 101 rows; at most 100 are answered at once"},
    )
    assert client.predict(b" " * 1_000_001).status == 413
    assert client.predict({"instances": [rows[0] | {"more": 1}]}).status == 400
    assert client.predict({"instances": [{name: [[]] for name in rows[0]}]}).status == 400
    assert client.predict(b'{"instances": [').status == 400
    assert client.measured("predict_requests_total") > 0


def test_requests_at_the_same_time_get_their_own_answers(
    client: Client, rows: list[dict], expected: list[dict]
) -> None:
    requests = client.measured("predict_requests_total")
    start = threading.Barrier(16)

    def ask(number: int) -> Any:
        start.wait()
        bad = {"nonsense": 1} if number % 8 == 0 else {}
        return [client.predict({"instances": [rows[number] | bad]}) for _ in range(10)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    for number, several in enumerate(answers):
        for answer in several:
            assert answer.status == (400 if number % 8 == 0 else 200)
            if answer.status == 200:
                assert_same(answer.content["predictions"], [expected[number]])
    assert client.measured("predict_requests_total") == requests + 160


def test_health_readiness_and_page(client: Client, description: dict[str, Any]) -> None:
    assert client.get("/healthz").status == 200
    assert client.get("/readyz").content == {"version": 1}
    assert [client.ask("HEAD", path).status for path in ("/", "/healthz", MODEL)] == [200, 200, 200]
    assert client.measured("model_version") == 1
    page = client.get("/").content
    assert all(f'data-name="{name}"' in page for name in description["inputs"])
    assert "://" not in page, "the page would load something from elsewhere"


def test_the_page_escapes_what_comes_from_data(description: dict[str, Any]) -> None:
    from project.serving import server

    hostile = "</script><script>alert('1')</script>\"'<b>"
    entry = {"column": hostile, "kind": "category", "required": False, "values": [hostile]}
    changes = {"goal": hostile, "target": hostile, "parts": {hostile: [hostile]}}
    inputs = {"inputs": {hostile: entry}, "example": {hostile: hostile}}
    page = server.render(1, description | changes | inputs)
    assert "alert('1')" not in page
    assert page.count("<script") == 2


def test_the_process_is_slim_answers_what_it_began_and_writes_its_log(trained: Config, rows: list[dict]) -> None:
    command = (
        "import atexit, runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
        f"atexit.register(lambda: print(sorted(set({FORBIDDEN}) & set(sys.modules))));"
        f"runpy.run_module({PACKAGE!r}, run_name='__main__', alter_sys=True)"
    )
    source = str(Path(serve.__file__).parents[2])
    settings = ["serve", "--artifacts", str(trained.artifacts), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", command, source, *settings],
        stdout=subprocess.PIPE,
        text=True,
        cwd=trained.artifacts,
        env={name: value for name, value in os.environ.items() if not name.startswith("TF_")},
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split(":")[2].split()[0])
        answer = Client(port).predict({"instances": rows[:2]}, **{"X-Request-Id": "mine"})
        assert answer.headers["x-request-id"] == "mine"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stdout.read().strip() == "[]"
    (log,) = trained.paths.requests.glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(line["id"], line["row"]) for line in lines] == [("mine", 0), ("mine", 1)]


def test_without_an_export_or_a_free_port_the_remedy_is_named(finished: Config, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make export"):
        serve.main(finished.model_copy(update={"artifacts": tmp_path}))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="--port"):
            serve.main(finished.model_copy(update={"port": port}))
