"""The rules of monitoring: whether each has fired, why, and what to do about it; and the history of windows."""

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
from ..settings.base import REFER
from .drift import Drift
from .traffic import Analysis, Traffic

MIN_REQUESTS = 20  # fewer say little about the share of rejected ones
MAX_NAMED = 5  # columns in a sentence
MAX_ENTRIES = 200  # windows in the history
Entry: TypeAlias = dict[str, Any]  # version, latest, examples, requests, fired, state and key figures
State: TypeAlias = Literal["good", "bad", "unknown"]  # of one window
Status: TypeAlias = Literal["healthy", "alarm", "unknown"]


class Rule(NamedTuple):
    """`fired` is None where there is too little traffic to tell."""

    name: str
    fired: bool | None
    detail: str
    action: str


def check(
    config: Config, described: Mapping[str, Any], traffic: Traffic, analysis: Analysis, now: datetime
) -> list[Rule]:
    """Checks every rule, in the order in which a person would look for a cause."""
    return [
        failed_requests(config, traffic),
        rejected_requests(config, traffic),
        missing_values(config, traffic, analysis),
        feature_drift(config, traffic, analysis),
        prediction_drift(config, traffic, analysis),
        *([referrals(config, described, traffic)] if "referral" in described else []),
        quality(analysis.quality),
        age(config, described, now),
    ]


def failed_requests(config: Config, traffic: Traffic) -> Rule:
    """The share of requests that failed by a fault of the server is above its limit, by more than chance explains."""
    name, action = "failed requests", "See the server's error output, and go back with `make rollback` meanwhile."
    return share_rule(name, traffic.num_failed, traffic, config.max_failed_share, "failed in the server", action)


def rejected_requests(config: Config, traffic: Traffic) -> Rule:
    """The share of rejected requests is above its limit, by more than chance explains."""
    name, action = "rejected requests", "Fix the clients: the error messages are listed below, under Traffic."
    return share_rule(name, traffic.num_rejected, traffic, config.max_rejected_share, "were rejected", action)


def share_rule(name: str, count: int, traffic: Traffic, limit: float, words: str, action: str) -> Rule:
    """A rule that fires if a share of the requests is above its limit, by more than chance explains."""
    if traffic.num_requests < MIN_REQUESTS:
        return Rule(name, None, f"{traffic.num_requests:,} requests; {MIN_REQUESTS} are needed.", action)
    certain = stats.binomtest(count, traffic.num_requests).proportion_ci(method="wilson").low
    share = f"{count / traffic.num_requests:.1%} of {traffic.num_requests:,} requests {words}"
    return Rule(name, bool(certain > limit), f"{share} (limit {limit:.1%}).", action)


def missing_values(config: Config, traffic: Traffic, analysis: Analysis) -> Rule:
    """Values of a column are missing more often, or less often, than in training."""
    name = "missing values"
    action = "Find the cause at the clients: a form, a sensor or a join may have changed."
    if not analysis.has_enough_examples:
        return Rule(name, None, too_few(config, traffic), action)
    found = [each for each in analysis.features + analysis.predictions if each.missing_drifted]
    found.sort(key=lambda each: -abs(each.missing - each.reference_missing))
    named = [f"{each.column} ({each.missing:.1%} missing, {each.reference_missing:.1%} in training)" for each in found]
    return Rule(
        name, bool(found), listed(named) if found else "No column has changed its share of missing values.", action
    )


def feature_drift(config: Config, traffic: Traffic, analysis: Analysis) -> Rule:
    """The distribution of a column differs from training."""
    name = "feature drift"
    action = (
        "See the plots: fix a change of unit or a fault at the client; if the data really have changed, retrain on "
        "newer examples with `make update`; list columns that are expected to change in the setting expected_drift."
    )
    if not analysis.has_enough_examples:
        return Rule(name, None, too_few(config, traffic), action)
    return Rule(name, *describe_drift("Feature drift", analysis.features), action)


def prediction_drift(config: Config, traffic: Traffic, analysis: Analysis) -> Rule:
    """The distribution of the predictions differs from those for training and validation examples."""
    name = "prediction drift"
    action = (
        "If no feature has drifted, collect labels of recent requests and check the quality; else see feature drift."
    )
    if not analysis.has_enough_examples:
        return Rule(name, None, too_few(config, traffic), action)
    return Rule(name, *describe_drift("Prediction drift", analysis.predictions), action)


