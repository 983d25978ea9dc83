"""The terms of guidance: which conditions are followed how much, and how that is written down."""

from dataclasses import dataclass
from typing import Any

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.strength import Schedule
from kineograph.gestures.writing.messages import nearest, shown

Branch = frozenset[str]
"""One prediction of the model, by the names of the conditions that it is not told."""

EVERYTHING: Branch = frozenset()
"""The prediction that is told everything."""

CONDITIONS = ("text", "picture", "tracks", "boxes")
"""What can be dropped. Text that is dropped is the negative text, empty if there is none."""

HOW = "give weights by name, such as text=7.5,tracks=1.5"


@dataclass(frozen=True)
class Term:
    """One condition, or several together, and how much more than by itself it is followed.

    Args:
        drops: what the model is not told in the prediction that this term is measured against:
            "text" keeps the boxes there as SMCD does; "text" and "boxes" together are GLIGEN's
            null grounding.
        weight: over the steps; 1 is the model's own strength, 0 leaves the condition out.

    Raises:
        EngineError: nothing, or something unknown, is dropped, or a weight is negative.
    """

    drops: Branch
    weight: Schedule

    def __post_init__(self) -> None:
        if not self.drops:
            raise EngineError(f"a guidance term has no name; {HOW}")
        for name in sorted(self.drops - set(CONDITIONS)):
            raise EngineError(
                f"guidance by {shown(name)} was asked for; {nearest(name, CONDITIONS)}"
                f"known: {', '.join(CONDITIONS)}, also joined as text+boxes"
            )
        lowest = min(value for _, value in self.weight.keys)
        if lowest < 0:
            raise EngineError(f"guidance {self.name} has the weight {lowest:g}; give 0 or more")

    @property
    def name(self) -> str:
        """Such as "text" or "text+boxes"."""
        return "+".join(name for name in CONDITIONS if name in self.drops)

    @classmethod
    def of(cls, name: str, weight: Any) -> "Term":
        """A term as it is written down.

        Args:
            name: what is dropped, such as "text" or "text+boxes".
            weight: anything that `Schedule.parse` reads.

        Raises:
            EngineError: one of the two cannot be read.
        """
        drops = frozenset(part.strip() for part in name.split("+")) - {""}
        return cls(drops, Schedule.parse(weight, f"the weight of {name}"))


def weights_of_text(text: str) -> dict[str, Any]:
    """The terms of "text=7.5,tracks=1.5"; a weight alone is that of text.

    Raises:
        ValueError: a part has no name or no weight, or a name stands there twice.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and "=" not in text:
        return {"text": text}
    found: dict[str, Any] = {}
    for part in parts:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise ValueError(f"has the part {shown(part)}; {HOW}")
        if name in found:
            raise ValueError(f"names {name} twice; give it once")
        found[name] = value
    return found
