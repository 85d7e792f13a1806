"""Turns logged requests whose true outcome became known into a table of labelled examples, for `make update`."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..config import Config
from ..core import artifacts
from ..core.errors import RequestError
from ..data import requests
from ..exporting import registry
from ..serving import request_log
from ..settings.base import numbered

NAME = re.compile(r"feedback-(\d{8}T\d{12})\.jsonl")  # the time of the last outcome in it, in UTC
TIME = "%Y%m%dT%H%M%S%f"
EVER = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[str, int]  # request and row in it


def write_table(config: Config, version: int) -> None:
    """Writes a file of JSON lines into the folder of new data: the inputs, by column, and the outcome as the target.

    It holds the outcomes that were told since the last such file. Columns that clients do not send stay empty.
    """
    outcomes, latest = read_outcomes(config, last_used(config))
    if not outcomes:
        return
    deciding = [name for name in (config.key, config.group, config.time) if name]
    if deciding:
        lacking = f"{', '.join(deciding)}, by which examples are split"
        print(f"feedback is not learned from, since it lacks {lacking}; put new rows into {config.incoming} instead")
        return
    columns = artifacts.read_json(config.paths.provenance, "collect")["columns"]
    inputs = registry.describe(config, version)["inputs"]
    lines, unusable = [], Counter[str]()
    for line in request_log.readable(config.paths.requests, EVER, b'"outputs"'):
        key = (line.get("id"), line.get("row"))
        if "outputs" in line and key in outcomes and line["inputs"].keys() <= inputs.keys():
            try:
                logged = line["inputs"].items()
                values = {inputs[name]["column"]: requests.from_log(value) for name, value in logged}
            except RequestError as error:
                unusable[str(error)] += 1
                continue
            example = dict.fromkeys(columns) | values | {config.target: outcomes.pop(key)}
            lines.append(json.dumps(example, ensure_ascii=False) + "\n")
    for reason, count in unusable.items():
        print(f"the outcomes of {count:,} requests are not used: {reason}")
    if lines:
        path = config.incoming / f"feedback-{latest.strftime(TIME)}.jsonl"
        artifacts.write_text(path, "".join(lines))
        print(f"wrote {path}: {len(lines):,} requests whose outcome is known")


def last_used(config: Config) -> datetime:
    """The time of the last outcome that was used before."""
    files = [*config.incoming.glob("feedback-*"), *config.added.glob("*/feedback-*")]
    times = [match[1] for match in (NAME.fullmatch(file.name) for file in files) if match]
    return max((datetime.strptime(time, TIME).replace(tzinfo=UTC) for time in times), default=EVER)


def read_outcomes(config: Config, since: datetime) -> tuple[dict[Key, Any], datetime]:
    """The outcomes that were told after a time, by request and row, the last one of each; and the latest time."""
    outcomes: dict[Key, Any] = {}
    latest = since
    for line in request_log.readable(config.paths.requests, since, b'"outcome"'):
        if "outcome" in line and line["time"] > since:
            outcomes[line["id"], line["row"]] = line["outcome"]
            latest = max(latest, line["time"])
    return outcomes, latest


def is_waiting(config: Config) -> bool:
    """Whether there are files in the folder of new data."""
    return config.incoming.is_dir() and any(not file.name.startswith(".") for file in config.incoming.iterdir())


def take_in(config: Config) -> Path:
    """Makes the waiting files part of the project, by one rename; returns their folder."""
    number = max(numbered(config.added), default=0) + 1
    folder = config.added / f"{number:04}"
    config.added.mkdir(parents=True, exist_ok=True)
    config.incoming.rename(folder)
    config.incoming.mkdir()
    return folder
