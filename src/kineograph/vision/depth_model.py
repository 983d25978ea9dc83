"""Depth by a learned model of transformers: Depth Anything, DPT, GLPN, ZoeDepth, Depth Pro."""

from math import sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image

from kineograph.core.cameras import intrinsics
from kineograph.core.errors import VisionError
from kineograph.vision.depth import Depth, from_nearness
from kineograph.vision.eyes import EYES
from kineograph.vision.weights import load

PREPARES = {
    "depth_anything": "DPTImageProcessorPil",
    "dpt": "DPTImageProcessorPil",
    "glpn": "GLPNImageProcessorPil",
    "zoedepth": "ZoeDepthImageProcessorPil",
    "depth_pro": None,
}
"""Families of models, and who prepares their pictures without torchvision; None is done here."""

NEAREST, FARTHEST = 1e-4, 1e4
"""Metres that a metric depth is kept within."""

PRO_SIDE = 1536
"""The side of the square that Depth Pro looks at, unless its folder says otherwise."""


class DepthModel:
    """Says how far away things are; see `DepthEstimator`.

    Models of metric depth (ZoeDepth, GLPN, Depth Pro, the metric Depth Anything) give metres, and
    Depth Pro also the lens. The others give inverse depth on an unknown scale and offset; the
    farthest is then taken to be 10 times as far as the nearest.

    Args:
        weights: a folder, or a name on the hub, such as "depth-anything/Depth-Anything-V2-Small-hf"
            or "Intel/zoedepth-nyu-kitti". Mind their licences: only the small Depth Anything V2 is
            free for commercial use.
        device: where it runs: "cpu", "cuda", "cuda:1".

    Raises:
        VisionError: the weights are missing, or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        import transformers

        eye = EYES["depth"]["model"]
        config: Any = load(transformers.AutoConfig.from_pretrained, weights, eye)
        self._kind = config.model_type
        if self._kind not in PREPARES:
            raise VisionError(
                f"{weights} holds a model of the kind {self._kind}; a depth model has to be one of "
                f"{', '.join(PREPARES)}"
            )
        maker = transformers.AutoModelForDepthEstimation.from_pretrained
        self._model: Any = load(maker, weights, eye, use_safetensors=True)
        self._model = self._model.to(device).eval()
        name = PREPARES[self._kind]
        self._prepare: Any = (
            None
            if name is None
            else load(getattr(transformers, name).from_pretrained, weights, eye)
        )
        self._device = device

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> Depth:
        """The depth of an RGB picture, on a map of the picture's size.

        Raises:
            VisionError: the model's answer is no depth.
        """
        import torch

        with torch.inference_mode():
            answer = self._model(pixel_values=self._pixels(picture).to(self._device))
        told = answer.predicted_depth.squeeze().float().cpu().numpy()
        if told.ndim != 2 or not np.isfinite(told).all():
            raise VisionError("the depth model's answer is not finite; other weights are needed")
        if self._kind == "depth_pro":
            return _of_depth_pro(told, answer.field_of_view, picture)
        fitted = _to_picture(told, picture, bool(getattr(self._prepare, "do_pad", False)))
        if self._metric:
            return Depth(fitted.clip(NEAREST, FARTHEST), None, True)
        return Depth(from_nearness(fitted))

    @property
    def _metric(self) -> bool:
        if self._kind == "depth_anything":
            return self._model.config.depth_estimation_type == "metric"
        return self._kind in ("zoedepth", "glpn")

    def _pixels(self, picture: UInt8[np.ndarray, "height width 3"]) -> Any:
        """The picture as the model wants it, (1, 3, height, width)."""
        import torch

        if self._prepare is not None:
            return self._prepare(images=Image.fromarray(picture), return_tensors="pt").pixel_values
        side = self._pro_side()
        scaled = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        return torch.nn.functional.interpolate(scaled, (side, side), mode="bilinear")

    def _pro_side(self) -> int:
        """Depth Pro takes squares that its patches and its scaled images fill exactly."""
        config = self._model.config
        ratio = min(getattr(config, "scaled_images_ratios", [0.25]))
        return int(config.patch_size / ratio) if hasattr(config, "patch_size") else PRO_SIDE


def _of_depth_pro(
    told: np.ndarray, fov: Any, picture: UInt8[np.ndarray, "height width 3"]
) -> Depth:
    """Metric depth out of Depth Pro's inverse depth for a focal length of one picture width."""
    height, width = picture.shape[:2]
    inverse = cv2.resize(told, (width, height), interpolation=cv2.INTER_LINEAR)
    K = None
    if fov is not None:
        angle = min(max(float(fov.reshape(-1)[0]), 1.0), 170.0)
        K = intrinsics(angle, (width, height))
        inverse = inverse * np.float32(width / K[0, 0])
    return Depth((1 / inverse.clip(1 / FARTHEST, 1 / NEAREST)).astype(np.float32), K, True)


def _to_picture(
    told: Float[np.ndarray, "rows columns"],
    picture: UInt8[np.ndarray, "height width 3"],
    padded: bool,
) -> Float32[np.ndarray, "height width"]:
    """The answer at the picture's size, without the border that ZoeDepth adds to what it sees."""
    height, width = picture.shape[:2]
    down, across = (int(sqrt(side / 2) * 3) if padded else 0 for side in (height, width))
    whole = cv2.resize(
        told, (width + 2 * across, height + 2 * down), interpolation=cv2.INTER_LINEAR
    )
    return np.ascontiguousarray(whole[down : down + height, across : across + width])
