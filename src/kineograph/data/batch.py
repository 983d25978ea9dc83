"""Clips as a batch of tensors, as training reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.motion_heatmap import (
    Downsample,
    Last,
    Normalise,
    motion_heatmap,
    moving_points,
)
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError
from kineograph.data.clip import Clip, Fact

MAX_OBJECTS = 8
"""Boxed objects a clip, if nobody says (SMCD's number)."""

Held = TypeVar("Held")


@dataclass(frozen=True)
class Heatmaps:
    """How MotiF's heatmaps are made of the clips' flow; see `motion_heatmap`.

    Args:
        stride: pixels a latent cell.
        normalise: how flow is scaled before the sigmoid.
        last: what the last frame gets.
        downsample: how the map reaches the latent grid.
        inverse: 1 - m instead of m.
    """

    stride: int = 8
    normalise: Normalise = "clip-max"
    last: Last = "repeat"
    downsample: Downsample = "area"
    inverse: bool = False


@dataclass(frozen=True, eq=False)
class Batch:
    """B clips of T frames of one size.

    Args:
        pixels: RGB as it was read; `video` is the same as networks read it.
        captions: one a clip.
        names: where each clip comes from.
        fps: frames a second of each.
        tracks: None where no clip has any.
        boxes: None where no clip has any.
        flow: (dx, dy) in pixels from each frame to the next; None unless all clips have it.
        heatmap: how much each latent cell moves, 0 to 1; None unless asked for.
        motion: where each cell of the first frames' grids has gone, as of
            `conditioning.first_motion.motion_of`; None unless all clips have it.
        facts: what each caption says.
    """

    pixels: UInt8[Tensor, "batch 3 frames height width"]
    captions: tuple[str, ...]
    names: tuple[str, ...]
    fps: Float32[Tensor, " batch"]
    tracks: TrackBatch | None = None
    boxes: BoxBatch | None = None
    flow: Float32[Tensor, "batch pairs 2 height width"] | None = None
    heatmap: Float32[Tensor, "batch 1 frames rows columns"] | None = None
    motion: Float32[Tensor, "batch 4 frames cells_down cells_across"] | None = None
    facts: tuple[tuple[Fact, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def video(self) -> Float32[Tensor, "batch 3 frames height width"]:
        """The frames in -1..1, made where the pixels are."""
        return self.pixels.float() / 127.5 - 1

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.pixels.shape[2]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[4], self.pixels.shape[3]

    def to(self, device: torch.device | str | None) -> "Batch":
        """The same on a device; None leaves it where it is."""
        if device is None:
            return self
        return _each(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        """The same in memory that a GPU copies from while it computes."""
        return _each(self, lambda tensor: tensor.pin_memory())


def collate(
    clips: Sequence[Clip],
    *,
    device: torch.device | str | None = None,
    max_objects: int | None = MAX_OBJECTS,
    heatmaps: Heatmaps | Literal["masks"] | None = None,
) -> Batch:
    """A batch of clips of one size and length.

    Args:
        clips: at least one.
        device: where the batch is to be.
        max_objects: slots for boxed objects; of a clip with more the first are taken, as SMCD
            does. None makes as many as the fullest clip needs.
        heatmaps: how to make heatmaps of the flow; "masks" takes the masks of the things that move
            most (MotiF's variant with SAM 2), one value a pixel; None makes none.

    Raises:
        DataError: there is no clip, they differ, or one lacks the flow for a heatmap.
    """
    _check_alike(clips)
    frames, size = clips[0].frames, clips[0].size
    flow = _flow(clips)
    if heatmaps is not None and flow is None:
        lacking = next(clip.name for clip in clips if clip.flow is None)
        raise DataError(
            f"clip {lacking} has no flow to make a heatmap of; prepare the data with --flow"
        )
    return Batch(
        pixels=torch.stack([_pixels(clip) for clip in clips]),
        captions=tuple(clip.caption for clip in clips),
        names=tuple(clip.name for clip in clips),
        fps=torch.tensor([clip.fps for clip in clips], dtype=torch.float32),
        tracks=None
        if all(clip.tracks is None for clip in clips)
        else TrackBatch.of([clip.tracks for clip in clips], frames=frames, size=size),
        boxes=None
        if all(clip.boxes is None for clip in clips)
        else BoxBatch.of(
            [first_objects(clip.boxes, max_objects) for clip in clips],
            frames=frames,
            size=size,
            max_objects=max_objects,
        ),
        flow=flow,
        heatmap=_heatmap(clips, flow, heatmaps),
        motion=_motion(clips),
        facts=tuple(clip.facts for clip in clips),
    ).to(device)


def _heatmap(
    clips: Sequence[Clip],
    flow: Float32[Tensor, "batch pairs 2 height width"] | None,
    heatmaps: Heatmaps | Literal["masks"] | None,
) -> Float32[Tensor, "batch 1 frames rows columns"] | None:
    if heatmaps is None or flow is None:
        return None
    if isinstance(heatmaps, Heatmaps):
        return motion_heatmap(flow, **vars(heatmaps)).float()
    return torch.stack([moving_masks(clip, held) for clip, held in zip(clips, flow, strict=True)])


def moving_masks(
    clip: Clip, flow: Float32[Tensor, "pairs 2 height width"]
) -> Float32[Tensor, "1 frames height width"]:
    """1 on the things that the points of largest flow lie on, as `masked_heatmap` prompts SAM 2.

    Raises:
        DataError: the clip has no masks.
    """
    if clip.masks is None:
        raise DataError(
            f"clip {clip.name} has no masks for a heatmap; train on scenes, or turn focal.masks off"
        )
    columns, rows = moving_points(flow[0]).astype(np.int64).T
    chosen = clip.masks[:, 0][:, rows, columns].any(axis=1)
    return torch.from_numpy(clip.masks[chosen].any(axis=0)).float()[None]


def first_objects(boxes: Boxes | None, count: int | None) -> Boxes | None:
    """The boxes of the first `count` objects; all where there are no more, or it is None."""
    if boxes is None or count is None or boxes.count <= count:
        return boxes
    some: dict[str, Any] = {
        name: None if getattr(boxes, name) is None else getattr(boxes, name)[:count]
        for name in ("boxes", "state", "labels", "hard", "group", "depth")
    }
    return replace(boxes, **some)


def _pixels(clip: Clip) -> UInt8[Tensor, "3 frames height width"]:
    return torch.from_numpy(np.ascontiguousarray(rearrange(clip.video, "t h w c -> c t h w")))


def _flow(clips: Sequence[Clip]) -> Float[Tensor, "batch pairs 2 height width"] | None:
    """The flow of all clips, or None where one has none."""
    fields_ = [clip.flow for clip in clips if clip.flow is not None]
    if len(fields_) < len(clips):
        return None
    whole = np.stack([rearrange(field, "t h w c -> t c h w") for field in fields_])
    return torch.from_numpy(np.ascontiguousarray(whole, np.float32))


def _motion(clips: Sequence[Clip]) -> Float32[Tensor, "batch 4 frames rows columns"] | None:
    """The motion of all clips, or None where one has none."""
    held = [clip.motion for clip in clips if clip.motion is not None]
    return torch.from_numpy(np.stack(held)) if len(held) == len(clips) else None


def _check_alike(clips: Sequence[Clip]) -> None:
    if not clips:
        raise DataError("a batch of no clips was asked for; give at least one")
    for clip in clips:
        if clip.video.shape != clips[0].video.shape:
            raise DataError(
                f"{clip!r} and {clips[0]!r} were to be one batch; crop and resize clips to one "
                "size and take as many frames of each"
            )


def _each(held: Held, change: Any) -> Held:
    """A dataclass with every tensor in it, and in the dataclasses in it, changed."""
    changed: dict[str, Any] = {}
    for field in fields(held):  # type: ignore[arg-type] # it is a dataclass
        value = getattr(held, field.name)
        if isinstance(value, Tensor):
            changed[field.name] = change(value)
        elif is_dataclass(value):
            changed[field.name] = _each(value, change)
    return replace(held, **changed)  # type: ignore[type-var] # it is a dataclass
