"""What networks are given of a clip: picture, tracks and boxes as tensors, text apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError
from kineograph.models.key_frames import KeyFrames


@dataclass(frozen=True, eq=False)
class Given:
    """A batch of clips' conditions, before any adapter has read them.

    Convention: `size` is (width, height) of the video in pixels, a multiple of `stride`, the pixels
    a latent cell spans; latents are (height / stride, width / stride). What is not given is None
    for all clips of the batch; for some of them it is given as nothing: no track in any state, no
    box, `picture_given` false. Dropping a condition, in training or for guidance, is done here and
    nowhere else.

    Args:
        batch: clips.
        frames: frames of each.
        size: (width, height).
        stride: pixels a latent cell.
        picture: the first frame in [-1, 1].
        picture_latent: the first frame's latent, scaled as the base's autoencoder wants it.
        picture_given: which clips have a picture; all if None.
        picture_tokens: what the base's vision encoder makes of the picture.
        tracks: the motion prompts.
        boxes: where objects are.
        key_frames: other frames that are given, for SparseCtrl.
        generator: draws what an encoding draws, such as the identities of tracks.
        grow_soft: soft boxes are as a person gave them, and a network that was trained on grown
            ones (Boximator) grows them by the generator; in training they are grown already.

    Raises:
        ModelError: sizes or numbers of clips differ.
    """

    batch: int
    frames: int
    size: tuple[int, int]
    stride: int = 8
    picture: Float[Tensor, "batch 3 height width"] | None = None
    picture_latent: Float[Tensor, "batch channels h w"] | None = None
    picture_given: Bool[Tensor, " batch"] | None = None
    picture_tokens: Float[Tensor, "batch length token_width"] | None = None
    tracks: TrackBatch | None = None
    boxes: BoxBatch | None = None
    key_frames: KeyFrames | None = None
    generator: torch.Generator | None = None
    grow_soft: bool = False

    def __post_init__(self) -> None:
        width, height = self.size
        if width % self.stride or height % self.stride:
            raise ModelError(
                f"the clip is {width}x{height}; its sides have to be multiples of {self.stride}"
            )
        self._check_shape("the picture", self.picture, (height, width))
        self._check_shape("the picture's latent", self.picture_latent, self.grid)
        for name, held in (("tracks", self.tracks), ("boxes", self.boxes)):
            if held is not None and (held.batch, held.frames) != (self.batch, self.frames):
                raise ModelError(
                    f"the {name} are of {held.batch} clips of {held.frames} frames; "
                    f"{self.batch} of {self.frames} are wanted"
                )
        if self.tracks is not None and self.tracks.size != self.size:
            raise ModelError(
                f"the tracks are on a picture of {self.tracks.size[0]}x{self.tracks.size[1]} and "
                f"the clip is {width}x{height}; resize them first"
            )

    def _check_shape(self, what: str, held: Tensor | None, sides: tuple[int, int]) -> None:
        if held is not None and (held.shape[0], *held.shape[-2:]) != (self.batch, *sides):
            raise ModelError(
                f"{what} is {tuple(held.shape)}; {self.batch} of height and width {sides[0]}, "
                f"{sides[1]} are wanted"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """(height, width) of the latents, in cells."""
        return self.size[1] // self.stride, self.size[0] // self.stride

    def has_picture(self, device: torch.device | str | None = None) -> Float[Tensor, " batch"]:
        """1 for each clip that has a picture, else 0."""
        held = torch.ones(self.batch, device=device)
        if self.picture_latent is None and self.picture is None:
            return held * 0
        return held if self.picture_given is None else self.picture_given.to(held)

    def without(self, *names: str) -> "Given":
        """The same clips with nothing said of some conditions: "picture", "tracks" or "boxes"."""
        given = self
        for name in names:
            given = _DROPS[name](given)
        return given

    def to(self, device: torch.device | str) -> "Given":
        """The same on another device; the generator stays."""
        return self._each(lambda held: held.to(device))

    def _each(self, change: Callable[[Any], Any]) -> "Given":
        moved = {
            field.name: change(held)
            for field in fields(self)
            if hasattr(held := getattr(self, field.name), "to") and field.name != "generator"
        }
        return replace(self, **moved)


def _without_picture(given: Given) -> Given:
    nobody = torch.zeros(given.batch, dtype=torch.bool)
    held = next(
        (item for item in (given.picture_latent, given.picture) if item is not None), nobody
    )
    frames = None if given.key_frames is None else given.key_frames.cleared()
    return replace(given, picture_given=nobody.to(held.device), key_frames=frames)


def _without_tracks(given: Given) -> Given:
    return given if given.tracks is None else replace(given, tracks=given.tracks.cleared())


def _without_boxes(given: Given) -> Given:
    return given if given.boxes is None else replace(given, boxes=given.boxes.cleared())


_DROPS: dict[str, Callable[[Given], Given]] = {
    "picture": _without_picture,
    "tracks": _without_tracks,
    "boxes": _without_boxes,
}
CONDITIONS: Sequence[str] = tuple(_DROPS)
"""The conditions beside the text that can be dropped."""
