"""Optical flow by RAFT (Teed and Deng, 2020), with torchvision's networks."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.vision.checkpoint import checkpoint_file, fill, need, read_state
from kineograph.vision.eyes import EYES
from kineograph.vision.flow import check_pair

WHAT = "RAFT"
INSTALL, FETCH = EYES["flow"]["raft"].install, EYES["flow"]["raft"].fetch

MULTIPLE = 8
"""Sides have to be multiples of this; pictures are padded."""

SMALLEST = 128
"""The correlation pyramid needs sides of at least this."""


class RaftFlow:
    """An `OpticalFlow` by torchvision's RAFT; large or small, as the weights are.

    Args:
        weights: a checkpoint of torchvision's `raft_large` or `raft_small`, or a folder with one.
        device: where it runs: "cpu", "cuda", "cuda:1".

    Raises:
        VisionError: torchvision is missing or not for the installed torch; or the weights are
            missing or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        models = need("torchvision.models.optical_flow", WHAT, INSTALL)
        path = checkpoint_file(weights, WHAT, FETCH)
        state = read_state(path, WHAT, FETCH)
        # the small network upsamples bilinearly and has no mask predictor
        large = any(name.startswith("mask_predictor") for name in state)
        model: Any = (models.raft_large if large else models.raft_small)(weights=None)
        fill(model, state, path, WHAT)
        self._model, self._device = model.to(device).eval(), device

    def __call__(
        self,
        first: UInt8[np.ndarray, "height width 3"],
        second: UInt8[np.ndarray, "height width 3"],
    ) -> Float32[np.ndarray, "height width 2"]:
        """See `OpticalFlow`.

        Raises:
            PictureError: the pictures differ in size.
        """
        import torch

        check_pair(first, second)
        height, width = first.shape[:2]
        pair = [torch.from_numpy(_padded(image)).to(self._device) for image in (first, second)]
        with torch.inference_mode():
            flow = self._model(pair[0], pair[1])[-1][0]
        return flow.permute(1, 2, 0)[:height, :width].float().cpu().numpy().copy()


def _padded(image: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "1 3 rows columns"]:
    """-1 to 1, right and bottom edge repeated up to a size that the network takes."""
    sides = [max(SMALLEST, -(-side // MULTIPLE) * MULTIPLE) for side in image.shape[:2]]
    grow = [(0, want - side) for want, side in zip(sides, image.shape[:2], strict=True)]
    padded = np.pad(image, (*grow, (0, 0)), mode="edge").astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(padded.transpose(2, 0, 1))[None]
