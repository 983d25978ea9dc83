"""A number as a table shows it."""

from math import isnan

from kineograph.evaluation.intervals import Interval


def number(value: float | int) -> str:
    """Three digits that matter; two decimals at least for what is 1 or more."""
    if isnan(value):
        return ""
    size = abs(value)
    if size >= 100:
        return f"{value:.1f}" if size < 1000 else f"{value:.0f}"
    if size >= 1:
        return f"{value:.2f}"
    if size >= 0.01 or size == 0:
        return f"{size:.3f}" if size == 0 else f"{value:.3f}"
    return f"{value:.2g}"


def ends(interval: Interval) -> str:
    """The interval's ends as text; empty where there are none."""
    if isnan(interval.low):
        return ""
    return f"{number(interval.low)} to {number(interval.high)}"
