"""Checks that tracks, boxes and cameras share. Nothing is mended here: it is right or it raises."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

import numpy as np
from jaxtyping import Bool

from kineograph.core.errors import TracksError
from kineograph.core.state import State


def checked_size(size: Iterable[Any]) -> tuple[int, int]:
    """(width, height) as two plain integers.

    Raises:
        TracksError: they are not two positive whole numbers.
    """
    given = tuple(size)
    if len(given) != 2 or any(not _whole(value) or value < 1 for value in given):
        raise TracksError(
            f"a picture size of {_listed(given)} was given; "
            "give width and height as two positive whole numbers"
        )
    return int(given[0]), int(given[1])


def checked_fps(fps: Any) -> float:
    """Frames a second as a plain float.

    Raises:
        TracksError: it is not a positive finite number.
    """
    if isinstance(fps, str) or np.ndim(fps) != 0 or not isfinite(fps) or not fps > 0:
        raise TracksError(f"{fps} frames a second were given; give a positive number")
    return float(fps)


def checked_crop(
    box: Iterable[Any], size: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The corner (left, top) and the size (width, height) of a crop given as x0, y0, x1, y1.

    Raises:
        TracksError: the crop is not four whole numbers that make a part of the picture.
    """
    given = tuple(box)
    if len(given) != 4 or not all(_whole(value) for value in given):
        raise TracksError(
            f"a crop to {_listed(given)} was asked for; give x0, y0, x1, y1 as whole pixels"
        )
    x0, y0, x1, y1 = (int(value) for value in given)
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        raise TracksError(
            f"a crop to {_listed(given)} was asked for; it has to lie inside the picture of "
            f"{size[0]}x{size[1]} and hold a pixel; use pad() to grow a picture"
        )
    return (x0, y0), (x1 - x0, y1 - y0)


def check_array(
    name: str, array: Any, dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    """Check an array's type and shape; None in `shape` stands for any length.

    Raises:
        TracksError: it is another type or shape.
    """
    wanted = f"{np.dtype(dtype).name} ({', '.join('any' if n is None else str(n) for n in shape)})"
    if not isinstance(array, np.ndarray):
        raise TracksError(f"{name} is a {type(array).__name__}; it has to be an array {wanted}")
    fits = len(array.shape) == len(shape) and all(
        wanted_length in (None, length)
        for length, wanted_length in zip(array.shape, shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        raise TracksError(f"{name} is {array.dtype.name} {array.shape}; it has to be {wanted}")


def check_finite(name: str, array: np.ndarray) -> None:
    """Check that every number is finite.

    Raises:
        TracksError: naming the first entry that is not.
    """
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise TracksError(
            f"{name} holds {array[where]} at {list(where)}; give finite numbers "
            "(what is not known is marked in the state)"
        )


def check_state(name: str, state: np.ndarray) -> None:
    """Check that every entry is one of the three states.

    Raises:
        TracksError: naming the first entry that is not.
    """
    bad = state > max(State)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise TracksError(
            f"{name} holds {state[where]} at {list(where)}; it has to be 0 (unspecified), "
            "1 (visible) or 2 (occluded)"
        )


def check_depth(name: str, depth: np.ndarray) -> None:
    """Check that no depth is NaN; infinity is the farthest there is.

    Raises:
        TracksError: a depth is NaN.
    """
    if np.isnan(depth).any():
        raise TracksError(f"{name} holds NaN; give numbers, smaller is nearer, inf is farthest")


def check_alike(what: str, items: Iterable[Any]) -> None:
    """Check that things to be joined have the same frames, size and fps.

    Raises:
        TracksError: they differ.
    """
    seen = {(item.frames, item.size, item.fps) for item in items}
    if len(seen) > 1:
        told = " and ".join(
            f"{t} frames of {w}x{h} at {fps:g} fps" for t, (w, h), fps in sorted(seen)
        )
        raise TracksError(f"{what} differ: {told}; resize and resample them to one first")


def as_state(state: Any, shape: tuple[int, int]) -> np.ndarray:
    """States as uint8: None is visible throughout, a boolean array is visible or occluded.

    Raises:
        TracksError: a number is none of the three states, or the shape does not fit.
    """
    if state is None:
        return np.full(shape, State.VISIBLE, np.uint8)
    given = np.asarray(state)
    if given.dtype == bool:
        return seen_or_hidden(given)
    if not np.isin(given, list(State)).all():
        raise TracksError(
            "a state is none of 0 (unspecified), 1 (visible) and 2 (occluded); give one of them"
        )
    return given.astype(np.uint8)


def seen_or_hidden(visible: Bool[np.ndarray, "*shape"]) -> np.ndarray:
    """States of points that are all there: VISIBLE where true, else OCCLUDED."""
    return np.where(visible, np.uint8(State.VISIBLE), np.uint8(State.OCCLUDED))


def as_group(group: Any, count: int) -> np.ndarray | None:
    """Group ids as int32 (count,); one number is everybody's.

    Raises:
        TracksError: an id is not a whole number, or there are too many or too few.
    """
    if group is None:
        return None
    given = np.asarray(group)
    limit = np.iinfo(np.int32).max
    if not np.all((given == np.round(given)) & (np.abs(given) <= limit)):
        raise TracksError(f"a group id is no whole number up to {limit}; give integers")
    return as_filled("group", given, np.int32, (count,))


def as_filled(
    name: str, values: Any, dtype: type[np.generic], shape: tuple[int, ...]
) -> np.ndarray:
    """`values` as an array of that type, repeated to `shape` where they are fewer.

    Raises:
        TracksError: they do not fit.
    """
    given = np.asarray(values)
    try:
        return np.array(np.broadcast_to(given, shape), dtype=dtype)
    except (ValueError, TypeError):
        raise TracksError(
            f"{name} is {given.dtype.name} {given.shape}; it has to fit {shape}"
        ) from None


def joined(items: Sequence[Any], name: str, missing: np.generic) -> np.ndarray | None:
    """One optional field of all items, `missing` where an item has none; None if all have none."""
    held = [getattr(item, name) for item in items]
    there = [array for array in held if array is not None]
    if not there:
        return None
    rest = there[0].shape[1:]
    return np.concatenate(
        [
            np.full((item.count, *rest), missing) if array is None else array
            for item, array in zip(items, held, strict=True)
        ]
    )


def _whole(value: Any) -> bool:
    """Whether this is a number without a fraction."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and isfinite(value)
        and value == int(value)
    )


def _listed(values: tuple[Any, ...]) -> str:
    """Numbers as a person writes them."""
    return ", ".join(str(value) for value in values) or "nothing"
