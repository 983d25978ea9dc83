"""The stock that scenes are made from: which glyphs and photographs there are on this system."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kineograph.core.errors import DataError
from kineograph.data.procedural.glyphs import Glyph, find_font, read_glyphs
from kineograph.data.procedural.photographs import (
    Photograph,
    read_photographs,
    shipped_photographs,
)

NO_FONT = (
    "no emoji font is found, so scenes hold shapes and photographs only; install one "
    "(fonts-noto-color-emoji) or name its file"
)
"""What is noted once where there are no glyphs."""

NO_PHOTOGRAPHS = (
    "no photographs are found, so scenes hold none; install scikit-image or name a folder of yours"
)
"""What is noted once where there are no photographs."""


@dataclass(frozen=True, eq=False, repr=False)
class Stock:
    """What there is besides shapes and textures, which are always there.

    The same seed draws the same scene from the same stock, and another from another.
    """

    glyphs: tuple[Glyph, ...] = ()
    photographs: tuple[Photograph, ...] = ()

    @classmethod
    def found(
        cls,
        *,
        font: Path | None = None,
        photographs: Path | None = None,
        note: Callable[[str], None] | None = None,
    ) -> "Stock":
        """Look once for what this system has.

        Args:
            font: the emoji font; None looks for one.
            photographs: a folder of them; None takes those that come with scikit-image.
            note: is told, once each, what is not there.

        Raises:
            DataError: a font or folder that is named cannot be used.
        """
        face = font or find_font()
        glyphs = read_glyphs(face) if face else ()
        held = read_photographs(photographs) if photographs else shipped_photographs()
        for missing, text in ((not glyphs, NO_FONT), (not held, NO_PHOTOGRAPHS)):
            if missing and note is not None:
                note(text)
        return cls(glyphs, held)

    def __repr__(self) -> str:
        return f"Stock({len(self.glyphs)} glyphs, {len(self.photographs)} photographs)"


def draw_kind(
    rng: np.random.Generator,
    kinds: Mapping[str, float | int],
    *,
    known: Collection[str],
    absent: Collection[str],
) -> str:
    """One of some kinds, as often as its number says, from those that are not absent.

    Raises:
        DataError: a kind is unknown, a number is negative, or nothing is left to draw.
    """
    for kind, often in kinds.items():
        if kind not in known or not 0 <= often < float("inf"):
            raise DataError(
                f"kind {kind!r} with weight {often}; kinds are {', '.join(known)}, "
                "weights 0 or more"
            )
    left = {kind: often for kind, often in kinds.items() if often > 0 and kind not in absent}
    if not left:
        raise DataError(
            f"of the kinds {', '.join(kinds) or 'asked for (none)'} none is in stock; allow others "
            "or see what is missing"
        )
    weights = np.array(list(left.values()), np.float64)
    return list(left)[int(rng.choice(len(left), p=weights / weights.sum()))]
