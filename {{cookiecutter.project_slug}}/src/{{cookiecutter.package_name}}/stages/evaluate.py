"""make evaluate: evaluates the model on the validation split and writes the report."""

from typing import Any

import numpy as np
import pandas as pd

from .. import metrics
from ..config import Config
from ..core import artifacts
from ..data import tables
from ..evaluation import charts, criteria, explain, inference, learning_curve, scoring
from ..examples import identities
from ..reporting import plots, report
from ..reporting.report import (
    Banner,
    Cell,
    Column,
    Figure,
    Interval,
    Page,
    Score,
    Scores,
    Section,
    Status,
    Table,
)
from ..settings.base import without_password
from ..training import fit, run_history

SPLIT = "validation"  # the test split is kept for `make accept`
NUM_WORST = 25
MAX_COLUMNS = 12  # of the table of the largest errors


def main(config: Config) -> None:
    """From the trained model and the validation split to artifacts/evaluation."""
    serving_model = inference.load_model(config)
    examples, targets, predictions, weights, result = inference.evaluate_split(config, serving_model, SPLIT)
    slices = scoring.score_slices(inference.context_of(config, serving_model), examples, targets, predictions)
    content: dict[str, Any] = {"split": SPLIT, **result, "slices": slices, **inference.identity(config)}
    artifacts.write_json(config.paths.evaluation / "metrics.json", content)
    run_history.add_scores(config, content["model"], content["metrics"], targets, predictions, weights)
    entries = criteria.judge(config, content)
    sections = [
        summary(config, content, entries),
        Section("Training", [learning_curves(config), *compared(config)]),
        Section("Amount of data", learning_curve.blocks(config, content)),
        Section("Predictions", charts.figures(inference.target_of(serving_model), targets, predictions)),
        Section(explain.TITLE, explain.blocks(config, serving_model, examples, targets, predictions)),
        Section("Slices", [slice_table(config, content)]),
        Section("Largest errors", [largest_errors(config, examples, targets, predictions)]),
        data_summary(config),
        run_summary(config),
    ]
    write(config, content, entries, sections)


def summary(config: Config, content: dict[str, Any], entries: list[dict[str, Any]]) -> Section:
    """The scores with the primary metric first, the criteria and the baselines."""
    scores = content["metrics"]
    ordered = [config.metric, *(name for name in scores if name != config.metric)]
    chosen = {name: metrics.METRICS[name] for name in ordered if name in scores}
    figures = [Score(each.label, Interval.of(scores[name], each.format)) for name, each in chosen.items()]
    return Section("Summary", [Scores(figures), criteria.table(entries), criteria.score_table(content)])


def learning_curves(config: Config) -> Figure:
    """Training and validation score over the epochs."""
    with artifacts.reading(config.paths.history, "train"):
        history = pd.read_csv(config.paths.history).astype({"epoch": int})
    wanted, best = fit.chosen_objective(config), artifacts.read_json(config.paths.run, "train")["best_epoch"]
    logged = {"training": wanted.name.removeprefix("val_"), "validation": wanted.name}
    epochs, label = history["epoch"] + 1, wanted.label
    curves = [plots.Line(split, epochs, history[name]) for split, name in logged.items() if name in history]
    return Figure(
        "Learning curves",
        plots.lines(curves, "epoch", label),
        f"{label} of the training and validation split over {len(history)} epochs; the best is epoch {best}.",
        note=f"The weights of epoch {best} are kept. Dropout, where there is any, makes the training curve look worse.",
    )


def compared(config: Config) -> list[Table]:
    """The networks that training compared, if there were several."""
    rows = artifacts.read_json(config.paths.run, "train").get("candidates", [])
    names = [name for name in (rows[0]["scores"] if rows else {}) if name in metrics.METRICS]
    if not names:
        return []
    cells = [
        [
            row["name"],
            Interval.of(row["scores"][names[0]]),
            *(row["scores"][name]["value"] for name in names[1:]),
            row["num_weights"],
            row["num_trained"],
            row["seconds"],
            Status("good", "kept") if row["chosen"] else None,
        ]
        for row in rows
    ]
    found = {name: metrics.METRICS[name] for name in names}
    scores = [Column(metric.label, metric.format, bars=name == names[0]) for name, metric in found.items()]
    columns: list[str | Column] = ["Network", *scores, "Weights", "Trained", "Seconds", "Choice"]
    return [Table(f"Networks compared on the {SPLIT} split", columns, cells, how_compared(config, names))]


