"""What a metric is: a name, what it reads, what its values mean, and the function that measures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.look import Look

Kind = Literal["clip", "curve", "set"]
"""A number a clip, a series of numbers a clip (its mean over clips is drawn as a curve), or
features a clip that are compared as a whole set (Fréchet distances)."""

Better = Literal["lower", "higher", "neither"]

Features = Float[np.ndarray, "_ _"]
"""(items, features); a set may have other numbers of items than what it is held against."""


@dataclass(frozen=True, eq=False)
class Part:
    """What one clip adds to a set metric.

    Args:
        generated: (n, D) features of the generated video; n may be 1, or one a frame.
        reference: (m, D) features of the true video, or of what else the set is held against.
    """

    generated: Features
    reference: Features


@dataclass(frozen=True, eq=False)
class Metric:
    """One metric of the table.

    Args:
        name: as on the command line and in files: "epe", "clip-sim".
        title: as in a table's head: "EPE".
        what: its definition in a sentence, for a report's legend.
        measure: of a clip's `Look`: a number ("clip"), a 1-D array ("curve") or a `Part` ("set").
            NaN where it does not apply to this clip.
        better: which way is good.
        unit: of the values, with the scale: "px at 256x256"; empty for a pure number.
        range: smallest and largest value there can be.
        needs: what a sample has to hold, of `Sample.holds`.
        backbones: the learned networks it needs, by their names in `backbones.BACKBONES`.
        kind: see `Kind`.
        axis: what the index of a curve counts: "frame", "timestep".
        motion: whether it measures motion: then it means nothing without the rows `truth` (the
            tracker's own noise floor) and `still`.
        settle: of a set metric: the features of all generated and all reference videos to the
            number.
        least: of a set metric: below so many clips the value is not to be trusted.
        source: where it is defined: paper, section or equation.

    Raises:
        EvaluationError: what is said does not fit its kind.
    """

    name: str
    title: str
    what: str
    measure: Callable[[Look], Any]
    better: Better
    unit: str = ""
    range: tuple[float, float] = (0.0, inf)
    needs: frozenset[str] = frozenset()
    backbones: tuple[str, ...] = ()
    kind: Kind = "clip"
    axis: str = ""
    motion: bool = False
    settle: Callable[[Features, Features], float] | None = None
    least: int = 1
    source: str = ""

    def __post_init__(self) -> None:
        if (self.kind == "set") != (self.settle is not None):
            raise EvaluationError(
                f"metric {self.name} is of kind {self.kind}; a set metric, and no other, has settle"
            )
        if (self.kind == "curve") != bool(self.axis):
            raise EvaluationError(
                f"metric {self.name} is of kind {self.kind}; a curve, and nothing else, has an axis"
            )

    def plain(self) -> dict[str, Any]:
        """Its words as plain data, for a report."""
        low, high = (None if abs(value) == inf else value for value in self.range)
        return {
            "name": self.name,
            "title": self.title,
            "what": self.what,
            "better": self.better,
            "unit": self.unit,
            "range": [low, high],
            "kind": self.kind,
            "axis": self.axis,
            "motion": self.motion,
            "least": self.least,
            "source": self.source,
        }


def table_of(*families: tuple[Metric, ...]) -> Mapping[str, Metric]:
    """Name to metric, of some families.

    Raises:
        EvaluationError: two have one name.
    """
    found: dict[str, Metric] = {}
    for metric in (metric for family in families for metric in family):
        if metric.name in found:
            raise EvaluationError(f"two metrics are called {metric.name}; rename one")
        found[metric.name] = metric
    return found
