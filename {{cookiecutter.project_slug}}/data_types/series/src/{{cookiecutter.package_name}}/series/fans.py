"""Fans of forecasts: the end of a history, the forecast with its quantiles as bands, and the truth."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..reporting.plots import STYLE, TEXT, label, series_color, to_svg

HISTORIES = 3  # horizons of the history that are drawn
WIDTH, HEIGHT = 10.6, 2.6  # inches


class Panel(NamedTuple):
    """One window: `outputs` holds the forecast and its quantiles, each (horizon,); `levels` the quantiles in order."""

    title: str
    history: npt.NDArray[np.floating]
    truth: npt.NDArray[np.floating]
    outputs: Mapping[str, npt.NDArray[np.floating]]
    levels: Sequence[str]


def draw(panels: Sequence[Panel], name: str) -> str:
    """The panels side by side, as an SVG element."""
    import matplotlib as mpl  # here, since most stages draw nothing
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axis, panel in zip(axes, panels, strict=True):
            draw_panel(axis, panel)
        axes[0].set_ylabel(label(name))
        axes[-1].legend(loc="best", fontsize=9)
        return to_svg(figure)


def draw_panel(axis: Any, panel: Panel) -> None:
    """One window: steps before 1 are the history."""
    horizon = len(panel.truth)
    history = panel.history[-HISTORIES * horizon :]
    before, after = np.arange(1 - len(history), 1), np.arange(1, 1 + horizon)
    axis.plot(before, history, color=TEXT, linewidth=1)
    for low, high in zip(panel.levels, reversed(panel.levels), strict=True):
        if low == high or panel.levels.index(low) >= panel.levels.index(high):
            break
        band = (panel.outputs[low], panel.outputs[high])
        axis.fill_between(after, *band, color=series_color(1), alpha=0.2, linewidth=0)
    axis.plot(after, panel.outputs["forecast"], color=series_color(1), linewidth=1.6, label="forecast")
    axis.plot(after, panel.truth, color=series_color(0), linewidth=1.3, label="truth", marker=".", ms=3)
    axis.axvline(0.5, color=TEXT, linewidth=0.6, dashes=(3, 3))
    axis.set_title(label(panel.title), fontsize=10)
    axis.grid(color=TEXT, alpha=0.15, linewidth=0.6)
