"""How each row of a report is drawn: the same colour, dash and mark in every plot and legend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kineograph.evaluation.bench.report_folder import STILL, TRUTH, WARP

COLOURS = 8
"""So many colours of rows the page's style has, "--row-0" and on, for light and for dark."""

MARKS = {
    "": "",
    "o": "M14 2a3 3 0 1 1 0 6a3 3 0 1 1 0-6z",
    "s": "M11.3 2.3h5.4v5.4h-5.4z",
    "^": "M14 1.6l3.4 6h-6.8z",
    "D": "M14 1.4l3.6 3.6l-3.6 3.6l-3.6-3.6z",
    "v": "M14 8.4l3.4-6h-6.8z",
}
"""A mark of a plot to its outline in a legend of 28 by 10."""

_ENGINES = ("o", "s", "^", "D", "v")
_DASHES = ((), (5.0, 2.0), (1.5, 1.5))


@dataclass(frozen=True)
class Ink:
    """How a row is drawn.

    Args:
        place: which of the page's colours, for a plot that is drawn before they are known.
        variable: the colour's name in the page's style: "--row-0".
        dash: lengths of strokes and gaps in points; empty for a whole line.
        mark: at each value, one of `MARKS`.
    """

    place: int
    variable: str
    dash: tuple[float, ...] = ()
    mark: str = ""

    @property
    def outline(self) -> str:
        """The mark as an SVG path."""
        return MARKS[self.mark]


_ALWAYS = {
    TRUTH: Ink(COLOURS, "--truth", (6.0, 3.0)),
    STILL: Ink(COLOURS + 1, "--still", (1.5, 2.0), "s"),
    WARP: Ink(COLOURS + 2, "--warp", (4.0, 1.5, 1.0, 1.5), "D"),
}


def inks_of(rows: Sequence[str]) -> Mapping[str, Ink]:
    """The ink of each row: what every report has in greys, the engines in colours.

    After eight engines colours come again with other dashes; no two of the first 40 are alike.
    """
    engines = [row for row in rows if row not in _ALWAYS]
    held = {row: ink for row, ink in _ALWAYS.items() if row in rows}
    return held | {row: _engine(place) for place, row in enumerate(engines)}


def _engine(place: int) -> Ink:
    colour, again = place % COLOURS, place // COLOURS
    mark = _ENGINES[place % len(_ENGINES)]
    return Ink(colour, f"--row-{colour}", _DASHES[again % len(_DASHES)], mark)
