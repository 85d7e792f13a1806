"""Makes labelled examples for `make update` of logged requests whose label is known."""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from ..config import Config
from ..core import artifacts
from ..core.errors import RequestError
from ..data import requests, targets
from ..data.sources import is_visible
from ..exporting import registry
from ..serving import labels as known_labels
from ..serving import request_log
from ..settings.base import numbered
from ..validation import schema

NAME = re.compile(r"feedback-(\d{8}T\d{12})\.jsonl")  # the time of its latest label, in UTC
TIME = "%Y%m%dT%H%M%S%f"
MAX_REASONS, MAX_NAMED = 10, 3  # reasons why labelled requests are not used, and requests of each, that are told
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[str, int]  # request and row in it


def write_table(config: Config, version: int) -> None:
    """Writes the requests that were labelled since the last call as JSON lines into the folder of new data.

    A line holds the inputs by column, and the label as the target. Columns that clients do not send stay empty. Labels
    that violate the schema are left out, counted and named: one of them must not hold up all others.
    """
    labels, latest = read_labels(config, last_used(config))
    if not labels:
        return
    weight = config.sample_weight if config.duplicates != "weigh" else ""
    deciding = [name for name in (config.key, config.group, config.time, weight) if name]
    if deciding:
        lacking = f"every example needs {', '.join(deciding)}, which requests lack"
        print(f"labelled requests are not used: {lacking}; put new rows into {config.incoming} instead")
        return
    lines, unusable = as_examples(config, version, labels)
    print("".join(describe_unusable(unusable)), end="")
    if lines:
        path = config.incoming / f"feedback-{latest.strftime(TIME)}.jsonl"
        artifacts.write_text(path, "".join(lines))
        print(f"wrote {path}: {len(lines):,} labelled requests")


def as_examples(config: Config, version: int, labels: dict[Key, Any]) -> tuple[list[str], dict[str, list[Key]]]:
    """Labelled requests as lines of JSON, and those that are not used by the reason; takes them out of `labels`."""
    columns = artifacts.read_json(config.paths.provenance, "collect")["columns"]
    described = registry.describe(config, version)
    inputs = described["inputs"]
    expected = schema.load(config) if config.schema_path.exists() else None
    lines, unusable = [], dict[str, list[Key]]()
    for line in request_log.predictions(config.paths.requests, BEGINNING):
        key = (line["id"], line["row"])
        if key in labels and line["inputs"].keys() <= inputs.keys():
            label = labels.pop(key)
            truths = dict(zip(config.targets, label if len(config.targets) > 1 else [label], strict=True))
            reason = misfit(config, described.get("parts", {}), expected, truths)
            if reason:
                unusable.setdefault(f"the label {reason}", []).append(key)
                continue
            try:
                logged = line["inputs"].items()
                values = {inputs[name]["column"]: requests.from_log(value) for name, value in logged}
            except RequestError as error:
                unusable.setdefault(str(error), []).append(key)
                continue
            example = dict.fromkeys(columns) | values | truths
            lines.append(json.dumps(example, ensure_ascii=False) + "\n")
    return lines, unusable


def misfit(config: Config, parts: Mapping[str, Any], expected: schema.Schema | None, truths: Mapping[str, Any]) -> str:
    """What is wrong with the labels of a row, by target, against the schema if there is one; empty: nothing."""
    if targets.IS_SET:
        (label,) = truths.values()
        wanted = known_labels.problem(parts, label, config.max_cell)
        return f"{label!r} is not {wanted}" if wanted else ""
    given = {name: value for name, value in truths.items() if value is not None}
    return next(filter(None, (schema.misfit(expected, *each) for each in given.items())), "") if expected else ""


def describe_unusable(unusable: Mapping[str, Sequence[Key]]) -> Iterator[str]:
    """A line for each of the first reasons why labelled requests are not used, with some of them."""
    for reason, keys in islice(unusable.items(), MAX_REASONS):
        first = ", ".join(f"row {row} of {name}" for name, row in keys[:MAX_NAMED])
        yield f"{len(keys):,} labelled requests are not used: {reason} ({first}{', ...' * (len(keys) > MAX_NAMED)})\n"
    rest = sum(len(keys) for keys in islice(unusable.values(), MAX_REASONS, None))
    if rest:
        yield f"{rest:,} labelled requests are not used for other reasons\n"


def last_used(config: Config) -> datetime:
    """The time of the latest label that was used before."""
    files = [*config.incoming.glob("feedback-*"), *config.added.glob("*/feedback-*")]
    times = [match[1] for match in (NAME.fullmatch(file.name) for file in files) if match]
    return max((datetime.strptime(time, TIME).replace(tzinfo=UTC) for time in times), default=BEGINNING)


def read_labels(config: Config, since: datetime) -> tuple[dict[Key, Any], datetime]:
    """The labels that were sent after a time, by request and row, the last one of each; and their latest time."""
    labels: dict[Key, Any] = {}
    latest = since
    for line in request_log.labels(config.paths.requests, since):
        if line["time"] > since:
            labels[line["id"], line["row"]] = line["label"]
            latest = max(latest, line["time"])
    return labels, latest


def files(config: Config) -> dict[Path, tuple[int, int]]:
    """The visible files in the folder of new data, each with its size and time, which change if it is written to."""
    inside = {path: path.relative_to(config.incoming) for path in config.incoming.rglob("*")}
    found = {path: path.stat() for path, name in inside.items() if is_visible(name.as_posix()) and path.is_file()}
    return {inside[path]: (status.st_size, status.st_mtime_ns) for path, status in sorted(found.items())}


def add(config: Config, found: Iterable[Path]) -> Path:
    """Adds the files, which were read, to the project's data; returns their folder. Those that came later stay."""
    folder = config.added / f"{max(numbered(config.added), default=0) + 1:04}"
    partial = folder.with_name(f".{folder.name}")
    for name in found:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(config.incoming / name, partial / name)  # a copy, if the folder is on another disk
    partial.rename(folder)
    remove_empty(config.incoming)
    return folder


def restore(config: Config) -> None:
    """Puts files back that an update was adding when it was killed."""
    for partial in config.added.glob(".[0-9]*"):
        for path in sorted(path for path in partial.rglob("*") if path.is_file()):
            there = config.incoming / path.relative_to(partial)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, there)
        artifacts.remove(partial)


def remove_empty(folder: Path) -> None:
    """Removes the empty folders in a folder, the deepest first."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
