"""Point tracks by CoTracker3 (Karaev et al., 2024), from the user's own installation of it."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange
from jaxtyping import Float, Float32

from kineograph.core.picture import fit
from kineograph.core.points import from_pixel_centres, scale, to_pixel_centres
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.vision.checkpoint import checkpoint_file, fill, need, read_state
from kineograph.vision.eyes import EYES
from kineograph.vision.tracker import check_queries, with_queries

if TYPE_CHECKING:
    pass

WHAT = "CoTracker3"
INSTALL, FETCH = EYES["tracker"]["cotracker"].install, EYES["tracker"]["cotracker"].fetch
FILE = "scaled_offline.pth"
WINDOW = 60
"""Frames of the transformer's window, as the released offline weights were trained."""

LICENCE = (
    "CoTracker3's code and weights are CC-BY-NC 4.0: what is made with them must not be used "
    "commercially"
)

CHUNK = 1024
"""Points that are tracked at a time, together; bounds the memory."""


class CoTracker:
    """A `PointTracker` by the offline CoTracker3, which sees the whole video at once.

    Warns of its licence, which forbids commercial use.

    Args:
        weights: the file `scaled_offline.pth`, or a folder that holds it.
        device: where it runs: "cpu", "cuda", "cuda:1".

    Raises:
        VisionError: the package or the weights are missing, or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        predictor = need("cotracker.predictor", WHAT, INSTALL)
        path = checkpoint_file(weights, WHAT, FETCH, FILE)
        warnings.warn(LICENCE, stacklevel=2)
        model: Any = predictor.CoTrackerPredictor(
            checkpoint=None, offline=True, v2=False, window_len=WINDOW
        )
        fill(model.model, read_state(path, WHAT, FETCH), path, WHAT)
        height, width = model.interp_shape
        self._size = (int(width), int(height))
        self._model, self._device = model.to(device).eval(), device

    def __call__(self, video: Video, queries: Float[np.ndarray, "queries 3"]) -> Tracks:
        """See `PointTracker`.

        Raises:
            TracksError: a query is outside the video.
        """
        import torch

        check_queries(video, queries)
        # The model stretches every video to its own size; given that size already, it leaves it.
        frames = np.stack([fit(frame, self._size) for frame in video.frames])
        clip = torch.from_numpy(rearrange(frames, "t h w c -> 1 t c h w")).to(self._device)
        asked = torch.from_numpy(to_model(queries, video.size, self._size)).to(self._device)
        points, seen = [], []
        with torch.inference_mode():
            for part in asked.split(CHUNK):
                tracks, visible = self._model(
                    clip.float(), queries=part[None], backward_tracking=True
                )
                points.append(rearrange(tracks, "1 t n xy -> n t xy").cpu().numpy())
                seen.append(rearrange(visible, "1 t n -> n t").cpu().numpy().astype(bool))
        return with_queries(
            from_model(points, self._size, video.size), _joined(seen, video), video, queries
        )


def to_model(
    queries: Float[np.ndarray, "queries 3"], size: tuple[int, int], model_size: tuple[int, int]
) -> Float32[np.ndarray, "queries 3"]:
    """Queries (frame, x, y) as CoTracker has them: its size, (0, 0) at a pixel's centre."""
    at = to_pixel_centres(scale(queries[:, 1:], size, model_size))
    return np.concatenate([queries[:, :1], at], axis=1).astype(np.float32)


def from_model(
    points: list[Float32[np.ndarray, "part frames 2"]],
    model_size: tuple[int, int],
    size: tuple[int, int],
) -> Float32[np.ndarray, "queries frames 2"]:
    """The inverse for tracks."""
    if not points:
        return np.zeros((0, 1, 2), np.float32)
    return scale(from_pixel_centres(np.concatenate(points)), model_size, size).astype(np.float32)


def _joined(seen: list[np.ndarray], video: Video) -> np.ndarray:
    return np.concatenate(seen) if seen else np.zeros((0, len(video)), bool)