def referrals(config: Config, described: Mapping[str, Any], traffic: Traffic) -> Rule:
    """The share of referred examples differs from that of the test split, by more than chance and the tolerance."""
    name = "referrals"
    action = (
        "See feature drift: examples may have become harder, or easier. Plan for the people who decide, or retrain."
    )
    if traffic.num_rows < config.min_window_examples:
        return Rule(name, None, too_few(config, traffic), action)
    count = sum(line["outputs"].get("label") == REFER for line in traffic.rows)
    now = stats.binomtest(count, len(traffic.rows)).proportion_ci(method="wilson")
    accepted = described.get("unweighted", described["metrics"])["refer_rate"]  # requests have no weights
    low, high = accepted["low"] - config.drift_tolerance, accepted["high"] + config.drift_tolerance
    detail = f"{count / len(traffic.rows):.1%} of {len(traffic.rows):,} examples were referred"
    expected = f"{accepted['value']:.1%} of the test split were, {max(low, 0):.1%} to {min(high, 1):.1%} are expected"
    return Rule(name, bool(now.high < low or now.low > high), f"{detail}; {expected}.", action)


def quality(found: Mapping[str, Any]) -> Rule:
    """The whole interval of the live score is beyond the limit: the accepted interval and a margin."""
    name, action = "quality", "Retrain on the new labels with `make update`, or go back with `make rollback`."
    if "metric" not in found or found["metric"] not in found["metrics"]:
        detail = f"{found['examples']:,} predictions have a usable label; {found['needed']:,} are needed."
        return Rule(name, None, detail, action)
    metric = metrics.METRICS[found["metric"]]
    score = " ".join(format_interval(Interval.of(found["metrics"][found["metric"]]), metric.format))
    accepted = " ".join(format_interval(Interval.of(found["accepted"]), metric.format))
    limit = f"{'min' if metric.greater_is_better else 'max'}imum {format_number(found['limit'], metric.format)}"
    detail = (
        f"{metric.label} {score} on {found['examples']:,} labelled predictions ({limit}; accepted with {accepted})."
    )
    return Rule(name, bool(found["worse"]), detail, action)


def age(config: Config, described: Mapping[str, Any], now: datetime) -> Rule:
    """The version is older than its limit."""
    days = (now - datetime.fromisoformat(described["exported_at"])).days
    detail = f"{days:,} days" + (f" (limit {config.max_age_days:,})." if config.max_age_days else ".")
    fired = bool(config.max_age_days) and days > config.max_age_days
    return Rule("age of the model", fired, detail, "Retrain it with `make update`.")


def describe_drift(title: str, compared: Sequence[Drift]) -> tuple[bool, str]:
    """Whether any column has drifted, and a sentence that names the columns."""
    found = sorted((each for each in compared if each.drifted), key=lambda each: -each.excess)
    named = [f"{each.column} ({each.measure} {each.distance:.3f}, threshold {each.threshold:.3f})" for each in found]
    if not found:
        return False, f"{title} in none of {len(compared):,} columns."
    return True, f"{title} in {len(found)} of {len(compared):,} columns: {listed(named)}"


def listed(names: Sequence[str]) -> str:
    """The first few names, as the end of a sentence."""
    shown = [visible(name) for name in names[:MAX_NAMED]]
    return ", ".join([*shown, f"and {len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else shown) + "."


def too_few(config: Config, traffic: Traffic) -> str:
    """Why drift cannot be measured."""
    return f"{traffic.num_rows:,} examples; {config.min_window_examples:,} are needed (setting min_window_examples)."


def load(path: Path, version: int) -> list[Entry]:
    """The windows of a version, oldest first, without those of other versions.

    Raises:
        InputError: the file is damaged.
    """
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [entry for entry in entries if entry["version"] == version]
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} is not a list of windows ({type(error).__name__})"
        raise InputError(f"{message}: delete it to start a new history") from error


def extended(entries: list[Entry], entry: Entry) -> list[Entry]:
    """The history with another window.

    Without new traffic, the window replaces the latest one, so that monitoring one bad window twice raises no alarm;
    but not if it holds too few examples because it has moved on.
    """
    if entries and entries[-1]["state"] == "unknown" and entry.get("from", "") == entries[-1].get("from"):
        return [*entries[:-1], entry]  # it has grown
    if entries and not is_new(entry, entries[-1]):
        return entries if entry["state"] == "unknown" else [*entries[:-1], entry]
    return [*entries, entry][-MAX_ENTRIES:]


def is_new(entry: Entry, previous: Entry) -> bool:
    """Whether there were requests since the previous window."""
    if entry["latest"] is None or previous["latest"] is None:
        return entry["latest"] is not None and previous["latest"] is None
    count, before = (each["examples"] + each.get("rejected", 0) for each in (entry, previous))
    return bool(entry["latest"] > previous["latest"] or (entry["latest"] == previous["latest"] and count > before))


def status_of(config: Config, entries: Sequence[Entry], state: State) -> Status:
    """Alarm if the present window and enough of the latest ones are bad."""
    if state == "bad" and num_bad(config, entries) >= config.alarm_windows:
        return "alarm"
    return "unknown" if state == "unknown" else "healthy"


def num_bad(config: Config, entries: Sequence[Mapping[str, Any]]) -> int:
    """The number of bad windows among the latest."""
    return sum(entry["state"] == "bad" for entry in entries[-config.history_windows :])
