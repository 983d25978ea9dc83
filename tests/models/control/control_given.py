"""What the tests of ControlNets share: tiny bases, clips with tracks, and shaken weights."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.tracks import Tracks
from kineograph.models.given import Given
from tiny import STRIDE, TEXT_WIDTH, tiny_motion_unet, tiny_unet3d

BASES: dict[str, Callable[[], nn.Module]] = {
    "animatediff v1": tiny_motion_unet,
    "animatediff v2": lambda: tiny_motion_unet(mid=True),
    "modelscope": tiny_unet3d,
}

CELLS = (9, 7)
"""(width, height) of the latents: odd both ways."""
FRAMES = 5


def tracks(count: int = 6, seed: int = 0, state: int = 1, strength: float = 1.0) -> Tracks:
    """`count` tracks strewn over the clip."""
    size = (CELLS[0] * STRIDE, CELLS[1] * STRIDE)
    points = np.random.default_rng(seed).uniform(0, size, (count, FRAMES, 2)).astype(np.float32)
    states = np.full((count, FRAMES), state, np.uint8)
    each = np.full(count, strength, np.float32)
    return Tracks.of(points, state=states, size=size, fps=8.0, strength=each)


def given(*clips: Tracks | None, seed: int = 0) -> Given:
    """Clips with these tracks; the identities are drawn by `seed`."""
    size = (CELLS[0] * STRIDE, CELLS[1] * STRIDE)
    return Given(
        batch=len(clips),
        frames=FRAMES,
        size=size,
        stride=STRIDE,
        tracks=TrackBatch.of(clips, frames=FRAMES, size=size),
        generator=torch.Generator().manual_seed(seed),
    )


def step(batch: int = 2, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, timesteps and text of a batch."""
    drawn = torch.Generator().manual_seed(seed)
    sample = torch.randn(batch, 4, FRAMES, CELLS[1], CELLS[0], generator=drawn)
    text = torch.randn(batch, 6, TEXT_WIDTH, generator=drawn)
    return sample, torch.tensor([3, 900])[:batch], text


def awaken(network: nn.Module, seed: int = 0) -> None:
    """Shake every weight, so that zero convolutions are silent no more."""
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=drawn))
