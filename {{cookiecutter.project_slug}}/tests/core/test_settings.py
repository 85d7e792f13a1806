"""Settings: the command line wins over the environment, and what is wrong is refused with what is allowed."""

import json
from pathlib import Path

import pytest

from project.config import Config
from project.core import command
from project.core.errors import InputError
from project.metrics import METRICS
from project.settings import sample
from project.settings.base import ENVIRONMENT_PREFIX, without_password, without_secrets
from project.settings.data import DataSettings

import problem


class Project(DataSettings):
    """As much of `config.py` as the bundled data are described in."""

    source: str = sample.SOURCE
    group: str = ""
    time: str = ""
    split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    target: str = "kind"
    goal: str = ""
    limits: str = ""
    name_pattern: str = ""


def load(*arguments: str) -> Config:
    return command.load_settings(Config, arguments)


def test_command_line_wins_over_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().epochs == Config.model_fields["epochs"].default
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}EPOCHS", "7")
    assert load().epochs == 7
    assert load("--epochs", "3").epochs == 3


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--learning-rate=0.1"], "learning_rate", 0.1),
        (["--learning_rate", "0.1"], "learning_rate", 0.1),
        (["--ignore", "a,b c"], "ignore", ("a", "b c")),
        (["--ignore", '["a,b"]'], "ignore", ("a,b",)),
        (["--ignore="], "ignore", ()),
        (["--split-fractions", "0.6,0.2,0.2"], "split_fractions", (0.6, 0.2, 0.2)),
        (["--source", "data/raw/with space.csv"], "source", "data/raw/with space.csv"),
        (["--artifacts", "elsewhere"], "artifacts", Path("elsewhere")),
    ],
)
def test_settings_are_read_as_people_write_them(arguments: list[str], name: str, value: object) -> None:
    assert getattr(load(*arguments), name) == value


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--epohcs", "3"], ["epohcs", "did you mean epochs"]),
        (["--epochs", "many"], ["epochs", "many", "integer"]),
        (["--patience", "0"], ["patience", "0", "greater than or equal to 1"]),
        (["--tuner", "guess"], ["tuner", "guess", "bayesian"]),
        (["--criteria", "fame=1"], ["criteria", "fame"]),
        (["--metric", "fame"], ["metric", "fame", *METRICS]),
        (["--objective", "fame"], ["objective", "fame", *METRICS]),
        (["--criteria", "nonsense"], ["criteria", "write name=value", "such as nonsense=0.5"]),
        (
            ["--criteria", "log_loss:majority"],
            ["criteria", "'log_loss:majority' has no =", "such as log_loss=majority"],
        ),
        (
            ["--criteria", "{}={}".format(*next(iter(problem.UNREACHABLE.items())))],
            ["but lies between", "choose a number in between"],
        ),
        (["--criteria", "worst:sex:fame=1"], ["criteria", "fame"]),
        (["--criteria", f"milliseconds={problem.BASELINE}"], ["milliseconds needs a number, not"]),
        (["--ignore", "[oops"], ["ignore"]),
        (["--split-fractions", "0.5,0.5,0.5"], ["split_fractions", "add up to 1"]),
        (["--group", "a", "--time", "b"], ["group", "time", "leave one empty"]),
        (["stray"], ["stray"]),
    ],
)
def test_wrong_settings_are_refused_with_what_is_allowed(arguments: list[str], parts: list[str]) -> None:
    with pytest.raises(InputError) as refusal:
        load(*arguments)
    assert all(part in str(refusal.value) for part in parts), refusal.value


def test_a_wrong_environment_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}EPOCS", "3")
    with pytest.raises(InputError, match=r"EPOCS.*did you mean epochs"):
        load()


def test_what_is_said_of_the_bundled_data_counts_for_them_alone() -> None:
    project = Project()
    assert {name: getattr(project, name) for name in sample.WORDS} == sample.WORDS
    assert not any(getattr(Project(source="data/raw/bank.csv"), name) for name in sample.WORDS)
    own = Project(goal="Sort letters.", source=sample.SOURCE)
    assert own.goal == "Sort letters."


def test_what_config_says_of_the_bundled_data_counts_for_no_other_source(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Project):
        source: str = "data/raw/own.csv"

    monkeypatch.setattr(sample, "ELSEWHERE", {"time": ("", "day"), "group": ("edited", "hospital")})
    assert Project().time == Own().time == Own(source="data/raw/bank.csv").time == ""
    assert Project(source="data/raw/bank.csv").time == "day"
    assert Project(source="data/raw/bank.csv", time="hour").time == "hour"
    assert Project(source="data/raw/bank.csv").group == "", "a person says something else"


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().epochs = 3


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("data/raw/a@b?.csv", "data/raw/a@b?.csv"),
        ("https://host/@user/a.csv", "https://host/@user/a.csv"),
        ("https://host:8080/a.csv?sig=SECRET", "https://host:8080/a.csv?sig=***"),
        ("http://SECRET@host/a.csv", "http://***@host/a.csv"),
        ("http://u:SECRET@[::1]:80/a.csv", "http://***@[::1]:80/a.csv"),
        ("http://u:SEC/RET?SECRET@host/a.csv", "http://***@host/a.csv"),
        ("http://host/a.csv?a=1&SECRET#SECRET", "http://host/a.csv?a=***&***"),
        ("http://host/a.csv#token=SECRET", "http://host/a.csv#***"),
        ("postgresql://u:pa/SECRET@h/db", "postgresql://***@h/db"),
        ("postgresql+psycopg://u:p@SECRET@h:5/db", "postgresql+psycopg://***@h:5/db"),
        ("postgresql://h/db?user=u&password=SECRET", "postgresql://h/db?user=***&password=***"),
        ("mssql+pyodbc://?odbc_connect=DRIVER={x};PWD=SECRET", "mssql+pyodbc://?odbc_connect=***"),
        ("sqlite:///data/a.db", "sqlite:///data/a.db"),
        ("simplecache::https://SECRET@host/a.csv", "simplecache::https://***@host/a.csv"),
        ("zip://a.csv::https://SECRET@host/a.zip", "zip://***@host/a.zip"),
        ("s3://SECRET:SECRET@bucket/a.csv", "s3://***@bucket/a.csv"),
    ],
)
def test_addresses_are_shown_without_secrets(address: str, shown: str) -> None:
    assert without_password(address) == shown
    assert "SECRET" not in without_secrets(f"404, url='{address}': not found")


def test_settings_are_stored_without_secrets() -> None:
    mlflow, source = "http://u:SECRET@host/", "http://host/a.csv?sig=SECRET"
    assert "SECRET" not in json.dumps(Config(source=source, mlflow=mlflow, start=source).public())
