"""Masks: which pixels are of one thing. What finds them, and their files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from kineograph.core.errors import OutputError, VisionError
from kineograph.core.files import whole_file
from kineograph.core.picture import read_picture

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in raster pixels."""


@runtime_checkable
class Masker(Protocol):
    """Finds the part or object that a click or a box means."""

    def __call__(
        self,
        picture: UInt8[np.ndarray, "height width 3"],
        *,
        points: Float[np.ndarray, "points 2"] | None = None,
        labels: Bool[np.ndarray, " points"] | None = None,
        box: Box | None = None,
    ) -> Bool[np.ndarray, "height width"]:
        """The pixels of what is meant.

        Convention: (x, y) in raster pixels; the centre of the top-left pixel is (0.5, 0.5).

        Args:
            picture: RGB.
            points: clicks.
            labels: whether each click is on the thing (true) or beside it; left out, all are on it.
            box: what encloses the thing.

        Raises:
            VisionError: nothing is meant, or a click or the box is not on the picture.
        """
        ...


def checked_prompt(
    picture: UInt8[np.ndarray, "height width 3"],
    points: Float[np.ndarray, "points 2"] | None,
    labels: Bool[np.ndarray, " points"] | None,
    box: Box | None,
) -> tuple[np.ndarray, np.ndarray, Box | None]:
    """Clicks (n, 2), whether each is on the thing, and the box cut to the picture.

    Raises:
        VisionError: as `Masker.__call__`.
    """
    height, width = picture.shape[:2]
    clicks = np.zeros((0, 2)) if points is None else np.asarray(points, np.float64)
    on = np.ones(len(clicks), bool) if labels is None else np.asarray(labels, bool)
    if box is None and not on.any():
        raise VisionError("nothing says what is meant; give a click on it or a box around it")
    for x, y in clicks:
        if not (0 <= x < width and 0 <= y < height):
            raise VisionError(
                f"the click at {x:g},{y:g} lies outside the picture of {width}x{height}; "
                "move it inside"
            )
    if box is not None:
        x0, y0, x1, y1 = (float(side) for side in box)
        box = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
        if not (box[2] - box[0] >= 2 and box[3] - box[1] >= 2):
            raise VisionError(
                f"the box {x0:g},{y0:g},{x1:g},{y1:g} holds nothing of the picture of "
                f"{width}x{height}; give left, top, right and bottom of one that does"
            )
    return clicks, on, box


def grow_back(
    mask: Bool[np.ndarray, "rows columns"], picture: UInt8[np.ndarray, "height width 3"]
) -> Bool[np.ndarray, "height width"]:
    """A mask found on a smaller copy of the picture, brought to full size along its edges.

    A guided filter (He et al., 2010) with the grey picture as guide.
    """
    height, width = picture.shape[:2]
    if mask.shape == (height, width):
        return mask
    reach = 2 * int(np.ceil(width / mask.shape[1])) + 1
    coarse = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_REFLECT)

    guide_mean, coarse_mean = mean(guide), mean(coarse)
    spread = mean(guide * guide) - guide_mean**2 + np.float32(1e-3)
    slope = (mean(guide * coarse) - guide_mean * coarse_mean) / spread
    return mean(slope) * guide + mean(coarse_mean - slope * guide_mean) > 0.5


def read_mask(path: Path | str) -> Bool[np.ndarray, "height width"]:
    """A mask from a picture's file: white, or anything lighter than middle grey, is in it.

    Raises:
        PictureError: the file is missing, broken or no picture.
        VisionError: the mask is empty.
    """
    mask = read_picture(path).mean(axis=2) >= 128
    if not mask.any():
        raise VisionError(f"the mask {path} is black all over; paint white what is meant")
    return mask


def write_mask(path: Path | str, mask: Bool[np.ndarray, "height width"]) -> None:
    """Write a mask as a `.png`: white is in it, black is not.

    Raises:
        OutputError: the name does not end in `.png`, or it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise OutputError(f"cannot write the mask {path}: name a file that ends in .png")
    with whole_file(path) as partial:
        Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(partial, format="PNG")


def tidy(
    mask: Bool[np.ndarray, "height width"], clicks: Sequence[tuple[int, int]]
) -> Bool[np.ndarray, "height width"]:
    """A mask without crumbs and pinholes: the pieces under the clicks, or the largest one.

    Args:
        mask: any.
        clicks: (row, column) of the clicks on the thing.
    """
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    under = {int(label[click]) for click in clicks} - {0}
    area = stats[:, cv2.CC_STAT_AREA].copy()
    area[0] = 0
    kept = np.isin(label, list(under or {int(area.argmax())}))
    outside = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    holes = outside[2][:, cv2.CC_STAT_AREA] < max(16, 0.02 * kept.sum())
    holes[0] = False
    return kept | holes[outside[1]]
