"""Poses by ViTPose (Xu et al. 2022), through transformers; its weights are Apache-2.0."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from scipy.ndimage import gaussian_filter

from kineograph.core.errors import VisionError
from kineograph.vision.eyes import EYES
from kineograph.vision.pose import JOINTS, Pose
from kineograph.vision.weights import load

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
"""Mean and standard deviation of ImageNet's colours, which the model was trained on."""

MARGIN = 1.25
"""How much more than the person's box the model is shown."""

Box = tuple[float | int, float | int, float | int, float | int]


class VitPose:
    """Joints of people whose boxes are known.

    Convention: boxes and joints are in raster pixels; the model's own have (0, 0) at the centre of
    the top-left pixel.

    Args:
        weights: a folder, or a name on the hub, of a VitPoseForPoseEstimation.
        device: where it runs, as torch calls it.

    Raises:
        VisionError: the weights are missing or are of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        from transformers import VitPoseForPoseEstimation

        self.model = load(
            VitPoseForPoseEstimation.from_pretrained, weights, EYES["pose"]["vitpose"]
        )
        self.model.eval().to(device)
        self.device = device
        if self.model.config.num_labels != len(JOINTS):
            raise VisionError(
                f"the weights {weights} find {self.model.config.num_labels} joints; give a model "
                f"for COCO's {len(JOINTS)}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what the model is shown."""
        height, width = self.model.config.backbone_config.image_size
        return int(height), int(width)

    def __call__(
        self,
        picture: UInt8[np.ndarray, "height width 3"],
        boxes: Sequence[Box] | None = None,
    ) -> list[Pose]:
        """One pose for each box.

        Args:
            picture: RGB.
            boxes: x0, y0, x1, y1 around each person; left out, the picture is of one person.

        Raises:
            VisionError: a box is empty.
        """
        height, width = picture.shape[:2]
        people = list(boxes if boxes is not None else [(0.0, 0.0, float(width), float(height))])
        if not people:
            return []
        views = [_view(box, self.shape) for box in people]
        shown = np.stack([_shown(picture, view, self.shape) for view in views])
        return [_pose(heat, view) for heat, view in zip(self._heatmaps(shown), views, strict=True)]

    def _heatmaps(
        self, shown: Float32[np.ndarray, "people 3 rows columns"]
    ) -> Float32[np.ndarray, "people joints rows2 columns2"]:
        """What the model makes of the people."""
        import torch

        given: dict[str, Any] = {"pixel_values": torch.from_numpy(shown).to(self.device)}
        if getattr(self.model.config.backbone_config, "num_experts", 1) > 1:
            # of the data sets that ViTPose+ learnt from, the first is COCO
            given["dataset_index"] = torch.zeros(len(shown), dtype=torch.long, device=self.device)
        with torch.inference_mode():
            return self.model(**given).heatmaps.float().cpu().numpy()


def _view(box: Box, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Centre and size of what is shown of a box, in pixels between pixel centres."""
    x0, y0, x1, y1 = box
    if not (x1 > x0 and y1 > y0):
        raise VisionError(
            f"the box {x0:g},{y0:g},{x1:g},{y1:g} of a person has no area; give the left, top, "
            "right and bottom side in this order"
        )
    wide, high = x1 - x0, y1 - y0
    ratio = shape[1] / shape[0]
    size = np.array([max(wide, high * ratio), max(high, wide / ratio)]) * MARGIN
    return np.array([(x0 + x1) / 2 - 0.5, (y0 + y1) / 2 - 0.5]), size


def _shown(
    picture: UInt8[np.ndarray, "height width 3"],
    view: tuple[np.ndarray, np.ndarray],
    shape: tuple[int, int],
) -> Float32[np.ndarray, "3 rows columns"]:
    """The part of the picture as the model wants it.

    The corner pixels' centres lie on the corners of the view (Huang et al. 2020, "The Devil is in
    the Details").
    """
    centre, size = view
    scale = (np.array([shape[1], shape[0]]) - 1) / size
    matrix = np.column_stack([np.diag(scale), -scale * (centre - size / 2)])
    part = cv2.warpAffine(picture, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR)
    return ((part.astype(np.float32) / 255 - MEAN) / SPREAD).transpose(2, 0, 1)


def _pose(
    heat: Float32[np.ndarray, "joints rows columns"], view: tuple[np.ndarray, np.ndarray]
) -> Pose:
    """The joints at the peaks of their maps, and how high these are."""
    joints, rows, columns = heat.shape
    peak = heat.reshape(joints, -1).argmax(axis=1)
    row, column = np.divmod(peak, columns)
    score = heat[np.arange(joints), row, column].clip(0, 1)
    place = np.stack([column, row], axis=1) + _beyond(heat, row, column)
    centre, size = view
    points = place * size / (np.array([columns, rows]) - 1) + centre - size / 2 + 0.5
    return Pose(points.astype(np.float32), score.astype(np.float32))


def _beyond(
    heat: Float32[np.ndarray, "joints rows columns"], row: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """How far the true peak is from the largest value: a Newton step on the logarithm.

    Zhang et al. 2020, "Distribution-Aware Coordinate Representation for Human Pose Estimation".
    """
    smooth = np.stack([gaussian_filter(one, sigma=0.8, radius=5) for one in heat])
    log = np.pad(np.log(np.clip(smooth, 0.001, 50)), ((0, 0), (1, 1), (1, 1)), mode="edge")
    joint = np.arange(len(heat))

    def at(dx: int, dy: int) -> np.ndarray:
        return log[joint, row + 1 + dy, column + 1 + dx]

    slope = np.stack([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)], axis=1) / 2
    xx, yy = at(1, 0) - 2 * at(0, 0) + at(-1, 0), at(0, 1) - 2 * at(0, 0) + at(0, -1)
    xy = (at(1, 1) - at(1, 0) - at(0, 1) + 2 * at(0, 0) - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2
    bend = np.stack([np.stack([xx, xy], axis=1), np.stack([xy, yy], axis=1)], axis=1)
    step = -(np.linalg.pinv(bend) @ slope[..., None])[..., 0]
    return step.clip(-1, 1)  # a flat map says nothing of where its peak is
