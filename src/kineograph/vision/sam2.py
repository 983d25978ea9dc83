"""Masks by Segment Anything 2 (Ravi et al., 2024), through transformers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from kineograph.core.errors import VisionError
from kineograph.vision.eyes import EYES
from kineograph.vision.masks import Box, checked_prompt
from kineograph.vision.weights import load

if TYPE_CHECKING:
    import torch

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What pictures are normalised by (ImageNet), as the released weights were trained."""


class Sam2:
    """Finds what clicks or a box mean; see `Masker`.

    Args:
        weights: a folder, or a name on the hub, of a SAM 2 or 2.1 model in transformers' layout.
        device: where it runs: "cpu", "cuda", "cuda:1".

    Raises:
        VisionError: the weights are missing, or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        from transformers import Sam2Model

        self._model: Any = load(Sam2Model.from_pretrained, weights, EYES["mask"]["sam2"])
        self._model = self._model.to(device).eval()
        self._side = int(self._model.config.prompt_encoder_config.image_size)
        self._device = device

    def __call__(
        self,
        picture: UInt8[np.ndarray, "height width 3"],
        *,
        points: Float[np.ndarray, "points 2"] | None = None,
        labels: Bool[np.ndarray, " points"] | None = None,
        box: Box | None = None,
    ) -> Bool[np.ndarray, "height width"]:
        """The pixels of what clicks or a box mean.

        One click alone may mean a part or the whole: of the three masks that the model gives then,
        the one that it trusts most is taken.

        Raises:
            VisionError: nothing is meant, or a click or the box is not on the picture.
        """
        import torch

        clicks, on, box = checked_prompt(picture, points, labels, box)
        height, width = picture.shape[:2]
        scale = self._side / np.array([width, height], np.float64)
        prompt: dict[str, Any] = {}
        if len(clicks):
            prompt["input_points"] = self._tensor((clicks * scale)[None, None])
            prompt["input_labels"] = torch.as_tensor(on[None, None].astype(np.int64))
            prompt["input_labels"] = prompt["input_labels"].to(self._device)
        if box is not None:
            prompt["input_boxes"] = self._tensor((np.array(box) * np.tile(scale, 2))[None, None])
        several = len(clicks) == 1 and box is None
        with torch.inference_mode():
            found = self._model(
                pixel_values=self._pixels(picture), multimask_output=several, **prompt
            )
        masks, trust = found.pred_masks[0, 0].float().cpu().numpy(), found.iou_scores[0, 0]
        mask = cv2.resize(masks[int(trust.argmax())], (width, height)) > 0
        if not mask.any():
            raise VisionError("SAM 2 found nothing there; click more points, or give a box")
        return mask

    def _pixels(self, picture: UInt8[np.ndarray, "height width 3"]) -> "torch.Tensor":
        """The picture as the model reads it: squeezed to its square, normalised, (1, 3, S, S).

        What `Sam2ImageProcessor` does, which needs torchvision.
        """
        square = cv2.resize(picture, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        normal = (square.astype(np.float32) / 255 - MEAN) / SPREAD
        return self._tensor(normal.transpose(2, 0, 1)[None])

    def _tensor(self, values: np.ndarray) -> "torch.Tensor":
        import torch

        return torch.as_tensor(np.ascontiguousarray(values, np.float32)).to(self._device)
