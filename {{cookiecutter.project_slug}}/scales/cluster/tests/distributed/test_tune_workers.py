"""make tune WORKERS=2: what a process is by its environment, what workers get, and how the chief keeps account."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras_tuner
import pytest

from project.core import errors
from project.core.errors import InputError
from project.data.batching import TimeLimit
from project.distributed import processes, tune_chief, tune_workers
from project.distributed.tune_workers import ADDRESS, NAME, PORT, Place
from project.training.search import Trial, TrialStatus

PLACE = {NAME: "worker-a", ADDRESS: "10.0.0.1", PORT: "8000"}


def test_the_environment_says_what_a_process_is() -> None:
    assert tune_workers.read_place({"HOME": "/"}) is None
    worker, chief = tune_workers.read_place(PLACE), tune_workers.read_place({**PLACE, NAME: "chief"})
    assert worker == ("worker-a", "10.0.0.1", 8000)
    assert chief
    assert (worker.is_chief, chief.is_chief) == (False, True)
    assert worker.variables() == PLACE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({PORT: ""}, f"{PORT} is not"),
        ({NAME: ""}, f"{NAME} is not"),
        ({PORT: "http"}, "'http'"),
        ({PORT: "65536"}, "65535"),
    ],
)
def test_half_a_place_is_refused(changes: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        tune_workers.read_place({**PLACE, **changes})


def test_workers_share_the_cores_unless_threads_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "num_cores", lambda: 8)
    place = Place("worker-1", tune_workers.LOOPBACK, 1234)
    assert tune_workers.variables(place, 2, {})["TF_NUM_INTRAOP_THREADS"] == "4"
    assert tune_workers.variables(place, 24, {})["OMP_NUM_THREADS"] == "1"
    given = tune_workers.variables(place, 2, {"TF_NUM_INTRAOP_THREADS": "7", NAME: "other", "no_grpc_proxy": "x"})
    assert (given["TF_NUM_INTRAOP_THREADS"], given[NAME], given["no_grpc_proxy"]) == ("7", "worker-1", "127.0.0.1")


@pytest.fixture
def make_servicer(tmp_path: Path) -> Callable[[], tune_chief.Servicer]:
    """Makes chiefs of the same search: three trials of one number."""

    def make() -> tune_chief.Servicer:
        space = keras_tuner.HyperParameters()
        space.Float("rate", 0, 1)
        oracle = keras_tuner.oracles.RandomSearchOracle(
            keras_tuner.Objective("loss", "min"), 3, 1, space, max_consecutive_failed_trials=sys.maxsize
        )  # the chief counts them itself
        oracle._set_project_dir(str(tmp_path), "search")  # noqa: SLF001 (else a tuner does it)
        oracle.verbose = 0
        return tune_chief.Servicer(oracle, "search", TimeLimit(0))

    return make


@pytest.fixture
def servicer(make_servicer: Callable[[], tune_chief.Servicer]) -> tune_chief.Servicer:
    """A chief."""
    return make_servicer()


def finish(servicer: tune_chief.Servicer, trial: Any, status: str = TrialStatus.COMPLETED) -> None:
    """Ends a trial as a worker does."""
    if status == TrialStatus.COMPLETED:
        servicer.oracle.update_trial(trial.trial_id, {"loss": 0.5})
    told = Trial.from_proto(trial.to_proto())
    told.status = status
    servicer.EndTrial(SimpleNamespace(trial=told.to_proto()), None)


def test_a_lost_workers_trial_goes_to_another_one_which_was_kept_waiting(servicer: tune_chief.Servicer) -> None:
    for _ in range(2):
        finish(servicer, servicer.next_trial("a"))
    last = servicer.next_trial("b")
    assert servicer.next_trial("a").status == TrialStatus.IDLE  # not stopped: b may be lost
    servicer.give_up("b", "killed")
    again = servicer.next_trial("a")
    assert (again.trial_id, again.hyperparameters.values) == (last.trial_id, last.hyperparameters.values)
    assert not servicer.is_over()
    finish(servicer, again)
    finish(servicer, last, TrialStatus.INVALID)  # b was only slow: what it says comes too late
    assert servicer.next_trial("a").status == TrialStatus.STOPPED
    assert servicer.is_over()
    assert [trial.status for trial in servicer.oracle.trials.values()] == [TrialStatus.COMPLETED] * 3


def test_a_trial_that_takes_workers_with_it_fails(servicer: tune_chief.Servicer) -> None:
    for worker in ("a", "b", "c"):
        assert servicer.next_trial(worker).trial_id == "0"
        servicer.give_up(worker, "killed")
    assert servicer.oracle.trials["0"].status == TrialStatus.FAILED
    assert servicer.next_trial("d").trial_id == "1"


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_chief_ends_on_a_signal_when_it_looks_or_at_once_on_a_second_one(
    number: int, raised: type[BaseException], servicer: tune_chief.Servicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "signals", [])
    errors.defer_signal(number, None)
    with pytest.raises(raised):
        tune_chief.Chief(SimpleNamespace(), "", None).supervise(servicer)
    with pytest.raises(raised):
        errors.defer_signal(number, None)


def test_several_failures_in_a_row_end_the_search(servicer: tune_chief.Servicer) -> None:
    for _ in range(3):
        finish(servicer, servicer.next_trial("a"), TrialStatus.INVALID)
    assert servicer.is_over()
    assert servicer.failure
    assert servicer.next_trial("a").status == TrialStatus.STOPPED


def test_no_trial_begins_after_the_time(servicer: tune_chief.Servicer) -> None:
    servicer.outcomes.limit.end = 0.0
    finish(servicer, servicer.next_trial("a"))
    assert servicer.next_trial("a").status == TrialStatus.STOPPED
    assert servicer.is_over()


def test_the_trials_do_not_depend_on_who_runs_them(make_servicer: Callable[[], tune_chief.Servicer]) -> None:
    alone, together = make_servicer(), make_servicer()
    for _ in range(3):
        finish(alone, alone.next_trial("a"))
    begun = [together.next_trial(worker) for worker in ("a", "b", "c")]
    for trial in reversed(begun):
        finish(together, trial)
    assert hyperparameters(alone) == hyperparameters(together)


def hyperparameters(servicer: tune_chief.Servicer) -> list[Any]:
    """Those of all trials."""
    return [trial.hyperparameters.values for trial in servicer.oracle.trials.values()]
