"""The page of the hyperparameter search: every trial as a line through its hyperparameters to its score."""

from pathlib import Path

import pandas as pd

from .. import task
from ..config import Config
from ..reporting import plots, report
from ..reporting.report import Banner, Figure, Page, Section, Table

NOT_SEARCHED = ("trial", "status", task.MONITOR)


def write(config: Config, trials: pd.DataFrame, path: Path) -> None:
    """Writes the page for a table of trials, the best first."""
    label = task.MONITOR.removeprefix("val_").replace("_", " ")
    best = trials.iloc[0]
    verdict = Banner(
        "neutral",
        f"Trial {best['trial']}: {label} {report.format_number(float(best[task.MONITOR]))} on validation",
        f"The best of {len(trials)} trials of the {config.tuner} search; `make train` uses it from now on.",
    )
    rows = [[report_cell(value) for value in row] for row in trials.itertuples(index=False)]
    sections = [
        Section("Trials as lines", [parallel_coordinates(trials)]),
        Section("Trials", [Table("All trials, the best first", list(trials.columns), rows)]),
    ]
    facts = {"Goal": config.goal, "Target": config.target}
    report.write_page(path, Page("Which hyperparameters are best?", verdict, sections, facts))


def parallel_coordinates(trials: pd.DataFrame) -> Figure:
    """Each hyperparameter is an axis from its least to its greatest value, the score the last one."""
    usable = trials[trials[task.MONITOR].notna()]
    axes = [name for name in usable.columns if name not in NOT_SEARCHED and len(usable[name].unique()) > 1]
    axes = [*axes, task.MONITOR]
    positions = pd.DataFrame({name: relative(usable[name]) for name in axes})
    tips = [", ".join(f"{name} {short(row[name])}" for name in axes) for _, row in usable.iterrows()]
    bounds = [(short(usable[name].min()), short(usable[name].max())) for name in axes]
    return Figure(
        "Parallel coordinates",
        plots.parallel(axes, positions.to_numpy(), bounds, tips),
        f"{len(usable)} trials as lines through {', '.join(axes)}; the best trial is the strongest line.",
        note="Every line is a trial, the strongest the best one. An axis runs from the least to the greatest value.",
        wide=True,
    )


def short(value: object) -> str:
    """An end of an axis, for reading."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def relative(values: pd.Series) -> pd.Series:
    """The values between 0 and 1; words are ranked."""
    numbers = values if pd.api.types.is_numeric_dtype(values) else values.astype(str).rank(method="dense")
    span = numbers.max() - numbers.min()
    return (numbers - numbers.min()) / (span or 1)


def report_cell(value: object) -> str | float | None:
    """A value of the table of trials as a cell of the page."""
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, float) else value if isinstance(value, int) else str(value)
