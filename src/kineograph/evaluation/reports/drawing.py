"""Lines with bands as SVG that takes its colours from the page it stands in."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.reports.inks import Ink

INSTALL = "the report's page needs {name}; pip install 'kineograph[bench]'"

Numbers = Float[np.ndarray, " points"]

SIZE = (4.4, 2.7)
"""Inches, of 72 units of the picture; the page makes it as wide as there is room."""

_TEXT, _GRID = "#fd0000", "#fd0001"
_STYLE: Any = {
    "text.parse_math": False,  # a name is no formula, whatever signs are in it
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "kineograph",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _TEXT,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _TEXT,
    "ytick.labelcolor": _TEXT,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
}


@dataclass(frozen=True, eq=False)
class Series:
    """A line of a plot with the band around it.

    Args:
        label: whose it is.
        ink: how it is drawn.
        x: where its values are.
        y: its values; NaN where there is none.
        low: the band's lower edge; NaN where there is none.
        high: the upper one.
    """

    label: str
    ink: Ink
    x: Numbers
    y: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class Across:
    """The axis across.

    Args:
        title: what it counts.
        ticks: where it is marked; by itself if empty.
        log: whether it is logarithmic.
    """

    title: str
    ticks: tuple[float, ...] = ()
    log: bool = False


def draw(series: Sequence[Series], across: Across, name: str) -> str:
    """A plot as an `svg` element, without title and legend.

    Its texts are in the colour of the text around it, its lines in the colours that the inks name,
    its ground is transparent; it has no style attribute, no address and no id that does not begin
    with `name`, so that it can stand with others in a page that forbids what is inline.

    Args:
        series: what is drawn, the first at the bottom; its place is in `data-row`.
        across: the axis.
        name: unlike that of any other plot of the page; letters, digits, "-".

    Raises:
        EvaluationError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise EvaluationError(INSTALL.format(name="matplotlib")) from None
    held = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        for place, one in enumerate(series):
            _line(axes, one, f"row-{place}")
        _mark(axes, across)
        figure.savefig(held, format="svg", transparent=True, metadata={"Date": None})
    return _themed(held.getvalue(), series, name)


def _line(axes: Any, one: Series, gid: str) -> None:
    colour = _sentinel(one.ink)
    banded = ~np.isnan(one.low) & ~np.isnan(one.high)
    if banded.any():
        ends = (np.where(banded, held, np.nan) for held in (one.low, one.high))
        axes.fill_between(one.x, *ends, color=colour, alpha=0.13, linewidth=0, gid=f"{gid}-band")
    dash = (0, one.ink.dash) if one.ink.dash else "-"
    marked = one.ink.mark if len(one.x) <= 16 or np.isfinite(one.y).sum() == 1 else ""
    axes.plot(
        one.x, one.y, color=colour, linestyle=dash, linewidth=1.7, marker=marked or None,
        markersize=4.5, gid=gid, solid_capstyle="round",
    )  # fmt: skip


def _mark(axes: Any, across: Across) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    if across.log:
        axes.set_xscale("log")
    if across.ticks:
        axes.xaxis.set_major_locator(FixedLocator(across.ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(across.title[:60])
    axes.tick_params(length=0, pad=5)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.03)


def _sentinel(ink: Ink) -> str:
    return f"#fe00{ink.place:02x}"


def _themed(drawn: str, series: Sequence[Series], name: str) -> str:
    """The drawing with the page's colours, and nothing inline but the drawing itself."""
    colours = {_sentinel(one.ink): f"var({one.ink.variable})" for one in series}
    colours |= {_TEXT: "currentColor", _GRID: "var(--line)"}
    root = ElementTree.fromstring(drawn[drawn.index("<svg") :])
    for parent in root.iter():
        for child in list(parent):
            if _bare(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _bare(element.tag)
        told = dict(_attributes(element, name))
        element.attrib.clear()
        element.attrib.update({key: colours.get(value, value) for key, value in told.items()})
        _name_series(element, series, name)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib.update({"class": "drawn", "aria-hidden": "true"})
    return ElementTree.tostring(root, encoding="unicode")


def _attributes(element: ElementTree.Element, name: str) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        bare = _bare(key)
        if bare == "style":
            yield from _declared(value)
        elif bare == "id":
            yield bare, f"{name}-{value}"
        elif bare == "href":
            yield bare, value.replace("#", f"#{name}-", 1)
        else:
            yield bare, value.replace("url(#", f"url(#{name}-")


def _declared(style: str) -> Iterator[tuple[str, str]]:
    """A style's declarations as attributes; the font is the page's."""
    for part in style.split(";"):
        key, _, value = (held.strip() for held in part.partition(":"))
        if key and not key.startswith("font"):
            yield key, value


def _name_series(element: ElementTree.Element, series: Sequence[Series], name: str) -> None:
    found = re.fullmatch(re.escape(name) + r"-row-(\d+)(-band)?", element.get("id", ""))
    if found:
        label = series[int(found[1])].label
        element.set("data-row", label)
        if not found[2]:
            title = ElementTree.Element("title")
            title.text = label
            element.insert(0, title)


def _bare(name: str) -> str:
    return name.rpartition("}")[2]
