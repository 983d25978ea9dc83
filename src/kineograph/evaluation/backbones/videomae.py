"""VideoMAE: a transformer over video patches (Tong et al. 2022, arXiv 2203.12602)."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor
from torch.nn import functional

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.filling import finite
from kineograph.evaluation.backbones.folders import check_kind, colours_of, load_network, told
from kineograph.evaluation.backbones.remembering import Remembering
from kineograph.evaluation.backbones.resizing import IMAGENET_COLOURS


class VideoMae:
    """VideoMAE's encoder, from a folder of transformers such as MCG-NJU/videomae-base.

    Args:
        place: the folder.
        device: where it runs.

    Raises:
        EvaluationError: the folder is broken or holds something else.
    """

    def __init__(self, place: Path, device: str = "cpu") -> None:
        from transformers import VideoMAEModel

        check_kind(place, "videomae", ("videomae",))
        self._network = load_network(VideoMAEModel, place, "videomae").to(device)
        with told(place, "videomae"):
            self._colours = colours_of(place, IMAGENET_COLOURS)
        self._device = device
        self._remembered = Remembering()

    @property
    def frames(self) -> int:
        """How many frames of a video it reads, and the fewest there may be; usually 16."""
        return int(self._network.config.num_frames)

    def features(
        self, frames: UInt8[np.ndarray, "t height width 3"]
    ) -> Float32[np.ndarray, " features"]:
        """The mean of the last layer's tokens, of a video of any size.

        As many frames as it reads are taken, evenly from the first to the last, and resized to its
        side (224): bilinear with smoothing, whatever the proportions.

        Raises:
            EvaluationError: the video is shorter, or a feature is not finite.
        """
        if len(frames) < self.frames:
            raise EvaluationError(
                f"VideoMAE reads {self.frames} frames, this video has {len(frames)}"
            )
        return self._remembered(self._made, frames)

    @torch.no_grad()
    def _made(self, frames: UInt8[np.ndarray, "t h w 3"]) -> Float32[np.ndarray, " features"]:
        at = np.linspace(0, len(frames) - 1, self.frames).round().astype(int)
        tokens = self._network(pixel_values=self._video(frames[at])[None]).last_hidden_state
        return finite(tokens.mean(dim=1)[0], "videomae")

    def _video(self, frames: UInt8[np.ndarray, "t h w 3"]) -> Float[Tensor, "t 3 side side"]:
        side = int(self._network.config.image_size)
        pictures = torch.from_numpy(np.ascontiguousarray(frames)).to(self._device)
        small = functional.interpolate(
            pictures.permute(0, 3, 1, 2).float() / 255,
            size=(side, side),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )
        mean, std = (torch.tensor(x, device=self._device)[:, None, None] for x in self._colours)
        return (small - mean) / std
