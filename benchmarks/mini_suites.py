"""The suites that `mini` is measured on, where they are not quite those of `kineograph bench`."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from kineograph.data.clip import Clip
from kineograph.data.procedural.captions import flipped
from kineograph.engines.base import Request
from kineograph.evaluation.suites.procedural import Procedural, ProceduralText
from kineograph.evaluation.suites.suite import Case, Loaded

TOLD, OPPOSITE = "told", "opposite"

REVERSIBLE = ("moves", "pans", "rotates", "rolls")
"""What can as well be done the other way round; nothing falls up."""

_UPRIGHT = {"up": "down", "down": "up", "upwards": "downwards", "downwards": "upwards"}


class Untold(Procedural):
    """First frame and N of the truth's tracks, and no word: the tracks have to do it alone."""

    title = "Procedural scenes, N tracks, no text"

    def asked(self, plain: Request, truth: Clip, case: Case) -> Request:
        """See `Procedural`."""
        return replace(super().asked(plain, truth, case), text="")


class Pictured(ProceduralText):
    """First frame and caption, and the same picture with the opposite said.

    What follows from the picture alone is right in at most one of the two; only who reads the text
    is right in both. The opposite counts for what can be done both ways, see `REVERSIBLE`.
    """

    title = "Procedural scenes, picture and text"
    axis = "text"
    variants = (TOLD, OPPOSITE)
    settings: ClassVar[Mapping[str, Any]] = {"objects": (1, 2), "camera": 0.25}

    def asked(self, plain: Request, truth: Clip, case: Case) -> Request:
        """See `ProceduralText`."""
        return plain if case.variant == TOLD else replace(plain, text=opposite(plain.text))

    def load(self, case: Case) -> Loaded:
        """See `Suite`; the facts are those of the text that is given."""
        loaded = super().load(case)
        assert loaded.truth is not None
        facts = loaded.truth.facts
        held = tuple(fact for fact in facts if fact.direction and fact.verb in REVERSIBLE)
        if case.variant == OPPOSITE:
            held = tuple(replace(fact, direction=opposite(fact.direction or "")) for fact in held)
        return replace(loaded, truth=replace(loaded.truth, facts=held))

    def suits(self, clip: Clip) -> bool:
        """Whether the caption says a way that can be seen, and has an opposite."""
        facts = clip.facts
        held = [fact for fact in facts if fact.direction and fact.verb in REVERSIBLE]
        ways = [fact for fact in held if opposite(fact.direction or "") != fact.direction]
        return len(held) == len(ways) and super().suits(replace(clip, facts=tuple(held)))


def opposite(text: str) -> str:
    """A text or direction the other way round: left and right, up and down, and the turns."""
    words = "|".join(sorted(_UPRIGHT, key=len, reverse=True))
    return re.sub(rf"\b({words})\b", lambda found: _UPRIGHT[found[0]], flipped(text))
