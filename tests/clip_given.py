"""What the tests of adapters give them: random pictures and tracks for the tiny bases."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.tracks import Tracks
from kineograph.models.adapter import Adapter
from kineograph.models.denoiser import Denoiser
from kineograph.models.given import Given
from tiny import LATENT_CHANNELS, TEXT_WIDTH, tiny_motion_unet, tiny_unet3d

BASES = {"animatediff": tiny_motion_unet, "modelscope": tiny_unet3d}
BATCH, FRAMES, SIZE, STRIDE = 2, 3, (16, 12), 2

both_bases = pytest.mark.parametrize("family", sorted(BASES))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def random_tracks(count: int = 5, seed: int = 0) -> Tracks:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 12, (count, FRAMES, 2)).astype(np.float32)
    return Tracks.of(points, size=SIZE, fps=8.0)


def clips(**said: Any) -> Given:
    """Two clips with pictures and tracks; 8x6 latent cells."""
    width, height = SIZE[0] // STRIDE, SIZE[1] // STRIDE
    tracks = TrackBatch.of([random_tracks(), random_tracks(3, 1)], frames=FRAMES, size=SIZE)
    held: dict[str, Any] = {
        "frames": FRAMES,
        "picture": noise(BATCH, 3, SIZE[1], SIZE[0], seed=1).clamp(-1, 1),
        "picture_latent": noise(BATCH, LATENT_CHANNELS, height, width, seed=2),
        "picture_tokens": noise(BATCH, 17, TEXT_WIDTH, seed=3),
        "tracks": tracks,
        "generator": torch.Generator().manual_seed(4),
    }
    return Given(batch=BATCH, size=SIZE, stride=STRIDE, **held | said)


def sample() -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, timesteps and text features."""
    latents = noise(BATCH, LATENT_CHANNELS, FRAMES, SIZE[1] // STRIDE, SIZE[0] // STRIDE, seed=5)
    return latents, torch.tensor([3, 700]), noise(BATCH, 7, TEXT_WIDTH, seed=6)


@torch.no_grad()
def prediction(unet: nn.Module, adapters: dict[str, Adapter], given: Given, **said: Any) -> Tensor:
    """What a base with adapters makes of `sample()`; it is left without them."""
    denoiser = Denoiser(unet, adapters)
    conditions = {name: adapter.condition(given) for name, adapter in adapters.items()}
    made = denoiser(*sample(), conditions, **said)
    denoiser.release()
    return made


@torch.no_grad()
def shaken(adapter: Adapter, seed: int = 7) -> Adapter:
    """The adapter with random weights everywhere, as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in adapter.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return adapter
