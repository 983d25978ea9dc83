"""Slots: the boxes of a batch of clips, frame by frame, in a fixed number of places."""

from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.core.errors import ModelError
from kineograph.models.given import Given


@dataclass(frozen=True, eq=False)
class Slots:
    """What is where in each frame; the same place holds the same object in all frames of a clip.

    Args:
        boxes: x0, y0, x1, y1 in 0..1 of the picture, 0 where nothing is given.
        given: which places hold an object.
        instance: which object of its clip it is, from 0.
    """

    boxes: Float[Tensor, "batch_frames objects 4"]
    given: Bool[Tensor, "batch_frames objects"]
    instance: Int[Tensor, "batch_frames objects"]

    @staticmethod
    def of(given: Given, objects: int, device: torch.device, kind: str) -> "Slots":
        """The slots of a batch of clips; all are empty where there are no boxes.

        A box that lies wholly beside the picture is not given: the models that read slots have
        never been trained on one.

        Raises:
            ModelError: a clip has more objects than there are places.
        """
        held = given.boxes
        rows = given.batch * given.frames
        if held is None:
            nobody = torch.zeros(rows, objects, dtype=torch.int64, device=device)
            return Slots(torch.zeros(rows, objects, 4, device=device), nobody > 0, nobody)
        check_count(held, objects, kind)
        known = fitted(held.in_picture.to(device), objects)
        boxes = fitted(held.boxes.to(device), objects)
        boxes = torch.where(known[..., None], boxes, torch.zeros_like(boxes))
        return Slots(
            rearrange(boxes, "b o t side -> (b t) o side"),
            rearrange(known, "b o t -> (b t) o"),
            repeat(fitted(held.instance.to(device), objects), "b o -> (b t) o", t=given.frames),
        )


def label_slots(
    given: Given, objects: int, width: int, device: torch.device, kind: str
) -> Float[Tensor, "batch_frames objects width"]:
    """The labels' embeddings in the places of `Slots`, zero in those that hold nothing.

    Raises:
        ModelError: boxes are given without labels, or the embeddings are of another width.
    """
    held = given.boxes
    if held is None or not bool(held.given.any()):
        return torch.zeros(given.batch * given.frames, objects, width, device=device)
    held.require_labels()
    labels = held.label_embedding
    if labels is None:
        raise ModelError(
            f"boxes were given without the embeddings of their labels; the {kind} adapter reads "
            "them; embed the labels with the base's text encoder first"
        )
    if labels.shape[-1] != width:
        raise ModelError(
            f"embeddings of labels {labels.shape[-1]} wide were given; the {kind} adapter reads "
            f"{width}; embed the labels with the text encoder it was trained with"
        )
    return repeat(fitted(labels.to(device), objects), "b o d -> (b t) o d", t=given.frames)


def check_count(held: BoxBatch, objects: int, kind: str) -> None:
    """Check that no clip holds more than `objects` boxed objects.

    Raises:
        ModelError: one does.
    """
    if bool(held.given[:, objects:].any()):
        last = int(held.given.any(dim=2).any(dim=0).nonzero().max())
        raise ModelError(
            f"boxes were given for {last + 1} objects; the {kind} adapter reads {objects} in a "
            "frame; leave some out, or take an adapter with more places"
        )


def fitted(held: Tensor, objects: int) -> Tensor:
    """(batch, objects, ...) cut or filled with zeros to `objects` places."""
    behind = (0, 0) * (held.ndim - 2)
    return functional.pad(held, (*behind, 0, objects - held.shape[1]))
