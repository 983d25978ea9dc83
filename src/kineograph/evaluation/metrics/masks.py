"""How well masks are filled: where objects' pixels are in a video against where they are in truth.

In a generated video an object is where its points have gone: they are placed inside its mask in the
first frame, which the picture gives, followed, and a similarity fitted to their motion moves the
mask. With SAM 2 the moved box is only a hint, and the pixels are found in each frame anew.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from jaxtyping import Bool, Float64

from kineograph.core.errors import VisionError
from kineograph.data.clip import Clip
from kineograph.evaluation.locating import Located
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.located import located, overlaps
from kineograph.vision.masks import Masker

Mask = Bool[np.ndarray, "height width"]
Masks = Bool[np.ndarray, "frames height width"]

SAM = "sam2"
"""The backbone that finds pixels anew."""


def mask_iou(look: Look, backbone: str = "") -> float:
    """The mean intersection over union of objects' masks, 0 to 1, higher is better.

    Over the objects that the first frame shows and the later frames in which the true mask is not
    empty. MagicMotion's Mask IoU (arXiv:2503.16421, MagicBench), with this module's way of finding
    masks in place of a video segmenter. NaN without a picture, or where no object is left.

    Args:
        look: at the sample.
        backbone: `SAM` for pixels found in each frame; empty for the moved first mask.
    """
    return _mean(look, backbone, _mask_overlaps)


def box_iou(look: Look, backbone: str = "") -> float:
    """The same for the boxes around the masks, 0 to 1, higher is better: MagicBench's Box IoU."""
    return _mean(look, backbone, _box_overlaps)


def moved_mask(mask: Mask, found: Located, frame: int) -> Mask:
    """A mask of the frame an object was first seen in, moved, turned and scaled to another frame.

    What moves into the picture from outside is unknown and empty; what leaves it is cut off.
    """
    height, width = mask.shape
    angle = 0.0 if found.turn is None else float(np.radians(found.turn[frame]))
    factor = float(found.scale[frame] / max(found.scale[found.first], 1e-9))
    turn = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    begun, ended = found.centres[found.first] - 0.5, found.centres[frame] - 0.5  # pixels' centres
    matrix = np.concatenate([turn, (ended - turn @ begun)[:, None]], axis=1)
    moved = cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
    return np.asarray(moved > 0)


def around(masks: Masks) -> Float64[np.ndarray, "frames 4"]:
    """The box around each mask, x0, y0, x1, y1 in raster pixels; zeros where it is empty."""
    boxes = np.zeros((len(masks), 4))
    for index, mask in enumerate(masks):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows):
            boxes[index] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes


def _mean(
    look: Look, backbone: str, compare: Callable[[Masks, Masks], Float64[np.ndarray, " frames"]]
) -> float:
    truth, held = look.truth, [np.zeros(0)]
    assert truth.masks is not None
    for item, mask in enumerate(truth.masks):
        found = _found(look, truth, item, backbone) if mask[0].any() else None
        if found is not None:
            frames = 1 + np.flatnonzero(mask[1:].any(axis=(1, 2)))
            held.append(compare(found[frames], mask[frames]))
    values = np.concatenate(held)
    return float(values.mean()) if len(values) else float("nan")


def _found(look: Look, truth: Clip, item: int, backbone: str) -> Masks | None:
    """An object's masks in the generated video, found once."""

    def find() -> Masks | None:
        assert truth.masks is not None
        if truth.boxes is None or truth.boxes.count <= item:
            return None
        place = located(look, truth, item)
        if place is None or place.first != 0:
            return None
        begun = truth.masks[item, 0]
        moved = np.stack([moved_mask(begun, place, frame) for frame in range(truth.frames)])
        return _anew(look, moved, backbone) if backbone else moved

    masks: Masks | None = look.once(f"masks of object {item} {backbone}", find)
    return masks


def _anew(look: Look, moved: Masks, backbone: str) -> Masks:
    """The pixels that a segmenter finds in the boxes around moved masks."""
    masker: Masker = look.backbones.get(backbone)
    found = np.zeros_like(moved)
    for index, box in enumerate(around(moved)):
        if (box[2:] - box[:2]).min() >= 2:
            try:
                x0, y0, x1, y1 = (float(side) for side in box)
                found[index] = masker(look.sample.frames[index], box=(x0, y0, x1, y1))
            except VisionError:  # nothing there: the mask stays empty, and overlaps with nothing
                continue
    return found


def _mask_overlaps(found: Masks, true: Masks) -> Float64[np.ndarray, " frames"]:
    shared = (found & true).sum(axis=(1, 2))
    return np.asarray(shared / np.maximum((found | true).sum(axis=(1, 2)), 1), np.float64)


def _box_overlaps(found: Masks, true: Masks) -> Float64[np.ndarray, " frames"]:
    height, width = true.shape[1:]
    return overlaps(around(found), around(true), (width, height))


def _metric(name: str, title: str, what: str, measure: Callable[..., float], by: str) -> Metric:
    return Metric(
        name=f"{name}-sam2" if by else name,
        title=f"{title} (SAM 2)" if by else title,
        what=f"{what}; {'SAM 2 finds them' if by else 'the first mask moves with its points'}",
        measure=partial(measure, backbone=by),
        better="higher",
        range=(0.0, 1.0),
        needs=frozenset({"picture", "masks", "true boxes"}),
        backbones=(by,) if by else (),
        motion=True,
        source="MagicBench (arXiv:2503.16421)",
    )


METRICS: tuple[Metric, ...] = tuple(
    metric
    for by in ("", SAM)
    for metric in (
        _metric("mask-iou", "Mask IoU", "mean overlap of objects' pixels", mask_iou, by),
        _metric(
            "mask-box-iou",
            "Box IoU",
            "mean overlap of the boxes around objects' pixels",
            box_iou,
            by,
        ),
    )
)
