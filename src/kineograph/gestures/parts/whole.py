"""From sparse to whole: the drags and pins on one part of the picture move all of it together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from kineograph.core.motion import Motion
from kineograph.gestures.base import Gesture
from kineograph.gestures.continuation import Part
from kineograph.gestures.drag import Drag
from kineograph.gestures.parts.held import HeldPart
from kineograph.gestures.pin import Pin
from kineograph.gestures.scene import Scene


def waits(gesture: Gesture) -> bool:
    """Whether a gesture moves a whole part, so that `together` has to expand it."""
    return isinstance(gesture, Drag) and gesture.whole is not None


def waiting(label: str, gesture: Gesture, scene: Scene) -> Part:
    """A drag of a whole part, checked and not yet expanded.

    Raises:
        DocumentError: it cannot be done on this canvas or in this clip.
    """
    gesture.check(scene)
    active = np.flatnonzero(gesture.active(scene))
    first, last = int(active[0]), int(active[-1])
    return Part(label, gesture, Motion(), None, (1.0, 1.0), first, last, None)


def together(parts: Sequence[Part], scene: Scene) -> list[Part]:
    """The parts of a document, with the drags and pins on one whole solved together.

    A drag with `whole` moves all of the part under it. One alone moves it without turning it, as
    it would by itself. Where others press on the same part, or a pin holds a place of it, the first
    drag gets the tracks of the whole part, and the others' tracks on it are taken away. A pin does
    not hold a drag that is nearer than it.

    Raises:
        DocumentError: they ask for different kinds of motion, or for what cannot be.
    """
    parts = list(parts)
    wholes: list[HeldPart] = []
    pins: list[int] = []
    for index in _in_order(parts):
        if isinstance(parts[index].gesture, Pin):
            pins.append(index)
            for whole in wholes:
                whole.pin(index)
            continue
        mine = next((whole for whole in wholes if whole.has(index)), None)
        if mine is not None:
            mine.drag(index)
            continue
        mine = HeldPart.under(index, parts, scene)
        wholes.append(mine)
        for pin in pins:
            mine.pin(pin)
    settled = parts
    for whole in wholes:
        settled = whole.settle(settled)
    for pin in pins:
        on = [whole.pinned[pin] for whole in wholes if pin in whole.pinned]
        settled[pin] = _without(parts[pin], np.any(on, axis=0)) if on else parts[pin]
    return settled


def _in_order(parts: Sequence[Part]) -> list[int]:
    """The drags with a whole, and the pins, in order of time; drags first."""
    asked = [
        index
        for index, part in enumerate(parts)
        if isinstance(part.gesture, Pin) or waits(part.gesture)
    ]
    return sorted(asked, key=lambda i: (parts[i].first, isinstance(parts[i].gesture, Pin), i))


def _without(part: Part, which: Bool[np.ndarray, " tracks"]) -> Part:
    """A part without some of its tracks."""
    tracks = part.motion.tracks
    if tracks is None or not which.any():
        return part
    left = None if which.all() else tracks.select(~which)
    return replace(part, motion=Motion(tracks=left), held=left)
