"""make monitor: checks the model in service for drift, rejected requests and loss of quality, from its request log.

The exit status is 0 if it is healthy, 3 on alarm, 4 if there is too little traffic to tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from ..config import Config
from ..core import artifacts
from ..exporting import registry
from ..monitoring import page, rules, traffic
from ..monitoring.drift import Drift
from ..monitoring.rules import Entry, Rule, State, Status
from ..monitoring.traffic import Analysis, Traffic, Window

EXIT_ALARM = 3
EXIT_UNKNOWN = 4
EXITS: dict[Status, int] = {"healthy": 0, "unknown": EXIT_UNKNOWN, "alarm": EXIT_ALARM}


def main(config: Config) -> int:
    """From the request log to artifacts/monitoring."""
    version, now = registry.in_service(config), datetime.now(UTC)
    described = registry.describe(config, version)
    path = config.paths.monitoring / "history.json"
    history = rules.load(path, version)
    window = window_after(config, described, version, history, now)
    seen = traffic.read(config.paths.requests, window)
    if not seen.num_requests and history:  # nothing new: the latest window again
        window = window_after(config, described, version, history[:-1], now)
        seen = traffic.read(config.paths.requests, window)
    analysis = traffic.analyze(config, described, version, seen)
    checked = rules.check(config, described, seen, analysis, now)
    entry = history_entry(window, seen, analysis, checked, now)
    history = rules.extended(history, entry)
    status = rules.status_of(config, history, entry["state"])
    content = {
        "status": status,
        "version": version,
        "window": {"from": window.start.isoformat(), "to": now.isoformat(), "examples": seen.num_rows},
        **status_content(seen, analysis, checked, history, now),
    }
    page.write(config, content, described, seen, analysis)
    artifacts.write_json(config.paths.monitoring / "status.json", content)
    artifacts.write_json(path, history)
    print(f"version {version}:", "\n".join(summary(config, status, checked, history)))
    return EXITS[status]


def window_after(
    config: Config, described: Mapping[str, Any], version: int, history: Sequence[Entry], now: datetime
) -> Window:
    """The hours that are set, or all since the latest window that could be judged: no request is judged twice.

    Its quality is that of the labels since quality was last judged, whenever their requests came.
    """
    exported = datetime.fromisoformat(described["exported_at"])
    if config.window_hours:
        start = labels_start = now - timedelta(hours=config.window_hours)
    else:
        judged = [entry["latest"] for entry in history if entry["state"] != "unknown" and entry["latest"]]
        scored = [entry["time"] for entry in history if entry["score"] is not None]
        start = datetime.fromisoformat(judged[-1]) + timedelta(microseconds=1) if judged else exported
        labels_start = datetime.fromisoformat(scored[-1]) if scored else exported
    return Window(version, start, len(described["inputs"]), labels_start, exported)


def history_entry(window: Window, seen: Traffic, analysis: Analysis, checked: Sequence[Rule], now: datetime) -> Entry:
    """This window's entry in the history; `latest` and the counts show next time whether there is new traffic."""
    fired = [rule.name for rule in checked if rule.fired]
    state: State = "bad" if fired else "good" if analysis.has_enough_examples else "unknown"
    quality = analysis.quality
    return {
        "version": window.version,
        "from": window.start.isoformat(),
        "time": now.isoformat(timespec="seconds"),
        "latest": seen.latest.isoformat() if seen.latest else None,
        "examples": seen.num_rows,
        "rejected": seen.num_rejected,
        "state": state,
        "fired": fired,
        "feature_drift": max((each.excess for each in analysis.features if not each.is_expected), default=None),
        "prediction_drift": max((each.excess for each in analysis.predictions), default=None),
        "score": quality["metrics"].get(quality["metric"]) if "metric" in quality else None,
    }


def status_content(
    seen: Traffic, analysis: Analysis, checked: Sequence[Rule], history: Sequence[Entry], now: datetime
) -> dict[str, Any]:
    """The content of status.json beside the status."""
    return {
        "rules": [rule._asdict() for rule in checked],
        "features": as_json(analysis.features),
        "predictions": as_json(analysis.predictions),
        "unwatched": analysis.unwatched,
        "violations": [{"column": column, "description": text} for column, text in analysis.violations],
        "quality": analysis.quality,
        "traffic": traffic_summary(seen),
        "history": history,
        "time": now.isoformat(timespec="seconds"),
    }


def as_json(compared: Sequence[Drift]) -> list[dict[str, Any]]:
    """The compared columns, those with the largest excess first."""
    ordered = sorted(compared, key=lambda each: (-each.drifted, -each.missing_drifted, -each.excess))
    flags = ("drifted", "missing_drifted")
    return [asdict(each) | {flag: getattr(each, flag) for flag in flags} for each in ordered]


def traffic_summary(seen: Traffic) -> dict[str, Any]:
    """The counts of the window, and the broken lines of the log."""
    return {
        "requests": seen.num_requests,
        "rejected": seen.num_rejected,
        "latency_ms": {f"p{share}": seen.latency(share / 100) for share in (50, 95, 99)},
        "rows_by_version": dict(sorted(seen.rows_by_version.items())),
        "broken_lines": seen.broken.total(),
        "first_broken_lines": seen.first_broken,
    }


def summary(config: Config, status: Status, checked: Sequence[Rule], history: Sequence[Entry]) -> list[str]:
    """What is printed: the status, the rules that fired, the files written."""
    answers = {"healthy": "healthy", "alarm": "ALARM", "unknown": "unknown, too little traffic"}
    fired = [rule for rule in checked if rule.fired]
    bad, latest = rules.num_bad(config, history), min(len(history), config.history_windows)
    answer = "no alarm yet, but this window is bad" if fired and status == "healthy" else answers[status]
    lines = [f"{answer} ({bad} of the last {latest} windows bad, alarm at {config.alarm_windows})"]
    lines += [f"  {rule.name}: {rule.detail} {rule.action}" for rule in fired]
    if status == "unknown":
        lines += [f"  {rule.name}: {rule.detail}" for rule in checked if rule.fired is None]
        if not config.paths.requests.exists():
            lines.append(f"  {config.paths.requests} does not exist: `make serve` creates it with the first request")
    pages = (config.paths.monitoring / name for name in ("report.html", "status.json"))
    return [*lines, f"wrote {' and '.join(map(str, pages))}"]
