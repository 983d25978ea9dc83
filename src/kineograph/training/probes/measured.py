"""What a probe has measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kineograph.core.errors import TrainingError


@dataclass(frozen=True)
class Measured:
    """A measurement on a fixed set of clips at one step of the training.

    Args:
        measure: "epe", "box-iou", "direction", "picture", "loss" or "loss-ratio".
        step: how many steps have been trained; 0 is the untrained network.
        clips: the value of each clip, in the order of the set.
        better: whether lower or higher values are.
        unit: of the values, as "px at 256x256"; empty for a pure number.
        beside: what else to hold the value against, by name: "true video" is what the measure
            itself finds on the true videos (nothing can be told apart below it), "still" what a
            video without motion gets.

    Raises:
        TrainingError: there is no clip.
    """

    measure: str
    step: int
    clips: tuple[float, ...]
    better: str = "lower"
    unit: str = ""
    beside: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.clips:
            raise TrainingError(
                f"the probe {self.measure} has no clip to measure: the data has nothing that it "
                "reads; choose another measure, or other data"
            )

    @property
    def value(self) -> float:
        """The mean over the clips."""
        return sum(self.clips) / len(self.clips)

    def beats(self, other: "Measured") -> bool:
        """Whether it is better than another measurement of the same kind."""
        gain = self.value - other.value
        return gain > 0 if self.better == "higher" else gain < 0

    def plain(self) -> dict[str, Any]:
        """As plain data, for a line of JSON."""
        return {
            "measure": self.measure,
            "value": self.value,
            "unit": self.unit,
            "better": self.better,
            "clips": list(self.clips),
            "beside": dict(self.beside),
        }

    def __str__(self) -> str:
        said = f"{self.measure} {self.value:.4g}" + (f" {self.unit}" if self.unit else "")
        held = ", ".join(f"{name} {value:.4g}" for name, value in self.beside.items())
        return f"{said} ({held})" if held else said
