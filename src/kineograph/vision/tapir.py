"""Point tracks by BootsTAPIR and TAPNext (Doersch et al., 2024; Zholus et al., 2025).

Both come with Google DeepMind's package tapnet, which the user installs. They share conventions:
raster coordinates as Kineograph's, queries as (frame, y, x), frames between -1 and 1.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from einops import rearrange
from jaxtyping import Bool, Float, Float32

from kineograph.core.picture import fit
from kineograph.core.points import scale
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.vision.checkpoint import checkpoint_file, fill, need, read_state
from kineograph.vision.eyes import EYES
from kineograph.vision.tracker import check_queries, with_queries

if TYPE_CHECKING:
    import torch

_TAPIR, _TAPNEXT = EYES["tracker"]["tapir"], EYES["tracker"]["tapnext"]
INSTALL, FETCH_TAPIR, FETCH_TAPNEXT = _TAPIR.install, _TAPIR.fetch, _TAPNEXT.fetch

TAPIR_SIDE = 512
"""BootsTAPIR is trained at 256 and, as its authors say, best at 512."""

TAPNEXT_SIDE = 256
"""TAPNext takes no other size."""

QUERY_CHUNK = 64
"""Points whose cost volumes are held at a time."""


class BootsTapir:
    """A `PointTracker` by BootsTAPIR, which matches every frame with the query's own.

    Args:
        weights: the file `bootstapir_checkpoint_v2.pt`, or a folder that holds it alone.
        device: where it runs: "cpu", "cuda", "cuda:1".
        side: the square that videos are brought to, in pixels, a multiple of 8.

    Raises:
        VisionError: the package or the weights are missing, or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu", *, side: int = TAPIR_SIDE) -> None:
        what = "BootsTAPIR"
        module = need("tapnet.torch.tapir_model", what, INSTALL)
        path = checkpoint_file(weights, what, FETCH_TAPIR, "bootstapir_checkpoint_v2.pt")
        model: Any = module.TAPIR(pyramid_level=1)
        fill(model, read_state(path, what, FETCH_TAPIR), path, what)
        self._model, self._device = model.to(device).eval(), device
        self._size = (side, side)

    def __call__(self, video: Video, queries: Float[np.ndarray, "queries 3"]) -> Tracks:
        """See `PointTracker`.

        Raises:
            TracksError: a query is outside the video.
        """
        import torch

        check_queries(video, queries)
        if len(queries) == 0:
            return with_queries(*_nothing(video), video, queries)
        asked = torch.from_numpy(to_model(queries, video.size, self._size)).to(self._device)
        clip = torch.from_numpy(frames_for(video, self._size)).to(self._device)
        with torch.inference_mode():
            told = self._model(clip[None], asked[None], query_chunk_size=QUERY_CHUNK)
        doubt = [torch.sigmoid(told[name][0]) for name in ("occlusion", "expected_dist")]
        seen = (1 - doubt[0]) * (1 - doubt[1]) > 0.5
        points = scale(told["tracks"][0].float().cpu().numpy(), self._size, video.size)
        return with_queries(points, seen.cpu().numpy(), video, queries)


class TapNext:
    """A `PointTracker` by TAPNext, which reads a video frame by frame.

    It tracks forwards only; what comes before a query is tracked in the reversed video. The
    package builds it on a CUDA device only.

    Args:
        weights: `bootstapnext_ckpt.npz`, or a PyTorch file of TAPNext or TAPNext++, or a folder
            that holds one alone.
        device: where it runs.

    Raises:
        VisionError: the package or the weights are missing, or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cuda") -> None:
        what = "TAPNext"
        module = need("tapnet.tapnext.tapnext_torch", what, INSTALL)
        path = checkpoint_file(weights, what, FETCH_TAPNEXT)
        model: Any = module.TAPNext(image_size=(TAPNEXT_SIDE, TAPNEXT_SIDE))
        if path.suffix == ".npz":  # arrays without pickles, named as in JAX
            tools = need("tapnet.tapnext.tapnext_torch_utils", what, INSTALL)
            model = tools.restore_model_from_jax_checkpoint(model, str(path))
        else:
            fill(model, read_state(path, what, FETCH_TAPNEXT, "tapnext."), path, what)
        self._model, self._device = model.to(device).eval(), device
        self._size = (TAPNEXT_SIDE, TAPNEXT_SIDE)

    def __call__(self, video: Video, queries: Float[np.ndarray, "queries 3"]) -> Tracks:
        """See `PointTracker`.

        Raises:
            TracksError: a query is outside the video.
        """
        check_queries(video, queries)
        if len(queries) == 0:
            return with_queries(*_nothing(video), video, queries)
        asked = to_model(queries, video.size, self._size)
        frames = frames_for(video, self._size)
        points, seen = self._run(frames, asked)
        if (asked[:, 0] > 0).any():
            back = asked.copy()
            back[:, 0] = len(video) - 1 - back[:, 0]
            earlier, seen_earlier = self._run(frames[::-1].copy(), back)
            before = np.arange(len(video))[None] < asked[:, :1]
            points = np.where(before[..., None], earlier[:, ::-1], points)
            seen = np.where(before, seen_earlier[:, ::-1], seen)
        return with_queries(scale(points, self._size, video.size), seen, video, queries)

    def _run(
        self,
        frames: Float32[np.ndarray, "frames height width 3"],
        asked: Float32[np.ndarray, "queries 3"],
    ) -> tuple[Float32[np.ndarray, "queries frames 2"], Bool[np.ndarray, "queries frames"]]:
        import torch

        points, seen = [], []
        with torch.inference_mode():
            for yx, visible in self._steps(frames, torch.from_numpy(asked)):
                points.append(rearrange(yx, "1 1 n yx -> n yx").flip(-1).float().cpu().numpy())
                seen.append((rearrange(visible, "1 1 n 1 -> n") > 0).cpu().numpy())
        return np.stack(points, axis=1), np.stack(seen, axis=1)

    def _steps(
        self, frames: Float32[np.ndarray, "frames height width 3"], asked: "torch.Tensor"
    ) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
        import torch

        state = None
        for frame in frames:
            image = torch.from_numpy(frame).to(self._device)[None, None]
            first = {"query_points": asked.to(self._device)[None]} if state is None else {}
            yx, _, visible, state = self._model(video=image, state=state, **first)
            yield yx, visible


def to_model(
    queries: Float[np.ndarray, "queries 3"], size: tuple[int, int], model_size: tuple[int, int]
) -> Float32[np.ndarray, "queries 3"]:
    """Queries (frame, x, y) as tapnet has them: (frame, y, x), raster pixels of its size."""
    at = scale(queries[:, 1:], size, model_size)
    return np.concatenate([queries[:, :1], at[:, ::-1]], axis=1).astype(np.float32)


def frames_for(video: Video, size: tuple[int, int]) -> Float32[np.ndarray, "frames height width 3"]:
    """The frames stretched to a size, -1 to 1."""
    frames = np.stack([fit(frame, size) for frame in video.frames])
    return frames.astype(np.float32) / np.float32(127.5) - 1


def _nothing(video: Video) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, len(video), 2), np.float32), np.zeros((0, len(video)), bool)