def how_compared(config: Config, names: list[str]) -> str:
    """How a network was chosen by these metrics, the first of which was the setting `metric` at that time."""
    first, *others = (metrics.METRICS[name].label for name in names)
    note = (
        f"Of those within a standard error of the best {first}, by a paired bootstrap, the one with the fewest trained "
        "weights is kept; one from scratch has to be better than a pretrained one by 1.96 standard errors."
    )
    if others:
        note += f" Pretrained ones that cannot be told apart are then compared by {others[0]}."
    if names[0] != config.metric:
        label = metrics.METRICS[config.metric].label
        note += f" The metric of the project is {label} by now; `train --force` compares them by it."
    return note


def slice_table(config: Config, content: dict[str, Any]) -> Table:
    """The primary metric on slices of the data."""
    metric = metrics.METRICS[config.metric]
    rows = [[entry["column"], entry["slice"], entry["examples"], Interval.of(entry)] for entry in content["slices"]]
    note = "Sorted from worst to best. The setting `slices` chooses other columns."
    score = Column(metric.label, metric.format)
    return Table(f"{metric.label} by slice", ["Column", "Slice", "Examples", score], rows, note=note)


def largest_errors(
    config: Config, examples: pd.DataFrame, targets: np.ndarray, predictions: dict[str, np.ndarray]
) -> Table:
    """The examples with the largest errors: often mislabelled, or unlike the training examples."""
    errors = metrics.errors(targets, predictions)
    largest = scoring.worst(errors, identities(config, examples), NUM_WORST)
    outputs = {name: values for name, values in predictions.items() if values.ndim == 1}
    shown = [name for name in examples.columns if name not in (*config.targets, *explain.HIDDEN)]
    columns = [name for name in shown if not isinstance(examples[name].iloc[0], np.ndarray)][:MAX_COLUMNS]
    rows = [
        [
            int(row) + 1,
            float(errors[row]),
            *(cell(examples[name].iloc[row]) for name in config.targets),
            *(cell(values[row]) for values in outputs.values()),
            *(cell(examples[name].iloc[row]) for name in columns),
        ]
        for row in largest
    ]
    header = ["row", "error", *(f"true {name}" for name in config.targets), *outputs, *columns]
    note = "Of duplicates, one is shown. `make explain ROW=...` shows one of them at each step of the model."
    return Table(
        f"The {len(largest)} largest errors of {tables.extent(examples)} validation examples", header, rows, note
    )


def cell(value: Any) -> str | float | None:
    """A value of a table as a cell of a page."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):  # a whole series: its last value
        return f"... {value.ravel()[-1]:.4g}"
    if value is None or pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value if isinstance(value, int | float) else str(value)


def data_summary(config: Config) -> Section:
    """Where the examples came from and how they were split."""
    provenance = artifacts.read_json(config.paths.provenance, "collect")
    source = without_password(config.source)
    origin = f"{provenance['rows_read']:,} rows were read from {source} at {provenance['collected_at']}."
    return Section("Data", [origin, *provenance["notes"], *report.data_tables(provenance)])


def run_summary(config: Config) -> Section:
    """The settings and versions that reproduce the model."""
    run = artifacts.read_json(config.paths.run, "train")
    names = ("time", "commit", "seconds", "epochs", "num_weights", "model", "data", "python")
    return Section(
        "Run",
        [
            Table("Facts", ["Name", "Value"], [[name, str(run[name])] for name in names]),
            Table("Versions", ["Package", "Version"], list(run["versions"].items())),
            Table("Hyperparameters", ["Name", "Value"], [[name, str(v)] for name, v in run["hyperparameters"].items()]),
            Table("Settings", ["Name", "Value"], [[name, str(value)] for name, value in run["settings"].items()]),
        ],
    )


def write(config: Config, content: dict[str, Any], entries: list[dict[str, Any]], sections: list[Section]) -> None:
    """Writes the page and prints the scores."""
    passed = all(entry["passed"] for entry in entries)
    headline = "Meets the success criteria" if passed else "Does not meet the success criteria"
    verdict = Banner("good" if passed else "bad", headline, criteria.summary(entries, f"the {SPLIT} split", content))
    facts: dict[str, Cell] = {
        "Goal": report.goal(config.goal),
        "Target": config.target,
        "Source": without_password(config.source),
    }
    page = Page("Model evaluation", verdict, sections, facts)
    path = config.paths.evaluation / "report.html"
    report.write_page(path, page)
    metric = metrics.METRICS[config.metric]
    value, bounds = report.format_interval(Interval.of(content["metrics"][config.metric]), metric.format)
    print(f"{metric.label} {value} {bounds} on {content['examples']} {SPLIT} examples")
    print("\n".join([*criteria.lines(entries), *content["remarks"]]))
    print(f"wrote {path} and {config.paths.evaluation / 'metrics.json'}")
