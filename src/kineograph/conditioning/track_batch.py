"""The tracks of a batch of clips as tensors, padded to one number of tracks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from torch import Tensor

from kineograph.core.checks import checked_size
from kineograph.core.errors import ModelError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks


@dataclass(frozen=True, eq=False)
class TrackBatch:
    """B clips of N tracks through T frames; N is the largest number, shorter lists are padded.

    Convention: (x, y) in raster pixels of a picture of `size`, as in `Tracks`. Padding tracks are
    unspecified throughout (state 0), and so nothing ever comes from them.
    """

    points: Float32[Tensor, "batch tracks frames 2"]
    """Positions, finite everywhere."""
    state: UInt8[Tensor, "batch tracks frames"]
    """Values of `State`: 0 unspecified, 1 visible, 2 occluded."""
    strength: Float32[Tensor, "batch tracks"]
    """How firmly each track is meant, 0 to 1."""
    depth: Float32[Tensor, "batch tracks frames"] | None
    """Order in depth, smaller is nearer, infinity farthest; None where no clip says."""
    size: tuple[int, int]
    """(width, height) of the picture in pixels."""

    @classmethod
    def of(
        cls,
        tracks: Sequence[Tracks | None],
        *,
        frames: int,
        size: tuple[int, int],
        device: torch.device | str | None = None,
    ) -> "TrackBatch":
        """A batch from the tracks of each clip; None is a clip without tracks.

        Without a strength a track is meant fully; where only some clips have a depth, the tracks
        of the others are farthest.

        Raises:
            ModelError: there is no clip, or tracks are for other frames or another size.
        """
        size = checked_size(size)
        _check_clips(tracks, frames, size)
        shape = (len(tracks), max(0 if clip is None else clip.count for clip in tracks))
        points = np.zeros((*shape, frames, 2), np.float32)
        state = np.zeros((*shape, frames), np.uint8)
        strength = np.zeros(shape, np.float32)
        depth = np.full((*shape, frames), np.inf, np.float32)
        given = [(i, clip) for i, clip in enumerate(tracks) if clip is not None]
        for i, clip in given:
            points[i, : clip.count] = clip.points
            state[i, : clip.count] = clip.state
            strength[i, : clip.count] = 1 if clip.strength is None else clip.strength
            if clip.depth is not None:
                depth[i, : clip.count] = clip.depth
        deep = any(clip.depth is not None for _, clip in given)
        return cls(
            points=torch.from_numpy(points),
            state=torch.from_numpy(state),
            strength=torch.from_numpy(strength),
            depth=torch.from_numpy(depth) if deep else None,
            size=size,
        ).to(device)

    @property
    def batch(self) -> int:
        """The number of clips."""
        return self.points.shape[0]

    @property
    def count(self) -> int:
        """The number of tracks a clip, padding included."""
        return self.points.shape[1]

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.points.shape[2]

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.points.device

    @property
    def visible(self) -> Bool[Tensor, "batch tracks frames"]:
        """Where a point can be seen, inside the picture or not."""
        return self.state == int(State.VISIBLE)

    @property
    def occluded(self) -> Bool[Tensor, "batch tracks frames"]:
        """Where a point's position is known but something hides it."""
        return self.state == int(State.OCCLUDED)

    @property
    def inside(self) -> Bool[Tensor, "batch tracks frames"]:
        """Where a position is in the picture, [0, W) x [0, H)."""
        bound = torch.tensor(self.size, dtype=torch.float32, device=self.device)
        return ((self.points >= 0) & (self.points < bound)).all(dim=3)

    def pixel_centres(self) -> Float32[Tensor, "batch tracks frames 2"]:
        """The positions counted from the centre of the top-left pixel.

        This is how OpenCV, CoTracker, Wan-Move and ATI count; see `core.points`.
        """
        return self.points - 0.5

    def to(self, device: torch.device | str | None) -> "TrackBatch":
        """The same tracks on a device; None leaves them where they are."""
        return replace(
            self,
            points=self.points.to(device),
            state=self.state.to(device),
            strength=self.strength.to(device),
            depth=None if self.depth is None else self.depth.to(device),
        )

    def cleared(self) -> "TrackBatch":
        """Tracks of the same shapes that say nothing: unspecified throughout."""
        return replace(self, state=torch.zeros_like(self.state))

    def repeat(self, times: int) -> "TrackBatch":
        """The whole batch so many times, one after the other: a, b becomes a, b, a, b.

        Raises:
            ModelError: `times` is not positive.
        """
        if times < 1:
            raise ModelError(f"a batch of tracks was to be repeated {times} times; give 1 or more")
        depth = None if self.depth is None else self.depth.repeat(times, 1, 1)
        return replace(
            self,
            points=self.points.repeat(times, 1, 1, 1),
            state=self.state.repeat(times, 1, 1),
            strength=self.strength.repeat(times, 1),
            depth=depth,
        )


def _check_clips(tracks: Sequence[Tracks | None], frames: int, size: tuple[int, int]) -> None:
    """There is a clip, and the tracks of all are for these frames and this size."""
    if not tracks:
        raise ModelError("a batch of no clips was given; give the tracks, or None, of at least one")
    if frames < 1:
        raise ModelError(f"a batch of {frames} frames was asked for; give 1 or more")
    for i, clip in enumerate(tracks):
        if clip is not None and clip.frames != frames:
            raise ModelError(
                f"the tracks of clip {i} have {clip.frames} frames and the batch has {frames}; "
                "resample() them first"
            )
        if clip is not None and clip.size != size:
            raise ModelError(
                f"the tracks of clip {i} are for {clip.size[0]}x{clip.size[1]} and the batch is "
                f"{size[0]}x{size[1]}; resize() them first"
            )
