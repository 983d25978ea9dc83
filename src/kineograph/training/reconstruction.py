"""How an autoencoder is trained: pictures come back, and latents stay in bounds."""

from typing import Any

import torch
from diffusers import AutoencoderTiny
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kineograph.training.objective import Loss

DIVERGENCE = 1e-6
"""Weight of the latents' divergence from a standard normal, as in Rombach et al. 2022
(arXiv:2112.10752, appendix G)."""

BOUND = 2.0
"""How far from 0 latents of an AutoencoderTiny may lie; its decoder bends them into -3 to 3."""


def reconstruction(
    vae: Any,
    video: Float[Tensor, "batch 3 frames height width"],
    generator: torch.Generator,
    divergence: float | int = DIVERGENCE,
) -> Loss:
    """The mean absolute error of frames that went through the autoencoder, and a little more.

    The divergence is summed over a picture's latent and shared out over its pixels' values, as the
    error is. An AutoencoderTiny has no posterior; of its latents the square of what lies beyond
    `BOUND` counts, where its decoder flattens and nothing else would hold them back.

    Args:
        vae: an AutoencoderKL or AutoencoderTiny of diffusers, which gets gradients.
        video: in [-1, 1].
        generator: draws from the posterior.
        divergence: its weight.
    """
    pictures = rearrange(video, "b c t h w -> (b t) c h w")
    if isinstance(vae, AutoencoderTiny):
        latents = vae.encode(pictures).latents
        error = _error(vae.decode(latents).sample, pictures)
        beyond = (latents.float().abs() - BOUND).clamp(min=0).square().mean()
        return Loss(error + beyond, {"error": error, "beyond": beyond})
    posterior = vae.encode(pictures).latent_dist
    drawn = torch.randn(posterior.mean.shape, generator=generator, device=generator.device)
    latents = posterior.mean + posterior.std * drawn.to(posterior.mean)
    error = _error(vae.decode(latents).sample, pictures)
    apart = posterior.kl().float().sum() / pictures.numel()
    return Loss(error + divergence * apart, {"error": error, "divergence": apart})


def _error(made: Tensor, pictures: Tensor) -> Tensor:
    return (made.float() - pictures.float()).abs().mean()
