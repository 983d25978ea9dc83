"""Clips with boxes for the tests of grounding, and the full-size base's blocks."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.core.boxes import Boxes
from kineograph.core.state import State
from kineograph.models.adapter import BaseShape
from kineograph.models.gates import BlockShape
from kineograph.models.given import Given
from tiny import TEXT_WIDTH, tiny_motion_unet, tiny_unet3d

FRAMES = 3
SIZE = (20, 12)
"""(width, height) in pixels; at a stride of 2 latents are 6 rows of 10."""

BASES: dict[str, Callable[[], nn.Module]] = {
    "animatediff": tiny_motion_unet,
    "modelscope": tiny_unet3d,
}

WIDTHS = (320, 320, 640, 640, 1280, 1280, 1280, 1280, 1280, 1280, 640, 640, 640, 320, 320, 320)
"""Widths of the 16 spatial blocks of Stable Diffusion 1.x and ModelScope."""


def full_blocks(heads: int | None = None) -> tuple[BlockShape, ...]:
    """The 16 blocks; `heads` of each, or as many as make heads of 64."""
    parts = ["down"] * 6 + ["mid"] + ["up"] * 9
    levels = [0, 0, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    shapes = zip(WIDTHS, parts, levels, strict=True)
    return tuple(
        BlockShape(width, heads or width // 64, width // (heads or width // 64), part, level)
        for width, part, level in shapes
    )


def full_base(family: str = "modelscope", text_width: int = 1024) -> BaseShape:
    """The full-size base."""
    return BaseShape(
        family=family,
        widths=(320, 640, 1280, 1280),
        text_width=text_width,
        latent_channels=4,
        blocks=WIDTHS,
    )


def two_objects(hard: bool = True, width: int = TEXT_WIDTH) -> BoxBatch:
    """Two clips: a dog that is not said in the last frame, and a cat; the other clip has a cup."""
    draw = np.random.default_rng(0)
    corners = draw.uniform(0, 5, (2, FRAMES, 2))
    placed = np.concatenate([corners, corners + draw.uniform(2, 6, (2, FRAMES, 2))], axis=-1)
    state = np.full((2, FRAMES), State.VISIBLE, np.uint8)
    state[0, -1] = State.UNSPECIFIED
    state[1, 1] = State.OCCLUDED
    first = Boxes.of(
        placed, state, size=SIZE, fps=8, labels=("dog", "cat"), hard=np.full((2, FRAMES), hard)
    )
    second = Boxes.of(placed[:1] + 3, state[1:], size=SIZE, fps=8, labels=("cup",))
    batch = BoxBatch.of([first, second], frames=FRAMES, size=SIZE, max_objects=4)
    features = torch.randn(2, 4, width, generator=torch.Generator().manual_seed(3))
    return batch.with_labels(features)


def given(boxes: BoxBatch | None, batch: int = 2) -> Given:
    """A batch of clips with boxes and nothing else."""
    return Given(batch, FRAMES, SIZE, stride=2, boxes=boxes)


def noisy() -> tuple[Tensor, Tensor, Tensor]:
    """Latents, timesteps and text features for it."""
    draw = torch.Generator().manual_seed(1)
    sample = torch.randn(2, 4, FRAMES, 6, 10, generator=draw)
    return sample, torch.tensor([3, 500]), torch.randn(2, 5, TEXT_WIDTH, generator=draw)
