"""What a person edits leaves the project's tests green, or turns one red that says what to do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from projects import EACH_PART, SET_UP, SETTINGS, Project, copy_baked, grouped, setting_up, succeed

FIRST = SETTINGS["problem"][0]
OF_EDITED_FILES = (
    "test_yours.py",
    "test_features.py",
    "test_model.py",
    "test_preprocessing.py",
    "test_task.py",
    "evaluation/test_scoring.py",
)
SEE_OWN_SETTINGS = {"test_settings.py", "test_staleness.py", "test_yours.py"}
OWN_SETTINGS = {  # as a person may write them about other data, and the tests that could see them
    FIRST: (
        {
            "source": '"data/raw/customers.csv"',
            "target": '"churned"',
            "key": '"customer"',
            "group": '"household"',
            "ignore": '("size",)',
            "categorical": '("weight",)',
            "text": '("remark",)',
            "slices": '("colour",)',
            "metric": '"mcc"',
            "positive": '"yes"',
            "costs": '{"missed": 2, "false alarm": 1}',
            "criteria": '{"accuracy": 0.99}',
            "split_fractions": "(0.6, 0.2, 0.2)",
            "seed": "7",
            "epochs": "40",
            "tuner": '"grid"',
            "delimiter": '";"',
        },
        (
            *("core/test_settings.py", "core/test_staleness.py", "data/test_cleaning.py", "data/test_splitting.py"),
            *("stages/test_collect.py", "stages/test_evaluate.py"),
        ),
    ),
    "image-classification": (
        {
            "source": '"data/raw/flowers.zip"',
            "target": '"flower"',
            "time": '"taken at"',
            "ignore": '("width",)',
            "slices": '("camera",)',
            "image_size": "192",
            "augmentation": '("flip",)',
            "backbone": '"MobileNetV3Small"',
        },
        ("core/test_settings.py", "media/test_file_sources.py"),
    ),
    "time-series-forecasting": (
        {
            "source": '"data/raw/sales.csv"',
            "target": '"sold"',
            "time": '"day"',
            "series": '"shop"',
            "known": '("holiday", "price")',
            "ignore": '("weather",)',
            "horizon": "21",
            "season": "(7,)",
            "criteria": '{"mase": 0.9}',
        },
        ("core/test_settings.py", "series", "test_preprocessing.py"),
    ),
}
FEATURES = """    if clean.numbers:
        numbers["effort"] = clean.numbers["max_heart_rate"] / clean.numbers["age"]
        pain = clean.categories["chest_pain"], clean.categories["sex"]
        categories["pain"] = keras.layers.HashedCrossing(8)(pain)
"""
LAYER = '''

@keras.saving.register_keras_serializable(package="own")
class Gate(keras.layers.Layer):
    """Weights each of its inputs. Shapes: (batch, width) to the same."""

    def build(self, input_shape):
        self.gate = self.add_weight(shape=input_shape[1:], initializer="ones")

    def call(self, inputs):
        return inputs * self.gate
'''
EDITS = [  # a file, what stands there, and what a person makes of it
    ("features.py", r"    if clean.numbers:\n", FEATURES),
    ("layers.py", r"\Z", LAYER),
    ("model.py", r"(?s)    members = hp.*?(?=    units)", '    hidden = layers.Gate(name="gate")(features)\n'),
    ("model.py", r"        dense = layers.Ens.*\n.*\n", '        hidden = keras.layers.Dense(units, "gelu")(hidden)\n'),
    ("model.py", r"AdamW\(\n", "SGD(\n"),
    ("model.py", r"CosineDecay\(rate, num_steps\)", "PiecewiseConstantDecay([2], [rate, rate / 10])"),
    ("model.py", r"    return \[\]", "    return [keras.callbacks.TerminateOnNaN()]"),
    ("task.py", r"Crossentropy\(target.weights\)", "Crossentropy(tuple(2 * weight for weight in target.weights))"),
    ("metrics.py", r"(METRICS = {\n)", r'\1    "first": Metric("First", greater_is_better=True, function=accuracy),\n'),
    ("config.py", r"(?m)^(    metric: .*?) = .*$", r'\1 = "first"\n    objective: str = "first"'),
]


@pytest.fixture
def fresh(request: pytest.FixtureRequest, environment: Path, tmp_path: Path) -> Project:
    """A project in which nothing has run."""
    problem = getattr(request, "param", FIRST)
    project = Project(copy_baked(tmp_path, problem=problem), problem, environment)
    if problem not in {FIRST, *SET_UP}:  # the environment is that of the first one
        with setting_up(environment) as lock:
            project.set_up(lock)
    return project


def run_tests(project: Project, *names: str) -> subprocess.CompletedProcess[str]:
    """Runs those of a project's own tests that are there."""
    present = [f"tests/{name}" for name in names if (project.folder / "tests" / name).exists()]
    python = project.venv / "bin" / "python"
    return project.run("env", "PYTHONPATH=src", python, "-m", "pytest", "-q", "-n0", *present)


