"""Condition dropout: which clips are told nothing of text, picture, tracks or boxes.

What is dropped is dropped in the data, as guidance does it when it samples: no network knows of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.state import State
from kineograph.models.given import Given
from kineograph.models.key_frames import NOWHERE
from kineograph.training.stage import Dropout


@dataclass(frozen=True, eq=False)
class Dropped:
    """Which clips of a batch are told nothing of what.

    Args:
        text: read an empty text.
        picture: have no picture.
        tracks: have no tracks.
        boxes: have no boxes.
        tokens: have no picture among what gates attend to; as `picture` unless drawn apart.
    """

    text: Bool[Tensor, " batch"]
    picture: Bool[Tensor, " batch"]
    tracks: Bool[Tensor, " batch"]
    boxes: Bool[Tensor, " batch"]
    tokens: Bool[Tensor, " batch"]

    @staticmethod
    def draw(shares: Dropout, batch: int, generator: torch.Generator) -> "Dropped":
        """Each condition on its own, for each clip or for the whole batch.

        The same numbers are drawn whatever the shares are: to change one leaves the others' draws.
        """
        count = 1 if shares.per == "batch" else batch
        drawn = torch.rand(5, count, generator=generator, device=generator.device).cpu()
        apart = shares.picture_tokens
        limits = [shares.text, shares.picture, shares.tracks, shares.boxes, apart or 0.0]
        below = (drawn < torch.tensor(limits)[:, None]).expand(5, batch)
        text, picture, tracks, boxes, tokens = below
        return Dropped(text, picture, tracks, boxes, picture if apart is None else tokens)

    @staticmethod
    def nothing(batch: int) -> "Dropped":
        """Everybody is told everything."""
        none = torch.zeros(batch, dtype=torch.bool)
        return Dropped(none, none, none, none, none)

    @property
    def apart(self) -> bool:
        """Whether what gates attend to lacks the picture in other clips than the input does."""
        return not torch.equal(self.picture, self.tokens)

    def texts(self, captions: Sequence[str]) -> list[str]:
        """The captions, empty where they are dropped."""
        pairs = zip(captions, self.text.tolist(), strict=True)
        return ["" if gone else caption for caption, gone in pairs]


def without_tracks(tracks: TrackBatch, which: Bool[Tensor, " batch"]) -> TrackBatch:
    """Tracks that say nothing in some clips."""
    if not bool(which.any()):
        return tracks
    gone = which.to(tracks.device)[:, None, None]
    return replace(tracks, state=tracks.state.masked_fill(gone, int(State.UNSPECIFIED)))


def without_boxes(boxes: BoxBatch, which: Bool[Tensor, " batch"]) -> BoxBatch:
    """Boxes of which nothing is said in some clips."""
    if not bool(which.any()):
        return boxes
    gone = which.to(boxes.state.device)[:, None, None]
    return replace(boxes, state=boxes.state.masked_fill(gone, int(State.UNSPECIFIED)))


def without_picture(given: Given, which: Bool[Tensor, " batch"]) -> Given:
    """The picture, and key frames, taken from some clips."""
    if not bool(which.any()):
        return given
    held = given.picture if given.picture_latent is None else given.picture_latent
    device = "cpu" if held is None else held.device
    gone = which.to(device)
    kept = ~gone if given.picture_given is None else given.picture_given.to(device) & ~gone
    keys = given.key_frames
    if keys is not None:
        left = keys.frames.masked_fill(which.to(keys.frames.device)[:, None], NOWHERE)
        keys = replace(keys, frames=left)
    return replace(given, picture_given=kept, key_frames=keys)
