"""Joint motion: a base that makes pictures also says how the first frame's content moves.

VideoJAM (Chefer et al. 2025, arXiv:2502.02492) showed that a network which says pictures and motion
together moves things better. There motion is one more picture; here it lies on the first frame's
grid (`conditioning.first_motion`), so that it says where each part of a given picture goes, and
what is asked by tracks and boxes lies where the answer does.
"""

from typing import ClassVar

import torch
from einops import rearrange
from jaxtyping import Float, Real
from torch import Tensor, nn

from kineograph.conditioning import box_motion, first_motion
from kineograph.conditioning.first_motion import CHANNELS, SEEN
from kineograph.models.adapter import Adapter, AdapterConfig
from kineograph.models.condition import Condition
from kineograph.models.given import Given
from kineograph.models.input_conv import input_conv
from kineograph.models.layered_motion import LayeredMotion
from kineograph.models.tracks.propagation import given_tracks

LEVELS = 1000
"""Timesteps of a flow from data to noise."""

LISTENERS, TIME = 8, 4
"""How many weighings of the text there are, and how much wider than its first level a base's time
embedding is."""

TRUST = {"own": 4.0, "near": 1.0, "far": -2.0, "box": 2.0}
"""How much more than a motion of its own a new head trusts the tracks of a cell, those near it,
those far from it, and the box over it; as logits."""

TRACKS, BOXES = slice(2, 2 + first_motion.HINTS), slice(2 + first_motion.HINTS, None)
"""Where in the condition the hints of tracks and boxes are, behind picture and time."""

SURE = 1e-3
"""Below this a hint is none."""


class JointMotionConfig(AdapterConfig):
    """What it takes to build a `JointMotion` again."""

    tracks: bool = True
    """Whether it is told of tracks; without, other adapters may tell the base."""
    boxes: bool = True
    """Whether it is told of boxes."""


