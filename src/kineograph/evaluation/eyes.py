"""What looks at the videos of a benchmark: tracker, flow and learned networks, by their names."""

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.look import Look
from kineograph.evaluation.sample import Sample
from kineograph.vision.eyes import eye


@dataclass(frozen=True)
class Eyes:
    """Names only, so that other processes and machines can be told; loaded when first needed.

    Args:
        tracker: an eye of the kind "tracker"; the default one if empty.
        tracker_weights: where its weights are, if it needs any.
        flow: an eye of the kind "flow"; the default one if empty.
        flow_weights: where its weights are, if it needs any.
        backbones: the folder with the weights of metrics' networks.
        places: files or folders of single networks, name to place.
        device: where networks run.
    """

    tracker: str = ""
    tracker_weights: Path | None = None
    flow: str = ""
    flow_weights: Path | None = None
    backbones: Path | None = None
    places: tuple[tuple[str, Path], ...] = field(default=())
    device: str = "cpu"

    def __getstate__(self) -> dict[str, Any]:
        """The names alone: what has been loaded is not sent to other processes."""
        return {held.name: getattr(self, held.name) for held in fields(self)}

    @property
    def said(self) -> dict[str, str]:
        """What a report has to say about them."""
        tracker = _said(self.tracker or "flow (default)", self.tracker_weights)
        return {
            "tracker": tracker,
            "optical flow": _said(self.flow or "dis (default)", self.flow_weights),
        }

    @property
    def seen(self) -> str:
        """The same for eyes that see the same."""
        return "; ".join(self.said.values())

    def open(self) -> None:
        """Load tracker and flow, so that what is missing is said before any work.

        Raises:
            VisionError: one is unknown, or lacks packages or weights.
        """
        _ = self._tracker, self._flow

    def look(self, sample: Sample) -> Look:
        """A look at a sample."""
        return Look(sample, self._tracker, self._flow, self.store)

    @cached_property
    def store(self) -> Backbones:
        """The learned networks."""
        return Backbones(self.backbones, dict(self.places), self.device)

    @cached_property
    def _tracker(self) -> Any:
        return eye("tracker", self.tracker or None, self.tracker_weights)

    @cached_property
    def _flow(self) -> Any:
        return eye("flow", self.flow or None, self.flow_weights)


def _said(name: str, weights: Path | None) -> str:
    return name if weights is None else f"{name} ({weights.name})"
