"""Choosing among the boxes of a clip."""

from dataclasses import replace
from typing import Any

import numpy as np

from kineograph.core.boxes import Boxes

_PER_OBJECT = ("boxes", "state", "hard", "group", "depth")


def boxes_at(boxes: Boxes, which: np.ndarray) -> Boxes:
    """The boxes of some objects by their indices, in that order."""
    some: dict[str, Any] = {
        name: None if getattr(boxes, name) is None else getattr(boxes, name)[which]
        for name in _PER_OBJECT
    }
    return replace(boxes, labels=tuple(boxes.labels[item] for item in which), **some)
