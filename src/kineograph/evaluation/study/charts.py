"""Charts of an analysis as SVG: win rates with their intervals, and reasons."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kineograph.core.errors import StudyError
from kineograph.evaluation.intervals import Interval
from kineograph.evaluation.study.analysis import Analysis
from kineograph.evaluation.study.justification import Reason

COLOURS = ("#2f6db5", "#e08a2e", "#4f9d5d", "#b04a5a", "#7b62a8", "#8a7350", "#4aa3a8", "#999999")
"""Of aspects, in turn."""

_STYLE: Any = {
    "text.parse_math": False,  # a name is no formula, whatever signs are in it
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "kineograph",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def win_chart(analysis: Analysis) -> str:
    """Bars of win rates, one a question and two systems, with the clustered intervals, as SVG.

    Raises:
        StudyError: matplotlib is not installed.
    """
    rows = analysis.comparisons
    labels = [f"{row.systems[0]} vs {row.systems[1]}\n{row.question}" for row in rows]
    with _drawn(len(rows), "votes for the first, %") as (axes, held):
        shares = [100 * row.wins.value for row in rows]
        axes.barh(range(len(rows)), shares, height=0.6, color=COLOURS[0])
        _whiskers(axes, [row.wins for row in rows])
        axes.axvline(50, color="black", linewidth=0.8, linestyle="--")
        axes.set_xlim(0, 100)
        _label(axes, labels)
    return _svg(held)


def reason_chart(analysis: Analysis) -> str:
    """Stacked bars of why each system was preferred, in percent of all votes, as SVG.

    Several aspects can be ticked, so a bar may pass 100.

    Raises:
        StudyError: matplotlib is not installed, or nobody was asked why.
    """
    if not analysis.reasons:
        raise StudyError("nobody was asked why, so there are no reasons to draw")
    bars: dict[tuple[str, str, str], list[Reason]] = {}
    for row in analysis.reasons:
        bars.setdefault((row.question, *row.systems), []).append(row)
    aspects = list(dict.fromkeys(row.aspect for row in analysis.reasons))
    with _drawn(len(bars), "ticked with the choice of the first, % of all votes") as (axes, held):
        ends = np.zeros(len(bars))
        for index, aspect in enumerate(aspects):
            shares = np.array([_share(rows, aspect) for rows in bars.values()])
            colour = COLOURS[index % len(COLOURS)]
            axes.barh(range(len(bars)), shares, 0.6, left=ends, color=colour, label=aspect)
            ends = ends + shares
        axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
        _label(axes, [f"{one} over {other}" for _, one, other in bars])
    return _svg(held)


def _svg(held: io.StringIO) -> str:
    """Without what stands before the picture, so that it can be put into a page as it is."""
    drawn = held.getvalue()
    return drawn[drawn.index("<svg") :]


def _share(rows: Sequence[Reason], aspect: str) -> float:
    return sum(100 * row.share.value for row in rows if row.aspect == aspect)


def _whiskers(axes: Any, intervals: Sequence[Interval]) -> None:
    """Lines from low to high, where they are defined."""
    for place, interval in enumerate(intervals):
        if not np.isnan(interval.low):
            ends = [100 * interval.low, 100 * interval.high]
            axes.plot(ends, [place, place], color="black", linewidth=1.2, marker="|")


def _label(axes: Any, labels: Sequence[str]) -> None:
    """Names of the bars, from the top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()


@contextmanager
def _drawn(rows: int, axis: str) -> Iterator[tuple[Any, io.StringIO]]:
    """Axes to draw on without a display, and where the SVG will stand."""
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise StudyError(
            "charts need matplotlib; pip install matplotlib, or leave the charts out"
        ) from None
    held = io.StringIO()
    with rc_context(_STYLE):
        figure = Figure(figsize=(7, 1.2 + 0.5 * max(1, rows)), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.set_xlabel(axis)
        yield axes, held
        canvas.print_svg(held, metadata={"Date": None, "Creator": None})
