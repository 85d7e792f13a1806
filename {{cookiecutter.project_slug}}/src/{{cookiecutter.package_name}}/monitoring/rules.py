"""The rules of monitoring: each says what was seen, whether that is a reason for alarm, and what to do about it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from scipy import stats

from .. import metrics
from ..config import Config
from ..core.errors import InputError
from ..reporting.report import Interval, format_interval, format_number, visible
from .drift import Drift
from .observations import Findings, Traffic

MIN_REQUESTS = 20  # of which the share of refused ones is judged
MAX_NAMED = 5  # columns in a sentence

MAX_ENTRIES = 200
Entry: TypeAlias = dict[str, Any]  # version, latest, examples, requests, fired, state and key figures
State: TypeAlias = Literal["good", "bad", "unknown"]  # of one window
Status: TypeAlias = Literal["healthy", "alarm", "unknown"]


class Rule(NamedTuple):
    """`fired` is None where there is too little to judge by."""

    name: str
    fired: bool | None
    seen: str
    action: str


def judge(
    config: Config, described: Mapping[str, Any], traffic: Traffic, findings: Findings, now: datetime
) -> list[Rule]:
    """Every rule, in the order in which a person would look for a cause."""
    return [
        refused_requests(config, traffic),
        missing_values(config, traffic, findings),
        feature_drift(config, traffic, findings),
        prediction_drift(config, traffic, findings),
        quality(findings.quality),
        age(config, described, now),
    ]


def refused_requests(config: Config, traffic: Traffic) -> Rule:
    """More refused requests than the setting allows, and than chance explains."""
    name, action = "refused requests", "Tell the clients what the server says to them: see Traffic below."
    if traffic.num_requests < MIN_REQUESTS:
        return Rule(name, None, f"{traffic.num_requests:,} requests; {MIN_REQUESTS} are needed.", action)
    certain = stats.binomtest(traffic.num_refused, traffic.num_requests).proportion_ci(method="wilson").low
    seen = f"{traffic.refused_share:.1%} of {traffic.num_requests:,} requests; {config.max_refused_share:.1%} may be."
    return Rule(name, bool(certain > config.max_refused_share), seen, action)


def missing_values(config: Config, traffic: Traffic, findings: Findings) -> Rule:
    """A column lacks values more often, or more seldom, than in training."""
    name = "missing values"
    action = "Find out why the clients send them differently: a form, a sensor or a join may have changed."
    if not findings.is_judged:
        return Rule(name, None, too_few(config, traffic), action)
    found = [each for each in findings.features + findings.predictions if each.missing_drifted]
    found.sort(key=lambda each: -abs(each.missing - each.reference_missing))
    named = [f"{each.column} ({each.missing:.1%}, in training {each.reference_missing:.1%})" for each in found]
    return Rule(name, bool(found), listed(named) if found else "As often as in training.", action)


def feature_drift(config: Config, traffic: Traffic, findings: Findings) -> Rule:
    """A column is distributed unlike in training."""
    name = "feature drift"
    action = (
        "Look at the plots: a change of unit or a fault is mended at the client; if the world has changed, learn it "
        "from newer examples by `make update`; what is meant to change is named by the setting expected_drift."
    )
    if not findings.is_judged:
        return Rule(name, None, too_few(config, traffic), action)
    return Rule(name, *drifted(findings.features, "training examples"), action)


def prediction_drift(config: Config, traffic: Traffic, findings: Findings) -> Rule:
    """The model predicts otherwise than for the training and the validation examples."""
    name = "prediction drift"
    action = (
        "If no feature has drifted, collect outcomes of recent predictions and compare them; else see feature drift."
    )
    if not findings.is_judged:
        return Rule(name, None, too_few(config, traffic), action)
    return Rule(name, *drifted(findings.predictions, "predictions for training and validation examples"), action)


def quality(found: Mapping[str, Any]) -> Rule:
    """The interval of the live score lies wholly below what was accepted, less a margin."""
    name, action = "quality", "Learn from the new outcomes by `make update`, or go back by `make rollback`."
    if "metric" not in found or found["metric"] not in found["metrics"]:
        seen = f"{found['examples']:,} predictions have a usable outcome; {found['needed']:,} are needed."
        return Rule(name, None, seen, action)
    metric = metrics.METRICS[found["metric"]]
    word = "at least" if metric.greater_is_better else "at most"
    score = " ".join(format_interval(Interval(**found["metrics"][found["metric"]])))
    accepted = " ".join(format_interval(Interval(**found["accepted"])))
    seen = (
        f"{metric.label} {score} on {found['examples']:,} predictions with feedback; accepted with {accepted}, "
        f"to be borne is {word} {format_number(found['bound'])}."
    )
    return Rule(name, bool(found["worse"]), seen, action)


def age(config: Config, described: Mapping[str, Any], now: datetime) -> Rule:
    """The version is older than the setting allows."""
    days = (now - datetime.fromisoformat(described["exported_at"])).days
    seen = f"{days:,} days" + (f"; {config.max_age_days:,} are allowed." if config.max_age_days else ".")
    fired = bool(config.max_age_days) and days > config.max_age_days
    return Rule("age of the model", fired, seen, "Renew it by `make update`.")


def drifted(compared: Sequence[Drift], reference: str) -> tuple[bool, str]:
    """Whether any column has drifted, and which."""
    found = sorted((each for each in compared if each.drifted), key=lambda each: -each.excess)
    named = [f"{each.column} ({each.measure} {each.distance:.3f}, allowed {each.threshold:.3f})" for each in found]
    if not found:
        return False, f"{len(compared):,} columns are as in the {reference}."
    return True, f"{len(found)} of {len(compared):,} columns are unlike the {reference}: {listed(named)}"


def listed(names: Sequence[str]) -> str:
    """The first few names as the end of a sentence."""
    shown = [visible(name) for name in names[:MAX_NAMED]]
    return ", ".join([*shown, f"and {len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else shown) + "."


def too_few(config: Config, traffic: Traffic) -> str:
    """Why nothing can be said."""
    return f"{traffic.num_rows:,} examples; {config.min_window_examples:,} are needed (setting min_window_examples)."


def load(path: Path, version: int) -> list[Entry]:
    """The windows of a version, oldest first; those of others are forgotten, since they say nothing about it.

    Raises:
        InputError: the file was damaged.
    """
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [entry for entry in entries if entry["version"] == version]
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} cannot be read ({type(error).__name__}), a list of windows was expected"
        raise InputError(f"{message}: delete it to begin a new history") from error


def extended(entries: list[Entry], entry: Entry) -> list[Entry]:
    """The history with another window.

    Without new traffic it is the same window seen again: it takes the place of the latest one, so that looking twice at
    one bad window is no alarm; but not if there is nothing left to judge, since the window has moved on.
    """
    if entries and not is_new(entry, entries[-1]):
        return entries if entry["state"] == "unknown" else [*entries[:-1], entry]
    return [*entries, entry][-MAX_ENTRIES:]


def is_new(entry: Entry, previous: Entry) -> bool:
    """Whether requests have come since the previous window."""
    if entry["latest"] is None or previous["latest"] is None:
        return entry["latest"] is not None and previous["latest"] is None
    count, before = (each["examples"] + each["refused"] for each in (entry, previous))
    return bool(entry["latest"] > previous["latest"] or (entry["latest"] == previous["latest"] and count > before))


def status_of(config: Config, entries: Sequence[Entry], state: State) -> Status:
    """An alarm if the present window and enough of the latest ones are bad."""
    if state == "bad" and num_bad(config, entries) >= config.alarm_windows:
        return "alarm"
    return "unknown" if state == "unknown" else "healthy"


def num_bad(config: Config, entries: Sequence[Mapping[str, Any]]) -> int:
    """How many of the latest windows are bad."""
    return sum(entry["state"] == "bad" for entry in entries[-config.history_windows :])
