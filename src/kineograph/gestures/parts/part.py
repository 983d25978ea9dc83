"""The part of the picture that a drag takes along: under its press, in a box, or from a file."""

from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from jaxtyping import Bool, Float64
from pydantic import Discriminator, Tag

from kineograph.core.errors import DocumentError
from kineograph.gestures.base import check_amount
from kineograph.gestures.pin import Region, within
from kineograph.gestures.scene import Scene
from kineograph.gestures.writing.model import FileName
from kineograph.vision import eyes, masks

Whole = Literal["rigid", "similarity", "bend"]
"""How a part goes along: as it is, also larger and smaller, or bending as little as it can."""

PartRef = Annotated[
    Annotated[FileName, Tag("file")] | Annotated[Region, Tag("region")],
    Discriminator(lambda value: "file" if isinstance(value, str) else "region"),
]
"""A mask's file, a box around the part, or a polygon that is its outline."""

TRACKS = 1000
"""About how many tracks a part is given."""

SLACK = 2.0
"""A press that misses its part by no more than this many pixels is on it."""

Mask = Bool[np.ndarray, "height width"]

_SEEN: WeakKeyDictionary[Scene, dict[Any, Mask]] = WeakKeyDictionary()
"""The masks found on each scene's picture; finding one takes a while."""


def mask_of(part: Any, press: tuple[float, float], scene: Scene) -> Mask:
    """The pixels of a part.

    Args:
        part: what the drag says of it; None is what is under the press.
        press: x, y in canvas pixels.
        scene: of the drag.

    Raises:
        DocumentError: the press is beside the part, or there is no picture to find it on.
        KineographError: the mask cannot be read.
    """
    seen = _SEEN.setdefault(scene, {})
    key = part if part is not None else ("under", press)
    if key not in seen:
        seen[key] = _find(part, press, scene)
    x, y = press
    if not _near(seen[key], x, y):
        raise DocumentError(
            f"the press at {x:g},{y:g} is not on the part that is to go along; press on it, or "
            "name another part"
        )
    return seen[key]


def looks_at_picture(part: Any) -> bool:
    """Whether a part is found on the picture: not if it is a file or a polygon."""
    return part is None or not (isinstance(part, str) or _is_polygon(part))


def _is_polygon(part: Any) -> bool:
    return isinstance(part[0], tuple)


def _near(mask: Mask, x: float, y: float) -> bool:
    rows = slice(max(int(y - SLACK), 0), int(y + SLACK) + 1)
    return bool(mask[rows, max(int(x - SLACK), 0) : int(x + SLACK) + 1].any())


def _find(part: Any, press: tuple[float, float], scene: Scene) -> Mask:
    if isinstance(part, str):
        held = masks.read_mask(scene.find_file(part)).astype(np.uint8)
        return cv2.resize(held, scene.size, interpolation=cv2.INTER_NEAREST) > 0
    if part is not None and _is_polygon(part):
        width, height = scene.size
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        inside = within(np.stack([x.ravel(), y.ravel()], axis=1), np.array(part, np.float64))
        return inside.reshape(height, width)
    if scene.picture is None:
        raise DocumentError(
            "a whole part is found on the picture, and there is none; give the document a picture, "
            "or name the part by a mask file or a polygon"
        )
    return eyes.eye("mask")(scene.picture, points=np.array([press]), box=part)


def spacing_of(mask: Mask, stride: float | None) -> float:
    """The distance between the tracks of a part; without a stride, for about `TRACKS` of them."""
    return max(2.0, float(np.sqrt(mask.sum() / TRACKS))) if stride is None else stride


def seeds_of(
    mask: Mask, press: tuple[float, float], spacing: float, scene: Scene
) -> Float64[np.ndarray, "tracks 2"]:
    """A square grid of points on a part, one of them the press.

    Raises:
        DocumentError: there are too many.
    """
    check_amount(mask.sum() / spacing**2, scene, "give a larger stride")
    width, height = scene.size
    x = np.arange(press[0] % spacing, width, spacing)
    y = np.arange(press[1] % spacing, height, spacing)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    inside = mask[points[:, 1].astype(int), points[:, 0].astype(int)]
    inside |= np.abs(points - press).max(axis=1) < 1e-6 * spacing
    return points[inside]


def at(mask: Mask, points: Float64[np.ndarray, "points 2"]) -> Bool[np.ndarray, " points"]:
    """Which points lie on a part."""
    height, width = mask.shape
    x, y = np.floor(points).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside & mask[y.clip(0, height - 1), x.clip(0, width - 1)]
