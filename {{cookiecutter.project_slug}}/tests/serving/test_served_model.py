"""The version in service: others come and go under load, and one that is not whole is left out."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from project.core import artifacts
from project.core.errors import InputError
from project.settings.base import DESCRIPTION

from declared import Config
from loopback import MODEL, serving, wait_until


def test_versions_come_and_go_under_load_without_a_failed_request(trained: Config) -> None:
    config = trained.model_copy(update={"poll_seconds": 0.02, "log_share": 0.0})
    described = artifacts.read_json(config.paths.version(1) / DESCRIPTION, "export")
    statuses: list[int] = []
    with serving(config) as client:
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                statuses.append(client.predict({"instances": [described["example"]]}).status)

        def in_service(number: int) -> None:
            wait_until(lambda: client.get("/readyz").content == {"version": number})

        with ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                pool.submit(ask)
            try:
                copy_version(config, 2)
                in_service(2)
                (config.paths.version(3) / DESCRIPTION).parent.mkdir(parents=True)
                wait_until(lambda: client.measured("model_versions_refused_total") == 1)
                config.paths.version(2).rename(config.paths.export / "withdrawn")
                in_service(1)
            finally:
                done.set()
        assert len(statuses) > 10
        assert set(statuses) == {200}
        assert client.measured("model_versions_refused_total") == 1, "a broken version is tried again and again"
        states = {entry["version"]: entry for entry in client.get(MODEL).content["model_version_status"]}
        assert {number: entry["state"] for number, entry in states.items()} == {
            "1": "AVAILABLE",
            "2": "END",
            "3": "END",
        }
        assert "FileNotFoundError" in states["3"]["status"]["error_message"]


def copy_version(config: Config, number: int) -> None:
    """Another version, which appears whole as an export does."""
    temporary = config.paths.export / ".new"
    shutil.copytree(config.paths.version(1), temporary)
    temporary.rename(config.paths.version(number))


@pytest.mark.parametrize("damage", ["saved_model.pb", "variables/variables.index", str(DESCRIPTION), "input"])
def test_a_version_that_is_not_whole_is_refused(damage: str, trained: Config) -> None:
    from project.serving import server

    folder = trained.paths.version(1)
    if damage == "input":
        described = artifacts.read_json(folder / DESCRIPTION, "export")
        described["inputs"].popitem()
        artifacts.write_json(folder / DESCRIPTION, described)
    else:
        (folder / damage).write_bytes(b"damaged")
    with pytest.raises(InputError, match="can be loaded"):
        server.create(trained)
