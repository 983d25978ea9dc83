"""Pictures that some frames of a clip are to be like: what SparseCtrl reads."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from kineograph.core.errors import ModelError

NOWHERE = -1
"""The frame of a place that holds no key frame: clips of a batch may have different numbers."""


@dataclass(frozen=True, eq=False)
class KeyFrames:
    """K places for key frames in each of B clips.

    Attributes:
        images: (B, K, 3, H, W) in -1..1, RGB, as large as the clip in pixels.
        frames: (B, K) the frame of the clip that each belongs to, from 0; `NOWHERE` leaves the
            place empty. A frame has one picture at most.
        latents: (B, K, c, h, w) the same pictures through the VAE, scaled as its config says; the
            RGB variant of SparseCtrl reads them.

    Raises:
        ModelError: the parts do not fit each other, or a frame is given twice.
    """

    images: Float[Tensor, "_ _ 3 height width"]
    frames: Int[Tensor, "batch keys"]
    latents: Float[Tensor, "_ _ cells rows columns"] | None = None

    def __post_init__(self) -> None:
        place = tuple(self.frames.shape)
        parts = {"images": self.images, "latents": self.latents}
        for name, part in parts.items():
            if part is not None and tuple(part.shape[:2]) != place:
                raise ModelError(
                    f"{name} of key frames are {tuple(part.shape[:2])} (clips, key frames) and "
                    f"their frames {place}; give one frame number to each picture"
                )
        for clip in self.frames.tolist():
            _check_frames(clip)

    @classmethod
    def first(
        cls,
        picture: Float[Tensor, "batch 3 height width"],
        latent: Float[Tensor, "batch cells rows columns"] | None = None,
        given: Bool[Tensor, " batch"] | None = None,
    ) -> "KeyFrames":
        """The picture of each clip as its frame 0; `given` says which clips have one."""
        frames = torch.zeros(len(picture), 1, dtype=torch.int64, device=picture.device)
        if given is not None:
            frames = frames.masked_fill(~given[:, None].to(picture.device), NOWHERE)
        return cls(picture[:, None], frames, None if latent is None else latent[:, None])

    @property
    def batch(self) -> int:
        """How many clips."""
        return self.frames.shape[0]

    @property
    def count(self) -> int:
        """How many places a clip has."""
        return self.frames.shape[1]

    def check_frames(self, frames: int) -> None:
        """Check that every key frame lies in a clip of so many frames.

        Raises:
            ModelError: one lies behind the end.
        """
        last = int(self.frames.max()) if self.frames.numel() else NOWHERE
        if last >= frames:
            raise ModelError(
                f"a key frame was given for frame {last}; the clip has frames 0 to {frames - 1}"
            )

    def cleared(self) -> "KeyFrames":
        """The same shapes, no key frame in any clip."""
        return replace(self, frames=torch.full_like(self.frames, NOWHERE))

    def to(self, device: torch.device | str) -> "KeyFrames":
        """The same on another device."""
        latents = None if self.latents is None else self.latents.to(device)
        return KeyFrames(self.images.to(device), self.frames.to(device), latents)

    def repeat(self, times: int) -> "KeyFrames":
        """The whole batch `times` over, one copy behind the other."""
        latents = None if self.latents is None else self.latents.repeat(times, 1, 1, 1, 1)
        return KeyFrames(
            self.images.repeat(times, 1, 1, 1, 1), self.frames.repeat(times, 1), latents
        )


def _check_frames(clip: list[int]) -> None:
    """Check the key frames of one clip.

    Raises:
        ModelError: a frame is below `NOWHERE`, or given twice.
    """
    held = [frame for frame in clip if frame != NOWHERE]
    if any(frame < 0 for frame in held):
        raise ModelError(
            f"a key frame was given for frame {min(held)}; count frames from 0 "
            f"({NOWHERE} leaves a place empty)"
        )
    if len(set(held)) < len(held):
        twice = next(frame for frame in held if held.count(frame) > 1)
        raise ModelError(f"frame {twice} was given two key frames; give one picture to a frame")
