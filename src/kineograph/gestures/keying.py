"""Keying: values at a few instants of a gesture, from the state that it begins with."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from kineograph.core.errors import DocumentError
from kineograph.core.timing import Curve, Key
from kineograph.gestures.base import Easing
from kineograph.gestures.scene import INSTANT
from kineograph.gestures.writing.model import PLAIN, Strict


class Instant(Strict):
    """What every key has: when it is, and how the motion goes on from there."""

    at: Annotated[float, Field(ge=0), PLAIN] | None = None
    """When, in seconds from the beginning of the clip. Left out, the last key is at the end of the
    gesture and others are spread evenly between its start and that."""
    ease: Easing = "linear"
    """How the motion goes on from this key to the next one."""


def check_order(keys: Sequence[Instant]) -> None:
    """Check that keys which say when they are come in order.

    Raises:
        ValueError: they do not.
    """
    given = [key.at for key in keys if key.at is not None]
    for before, after in pairwise(given):
        if not after > before:
            raise ValueError(
                f"has a key at {after:g} s after one at {before:g} s; give the keys in order "
                "of time, no two at the same instant"
            )


def key_times(
    keys: Sequence[Instant], start: float | int, end: float | int
) -> Float64[np.ndarray, " keys"]:
    """The instant of each key in seconds, with those that were left out filled in.

    Args:
        keys: in order.
        start: of the gesture, in seconds.
        end: of the gesture, in seconds.

    Raises:
        DocumentError: one lies outside the time span, or there is no room for one.
    """
    times = np.array([np.nan if key.at is None else key.at for key in keys], dtype=np.float64)
    late = (times < start - INSTANT) | (times > end + INSTANT)
    if late.any():
        raise DocumentError(
            f"key {np.argmax(late) + 1} is at {times[np.argmax(late)]:g} s; the gesture lasts "
            f"from {start:g} s to {end:g} s; put it in there or make the time span longer"
        )
    if len(times) and np.isnan(times[-1]):
        times[-1] = end
    filled = np.concatenate([[start], times])
    known = ~np.isnan(filled)
    times = np.interp(np.arange(len(filled)), np.flatnonzero(known), filled[known])[1:]
    if not (np.diff(times) > 0).all():
        raise DocumentError(
            f"{len(times)} keys do not fit between {start:g} s and {end:g} s in this order; "
            "make the time span longer or say when each is"
        )
    return times


def keyed(
    own: float | int,
    values: Sequence[float | None],
    keys: Sequence[Instant],
    times: Float64[np.ndarray, " keys"],
    start: float | int,
) -> Curve:
    """One value over time: `own` at the start, then what the keys give, eased in between.

    Args:
        own: what it is at the start, unless a key there says otherwise.
        values: what each key gives; None if it does not speak of this value.
        keys: for their easing.
        times: their instants in seconds.
        start: the instant of the start.
    """
    held = [
        Key(time, value, key.ease)
        for time, value, key in zip(times, values, keys, strict=True)
        if value is not None
    ]
    if not held or held[0].time > start + INSTANT:
        held.insert(0, Key(start, own))
    return Curve(tuple(held))