class JointMotion(Adapter):
    """Further channels of the sample: the motion, said from the base's last features.

    For every cell and frame the head weighs what it is told (by tracks in the cell, near and far,
    and by a box over it) against a motion of its own, which grows with time from 0 in the first
    frame: that of a few layers, which move as the text says, and what each cell adds to it. The
    base predicts a flow; that of the motion leads to what is said, m, from wherever it is:
    (noisy - m) / level. So the last step's answer is the sample's, and nothing has to be read from
    the noise.
    """

    kind: ClassVar[str] = "joint-motion"
    Config: ClassVar[type[AdapterConfig]] = JointMotionConfig
    reads: ClassVar[frozenset[str]] = frozenset({"picture", "tracks", "boxes"})
    config: JointMotionConfig
    carries: ClassVar[int] = CHANNELS

    def __init__(self, config: JointMotionConfig) -> None:
        super().__init__(config)
        told = 2 + first_motion.HINTS + box_motion.HINTS
        self.conv = input_conv(config.base, told)
        self.head = nn.Conv2d(
            config.base.widths[0] + told, CHANNELS + len(TRUST), kernel_size=3, padding=1
        )
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        width, time = config.base.text_width, TIME * config.base.widths[0]
        self.norm = nn.LayerNorm(width)
        self.listens = nn.Linear(width, LISTENERS, bias=False)
        self.says = nn.Sequential(
            nn.Linear(LISTENERS * width, time), nn.SiLU(), nn.Linear(time, time)
        )
        for held in self.says[2].parameters():
            nn.init.zeros_(held)
        self.layers = LayeredMotion(config.base.widths[0] + told, LISTENERS * width)

    def condition(self, given: Given) -> Condition:
        """Whether there is a picture, how late each frame is (0 to 1), and the hints.

        Raises:
            ModelError: the tracks are of another size than the clip.
        """
        like = next(self.parameters())
        shape = (given.batch, 1, given.frames, *given.grid)
        said = given.has_picture(like.device)[:, None, None, None, None].expand(shape)
        time = torch.linspace(0, 1, given.frames, device=like.device)
        parts = [said, time[:, None, None].expand(shape), self._tracks(given), self._boxes(given)]
        return Condition(channels=torch.cat([part.to(like) for part in parts], dim=1))

    def modulation(
        self, text: Float[Tensor, "batch length width"]
    ) -> Float[Tensor, "batch time_width"]:
        """What the whole text says, added to the time embedding.

        A few listeners each weigh the tokens, so that "left" need not be found place by place
        before it can say where things go. A new one says nothing.
        """
        whole: Tensor = self.says(self.heard(text))
        return whole

    def heard(self, text: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch numbers"]:
        """What each listener makes of a text, side by side."""
        held = self.norm(text.to(self.dtype))
        heard = self.listens(held).softmax(dim=1)
        return rearrange(heard, "b l n -> b n l").matmul(held).flatten(1)

    def predicted(
        self,
        features: Float[Tensor, "batch_frames width rows columns"],
        noisy: Float[Tensor, "batch channels frames rows columns"],
        timestep: Real[Tensor, " batch"],
        condition: Condition,
        text: Float[Tensor, "batch length text_width"],
    ) -> Float[Tensor, "batch channels frames rows columns"]:
        """The flow of the motion.

        Args:
            features: the base's last, frame by frame.
            noisy: the motion as the sampler holds it.
            timestep: 0 to `LEVELS`.
            condition: as of `condition`.
            text: the text encoder's features.
        """
        assert condition.channels is not None
        level = (timestep.float() / LEVELS).clamp(1e-3, 1)[:, None, None, None, None]
        said = self.motion(features, condition.channels, self.heard(text))
        return (noisy.float() - said) / level

    def motion(
        self,
        features: Float[Tensor, "batch_frames width rows columns"],
        told: Float[Tensor, "batch channels frames rows columns"],
        heard: Float[Tensor, "batch numbers"],
    ) -> Float[Tensor, "batch 3 frames rows columns"]:
        """The motion itself, as of `conditioning.first_motion`.

        Args:
            features: the base's last, frame by frame.
            told: the condition's channels.
            heard: what the listeners make of the text.
        """
        rows = rearrange(told, "b c f h w -> (b f) c h w")
        known = torch.cat([features, rows.to(features)], dim=1)
        said = self.head(known).float()
        layered = self.layers(rearrange(known, "(b f) c h w -> b f c h w", b=len(told)), heard)
        said = rearrange(said, "(b f) c h w -> b c f h w", b=len(told))
        told = told.float()
        time, tracks, boxes = told[:, 1:2], told[:, TRACKS], told[:, BOXES]
        places, sure = _candidates(tracks, boxes)
        trust = torch.tensor(list(TRUST.values()), device=told.device)[:, None, None, None]
        logits = said[:, CHANNELS:] + trust + sure.clamp(min=1e-6).log()
        logits = torch.where(sure > SURE, logits, -1e4)
        weights = torch.cat([logits, torch.zeros_like(time)], dim=1).softmax(dim=1)
        moves = torch.cat([places, (time * (said[:, :2] + layered.moved))[:, None]], dim=1)
        gone = (moves * weights[:, :, None]).sum(dim=1)
        shown = tracks[:, 2:3] / tracks[:, 3:4].clamp(min=SURE)
        seen = SEEN + time * said[:, 2:3] + weights[:, :1] * (shown - SEEN)
        return torch.cat([gone, seen], dim=1)

    def _tracks(self, given: Given) -> Tensor:
        device = next(self.parameters()).device
        if not self.config.tracks or given.tracks is None:
            shape = (given.batch, first_motion.HINTS, given.frames, *given.grid)
            return torch.zeros(shape, device=device)
        return first_motion.hints(given_tracks(given, device), given.stride)

    def _boxes(self, given: Given) -> Tensor:
        device = next(self.parameters()).device
        if not self.config.boxes or given.boxes is None or not given.boxes.count:
            shape = (given.batch, box_motion.HINTS, given.frames, *given.grid)
            return torch.zeros(shape, device=device)
        return box_motion.box_hints(given.boxes.to(device), given.grid, given.size)


def _candidates(
    tracks: Float[Tensor, "batch hints frames rows columns"],
    boxes: Float[Tensor, "batch box_hints frames rows columns"],
) -> tuple[
    Float[Tensor, "batch 4 2 frames rows columns"], Float[Tensor, "batch 4 frames rows columns"]
]:
    """Where each cell would be if it went with each of `TRUST`, and how sure that is, 0 to 1."""
    held = [
        (tracks[:, :2], tracks[:, 3:4]),
        (tracks[:, 4:6], tracks[:, 6:7]),
        (tracks[:, 7:9], tracks[:, 9:10]),
        (boxes[:, :2], boxes[:, 3:4]),
    ]
    places = torch.stack([place / sure.clamp(min=SURE) for place, sure in held], dim=1)
    return places, torch.cat([sure for _, sure in held], dim=1)
