"""Every generated project runs its whole life cycle, and its gates refuse what they are there to refuse."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest

import readme
from projects import ALL, EACH_PART, SETTINGS, Project, copy_baked, grouped, refuse, succeed
from sameness import left_out

TARGETS = (
    "setup",
    "doctor",
    "collect",
    "validate",
    "train",
    "evaluate",
    "tune",
    "accept",
    "export",
    "report",
    "explain",
    "runs",
    "compare",
    "tensorboard",
    "predict",
    "serve",
    "monitor",
    "all",
)
TOOL_TARGETS = ("test", "test-fast", "lint", "format", "typecheck", "clean", "help")
UNREACHABLE = {
    "classification": "log_loss=0",
    "multilabel": "log_loss=0",
    "regression": "rmse=0",
    "translation": "bleu=100",
    "forecasting": "mae=0",
}
ONE_OF_A_TASK = grouped(("tabular-classification", "image-regression", "time-series-forecasting", "translation"))
OTHER_PARTS = grouped(name for name in EACH_PART if name not in {each.values[0] for each in ONE_OF_A_TASK})
ONE_OF_A_SOURCE = grouped(
    ("tabular-regression", "image-classification", "audio-regression", "translation")
)  # a table, folders of classes in an archive, a table in an archive, pairs of texts
DECLARED = """
import json, sys
from {package}.config import Config
print(Config.model_construct().model_dump_json())
"""
DELIMITERS = {".csv": ",", ".tsv": "\t"}


def change(sample: Path) -> str:
    """Changes a sample in a way that its schema forbids, and returns a word of the complaint about it."""
    if sample.suffix in DELIMITERS:
        text, column = drop_column(sample.read_text(encoding="utf-8"), DELIMITERS[sample.suffix])
        sample.write_text(text, encoding="utf-8")
        return column
    with zipfile.ZipFile(sample) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(sample, "w") as archive:
        word = "unheard_of"
        for name, content in members.items():
            if name.endswith(".csv"):
                text, word = drop_column(content.decode())
                archive.writestr(name, text)
            else:  # without a table, the first folder is that of a class
                folder = min(members).split("/")[1]
                archive.writestr(name.replace(f"/{folder}/", "/unheard_of/"), content)
    return word


def drop_column(table: str, delimiter: str = ",") -> tuple[str, str]:
    """A table without its second column, and the name of that."""
    rows = list(csv.reader(io.StringIO(table), delimiter=delimiter))
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(row[:1] + row[2:] for row in rows)
    return text.getvalue(), rows[0][1]


def written(project: Project) -> dict[Path, int]:
    """When each artifact was written, in nanoseconds."""
    paths = (project.folder / "artifacts").rglob("*")
    return {path: path.stat().st_mtime_ns for path in paths if path.is_file() and "stamps" not in path.parts}


def test_artifacts_have_their_names(project: Project) -> None:
    artifacts = project.folder / "artifacts"
    for name in (
        "examples/train.parquet",
        "examples/validation.parquet",
        "examples/test.parquet",
        "examples/provenance.json",
        "validation/statistics.pb",
        "validation/anomalies.json",
        "validation/report.html",
        "training/model.keras",
        "training/history.csv",
        "training/run.json",
        "evaluation/metrics.json",
        "evaluation/report.html",
        "acceptance/verdict.json",
    ):
        assert (artifacts / name).stat().st_size, name
    assert list(artifacts.glob("export/*/*/saved_model.pb"))
    assert (project.folder / "data" / "schema.pbtxt").is_file()


def test_example_of_a_request_has_inputs_of_the_model(project: Project) -> None:
    (block,) = [block for block in readme.blocks(readme.text(project), "bash") if ":predict" in block]
    body = re.search(r'\{"instances".*\]\}', block.replace("\\", ""), flags=re.DOTALL)
    assert body
    (instance,) = json.loads(re.sub(r"\$\(.*?\)", "", body[0]))["instances"]
    (described,) = project.folder.glob("artifacts/export/*/1/assets.extra/model.json")
    assert set(instance) <= set(json.loads(described.read_text(encoding="utf-8"))["inputs"])


def test_second_make_all_runs_no_stage(project: Project) -> None:
    before = written(project)
    assert "wrote" not in succeed(project.make("all"))
    assert written(project) == before


def test_own_tests_pass(project: Project, tmp_path: Path) -> None:
    earlier = [] if ALL else SETTINGS["problem"][: SETTINGS["problem"].index(project.problem)]
    others = [copy_baked(tmp_path / problem, problem=problem) for problem in earlier]
    printed = succeed(project.make("test", "PROCESSES=0", left_out(project.folder, others)))  # another's run beside
    assert re.search(r"\d+ passed", printed)
    assert "failed" not in printed


def test_plain_make_prints_every_target_with_a_line(project: Project) -> None:
    printed = succeed(project.make())
    for target in (*TARGETS, *TOOL_TARGETS):
        assert re.search(rf"^ *(make )?{target}\b +\S+", printed, flags=re.MULTILINE), target


def test_versions_on_record_name_no_machine(environment: Path, project: Project) -> None:
    text = (project.folder / "uv.lock").read_text(encoding="utf-8")
    assert 'name = "tensorflow-data-validation"' in text
    assert "file:" not in text
    for folder in (Path.home(), environment, project.folder):
        assert str(folder) not in text


@pytest.mark.parametrize("problem", ONE_OF_A_SOURCE, indirect=True)
def test_changed_data_stops_at_validate(copy: Project) -> None:
    (sample,) = [path for path in (copy.folder / "data" / "raw").iterdir() if path.suffix in {*DELIMITERS, ".zip"}]
    word = change(sample)
    assert word in refuse(copy.make("validate"))
    assert not (copy.folder / "artifacts" / "training" / "model.keras").stat().st_mtime > sample.stat().st_mtime


@pytest.mark.parametrize("problem", ONE_OF_A_TASK, indirect=True)
def test_model_below_the_criteria_is_neither_accepted_nor_exported(copy: Project) -> None:
    arguments = ("--criteria", UNREACHABLE[copy.task])
    refuse(copy.stage("accept", *arguments))
    verdict = json.loads((copy.folder / "artifacts" / "acceptance" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["accepted"] is False
    exported = sorted(copy.folder.glob("artifacts/export/*/*"))
    refuse(copy.stage("export", *arguments))
    assert sorted(copy.folder.glob("artifacts/export/*/*")) == exported


def test_each_data_type_and_each_task_is_a_part_of_some_problem_here() -> None:
    for part in ("data_type", "task"):
        found = {SETTINGS["__problems"][problem][part] for problem in EACH_PART}
        assert found == {row[part] for row in SETTINGS["__problems"].values()}


@pytest.mark.parametrize("problem", OTHER_PARTS, indirect=True)
def test_evaluation_runs_in_a_process_of_its_own(copy: Project) -> None:
    succeed(copy.stage("evaluate", "--resamples=50"))  # which finds the layers, as `accept` does those of the others


@pytest.mark.parametrize("arguments", ["--epoch 3", "--epochs=-1", "--epochs many"])
def test_wrong_setting_is_refused_and_named(arguments: str, project: Project) -> None:
    printed = refuse(project.make("train", f"ARGS={arguments}"))
    assert "epochs" in printed


def test_clean_removes_what_the_stages_wrote(copy: Project) -> None:
    folder = copy.folder / "artifacts"
    log = folder / "serving" / "requests" / "1.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    succeed(copy.make("clean"))
    assert {path.name for path in folder.iterdir()} >= {"export", "versions", "runs", "acceptance", "serving"}
    assert not {path.name for path in folder.iterdir()} & {"examples", "training", "evaluation", "stamps"}
    assert log.exists()
    assert "nothing was removed" in refuse(copy.run("sh", "-c", "echo no | make clean-all"))
    assert log.exists()
    succeed(copy.run("sh", "-c", "echo yes | make clean-all"))
    assert not folder.exists()
    assert (copy.folder / "data" / "schema.pbtxt").exists()


def test_tests_run_on_the_declared_settings(project: Project) -> None:
    python = project.venv / "bin" / "python"
    printed = succeed(project.run("env", "PYTHONPATH=src", python, "-c", DECLARED.format(package=project.package)))
    declared = json.loads((project.folder / "tests" / "declared.json").read_text(encoding="utf-8"))
    settings = json.loads(printed)
    assert {name: declared.get(name) for name in settings} == settings