def edit(project: Project, file: str, before: str, after: str) -> None:
    """Replaces what one place of a file has, as a regular expression."""
    path = project.folder / "src" / project.package / file
    text, count = re.subn(before, after, path.read_text(encoding="utf-8"))
    assert count == 1, (file, before)
    path.write_text(text, encoding="utf-8")


def test_other_tests_see_no_settings_of_a_person(baked: Path) -> None:
    tests = list((baked / "tests").rglob("test_*.py"))
    seeing = {path.name for path in tests if re.search(r"(?m)^from \w+\.config import", path.read_text("utf-8"))}
    assert seeing == SEE_OWN_SETTINGS


def test_other_tests_know_the_metrics_of_the_template(baked: Path) -> None:
    (metrics,) = baked.glob("src/*/metrics.py")
    (own,) = re.findall(r"(?ms)^METRICS = (\{.*?^\})", metrics.read_text(encoding="utf-8"))
    names = re.findall(r'(?m)^    "(\w+)": Metric\(', own)
    (known,) = re.findall(r"(?ms)^METRICS = (\{.*?\})", (baked / "tests" / "problem.py").read_text(encoding="utf-8"))
    assert set(re.findall(r'"(\w+)"', known)) == set(names)


@pytest.mark.parametrize("fresh", grouped(OWN_SETTINGS), indirect=True)
def test_own_settings_leave_tests_alone(fresh: Project) -> None:
    settings, seeing = OWN_SETTINGS[fresh.problem]
    path = fresh.folder / "src" / fresh.package / "config.py"
    for name, value in settings.items():
        if f"\n    {name}: " in path.read_text(encoding="utf-8"):
            edit(fresh, "config.py", rf"(?m)^(    {name}: .*?) = .*$", rf"\1 = {value}")
        else:  # which a room declares
            edit(fresh, "config.py", r"\Z", f"\n    {name}: str = {value}\n")
    printed = succeed(run_tests(fresh, *seeing, "test_yours.py"))
    name = Path(settings["source"].strip('"')).name
    assert re.search(rf"SKIPPED .* the source cannot be reached: .*{re.escape(name)}", printed)


def test_own_code_leaves_tests_alone(fresh: Project) -> None:
    for file, before, after in EDITS:
        edit(fresh, file, before, after)
    succeed(run_tests(fresh, *OF_EDITED_FILES))
    edit(fresh, "layers.py", r'@keras.*package="own"\)\n', "")
    printed = run_tests(fresh, "test_yours.py").stdout
    assert "1 failed" in printed
    assert re.search(r"FAILED .*test_the_model_trains_and_is_saved .*", printed)
    assert "'gate' could not be loaded again" in printed
    assert "Gate, or a function that it was given, needs @keras.saving.register_keras_serializable()" in printed


def recipes(text: str) -> list[tuple[str, str, str]]:
    """The file, the lines before and the lines after of every change that a page of recipes shows."""
    found = []
    for place in re.finditer(r"^```diff\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        file = re.findall(r"`((?:\w+/)?\w+\.py)`", text[: place.start()])[-1]
        lines = place[1].splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        found.append((file, before, after))
    return found


@pytest.mark.parametrize("fresh", grouped(EACH_PART), indirect=True)
def test_recipes_can_be_followed(fresh: Project) -> None:
    shown = recipes((fresh.folder / "docs" / "editing.md").read_text(encoding="utf-8"))
    assert len(shown) >= 10
    for file, before, after in shown:
        if not before:
            (fresh.folder / "src" / fresh.package / file).write_text(after, encoding="utf-8")
        else:
            edit(fresh, file, re.escape(before), after.replace("\\", r"\\"))
    for command in (["check"], ["format", "--check", "--diff"]):
        succeed(fresh.run(sys.executable, "-m", "ruff", *command, "--no-cache"))
    succeed(run_tests(fresh, "test_yours.py", "evaluation/test_scoring.py"))
    if fresh.problem == FIRST:
        succeed(run_tests(fresh, "core/test_floors.py", "core/test_staleness.py"))
        python = fresh.venv / "bin" / "python"
        stage = ("-m", fresh.package, "hardest", "--num-hardest", "3", "--epochs", "1")
        assert "hardest.csv" in succeed(fresh.run("env", "PYTHONPATH=src", python, *stage))
        written = (fresh.folder / "artifacts" / "evaluation" / "hardest.csv").read_text(encoding="utf-8")
        assert len(written.splitlines()) == 4
