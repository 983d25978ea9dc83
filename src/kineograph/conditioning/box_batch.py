"""A batch of clips' boxes as tensors: what grounding networks read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64, UInt8
from torch import Tensor

from kineograph.core.boxes import Boxes
from kineograph.core.errors import ModelError
from kineograph.core.state import State
from kineograph.core.tracks import NO_GROUP

Device = torch.device | str


@dataclass(frozen=True, eq=False)
class BoxBatch:
    """The boxes of B clips of T frames, in O slots; an object keeps its slot through its clip.

    Convention: x0, y0, x1, y1 as shares of the picture, (0, 0) its top-left and (1, 1) its
    bottom-right corner, cut to the picture: of a box that lies wholly beside it, its nearest part
    of the border is left, a line or a corner (Boximator's rule for crops; see `in_picture`).

    A box is given where its place is known, so a hidden object's box is given as well: whether the
    object can be seen there is for the model to draw. Slots without an object, and frames in which
    nobody says where the object is, are not given; their numbers are 0 and mean nothing.

    Args:
        boxes: (B, O, T, 4).
        state: (B, O, T) values of `State`.
        hard: (B, O, T) true where the object fills the box exactly, false where it is somewhere
            in it.
        labels: O names a clip; empty for slots without an object and objects without a name.
        instance: (B, O) which object the slot holds, 0 to O - 1: the same number for boxes of one
            group, else a number of its own.
        label_embedding: (B, O, D) the labels' features, once `with_labels` has been called.

    Raises:
        ModelError: shapes do not agree.
    """

    boxes: Float32[Tensor, "batch objects frames 4"]
    state: UInt8[Tensor, "batch objects frames"]
    hard: Bool[Tensor, "batch objects frames"]
    labels: tuple[tuple[str, ...], ...]
    instance: Int64[Tensor, "batch objects"]
    label_embedding: Float[Tensor, "batch objects width"] | None = None

    def __post_init__(self) -> None:
        batch, count, frames, _ = self.boxes.shape
        for name, held, wanted in (
            ("state", self.state.shape, (batch, count, frames)),
            ("hard", self.hard.shape, (batch, count, frames)),
            ("instance", self.instance.shape, (batch, count)),
            ("labels", (len(self.labels), *{len(names) for names in self.labels}), (batch, count)),
        ):
            if tuple(held) != wanted and batch > 0:
                raise ModelError(
                    f"{name} is {tuple(held)} beside boxes of {tuple(self.boxes.shape)}; "
                    f"it has to be {wanted}"
                )

    @classmethod
    def of(
        cls,
        boxes: Sequence[Boxes | None],
        *,
        frames: int,
        size: tuple[int, int],
        max_objects: int | None = 8,
        device: Device | None = None,
    ) -> "BoxBatch":
        """A batch from the boxes of each clip; None is a clip without boxes.

        Args:
            boxes: raster pixels of a picture of `size`.
            frames: frames of every clip.
            size: (width, height) of the picture.
            max_objects: slots a clip; None makes as many as the fullest clip needs.
            device: where the tensors are to be.

        Raises:
            ModelError: no clips, other numbers of frames, other sizes, or more objects than slots.
        """
        if not boxes:
            raise ModelError("no clips were given to batch the boxes of; give at least one")
        needed = max(0 if one is None else one.count for one in boxes)
        slots = needed if max_objects is None else max_objects
        for index, one in enumerate(boxes):
            _check_clip(index, one, frames, size, slots)
        held = [_Clip.of(one, frames, slots) for one in boxes]
        return cls(
            boxes=torch.from_numpy(np.stack([clip.boxes for clip in held])),
            state=torch.from_numpy(np.stack([clip.state for clip in held])),
            hard=torch.from_numpy(np.stack([clip.hard for clip in held])),
            labels=tuple(clip.labels for clip in held),
            instance=torch.from_numpy(np.stack([clip.instance for clip in held])),
        ).to(device)

    @property
    def batch(self) -> int:
        """The number of clips."""
        return self.boxes.shape[0]

    @property
    def count(self) -> int:
        """The number of slots a clip."""
        return self.boxes.shape[1]

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.boxes.shape[2]

    @property
    def given(self) -> Bool[Tensor, "batch objects frames"]:
        """Where a box is given; elsewhere a model reads its null token."""
        return self.state != int(State.UNSPECIFIED)

    @property
    def in_picture(self) -> Bool[Tensor, "batch objects frames"]:
        """Where a box is given and has an area inside the picture.

        For models that have never been trained on the lines that boxes beside the picture become:
        GLIGEN, SMCD, TrackDiffusion.
        """
        return self.given & (self.boxes[..., 2:] > self.boxes[..., :2]).all(dim=-1)

    def to(self, device: Device | None) -> "BoxBatch":
        """The same on a device; None leaves it where it is."""
        label = self.label_embedding
        return replace(
            self,
            boxes=self.boxes.to(device),
            state=self.state.to(device),
            hard=self.hard.to(device),
            instance=self.instance.to(device),
            label_embedding=None if label is None else label.to(device),
        )

    def cleared(self) -> "BoxBatch":
        """The same slots with nothing said of any of them."""
        return replace(self, state=torch.full_like(self.state, int(State.UNSPECIFIED)))

    def repeat(self, count: int) -> "BoxBatch":
        """The batch `count` times over."""
        label = self.label_embedding
        return replace(
            self,
            boxes=self.boxes.repeat(count, 1, 1, 1),
            state=self.state.repeat(count, 1, 1),
            hard=self.hard.repeat(count, 1, 1),
            labels=self.labels * count,
            instance=self.instance.repeat(count, 1),
            label_embedding=None if label is None else label.repeat(count, 1, 1),
        )

    def with_labels(self, embedding: Float[Tensor, "batch objects width"]) -> "BoxBatch":
        """The same with the features of its labels, as a text encoder makes them.

        Raises:
            ModelError: there is not one for each slot of each clip.
        """
        if embedding.ndim != 3 or embedding.shape[:2] != self.boxes.shape[:2]:
            raise ModelError(
                f"label features of {tuple(embedding.shape)} were given for {self.batch} clips of "
                f"{self.count} objects; give ({self.batch}, {self.count}, width)"
            )
        return replace(self, label_embedding=embedding.to(self.boxes.device))

    def require_labels(self) -> None:
        """Check that every object with a box has a label, as GLIGEN, SMCD and TrackDiffusion need.

        Raises:
            ModelError: one has none.
        """
        for clip, boxed in enumerate(self.given.any(dim=2).tolist()):
            for item, (label, held) in enumerate(zip(self.labels[clip], boxed, strict=True)):
                if held and not label.strip():
                    raise ModelError(
                        f"box {item + 1}{self._of_clip(clip)} has no label, and this model reads "
                        "what a box holds; give every box a label, or use a model that reads boxes "
                        "alone (boximator)"
                    )

    def _of_clip(self, clip: int) -> str:
        return f" of clip {clip + 1} of {self.batch}" if self.batch > 1 else ""


@dataclass(frozen=True, eq=False)
class _Clip:
    """One clip's part of a batch."""

    boxes: Float32[np.ndarray, "objects frames 4"]
    state: UInt8[np.ndarray, "objects frames"]
    hard: Bool[np.ndarray, "objects frames"]
    labels: tuple[str, ...]
    instance: Int64[np.ndarray, " objects"]

    @classmethod
    def of(cls, boxes: Boxes | None, frames: int, slots: int) -> "_Clip":
        count = 0 if boxes is None else boxes.count
        placed = np.zeros((slots, frames, 4), np.float32)
        state = np.zeros((slots, frames), np.uint8)
        hard = np.zeros((slots, frames), np.bool_)
        if boxes is not None:
            shares = np.clip(boxes.boxes / np.array(boxes.size * 2, np.float32), 0, 1)
            placed[:count] = np.where(boxes.specified[..., None], shares, 0)
            state[:count] = boxes.state
            hard[:count] = boxes.hard
        labels = () if boxes is None else boxes.labels
        return cls(
            placed, state, hard, (*labels, *[""] * (slots - count)), _instances(boxes, slots)
        )


def _instances(boxes: Boxes | None, slots: int) -> Int64[np.ndarray, " slots"]:
    """The first slot of the slot's group; without one, the slot itself. So below `slots`."""
    own = np.arange(slots, dtype=np.int64)
    if boxes is None or boxes.group is None or boxes.count == 0:
        return own
    first = (boxes.group[:, None] == boxes.group[None]).argmax(axis=1)
    own[: boxes.count] = np.where(boxes.group == NO_GROUP, own[: boxes.count], first)
    return own


def _check_clip(
    index: int, boxes: Boxes | None, frames: int, size: tuple[int, int], slots: int
) -> None:
    if boxes is None:
        return
    if boxes.frames != frames:
        raise ModelError(
            f"the boxes of clip {index} have {boxes.frames} frames and the clip has {frames}; "
            "resample the boxes to it"
        )
    if boxes.size != tuple(size):
        raise ModelError(
            f"the boxes of clip {index} are on a picture of {boxes.size[0]}x{boxes.size[1]} and "
            f"the clip is {size[0]}x{size[1]}; resize the boxes to it"
        )
    if boxes.count > slots:
        raise ModelError(
            f"{boxes.count} boxed objects were given in clip {index} and the model reads {slots} "
            "at most; leave some out"
        )
