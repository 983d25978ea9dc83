"""Pictures to latents and back, a few at a time so that memory stays bounded."""

from collections.abc import Iterator
from typing import Any

import torch
from diffusers import AutoencoderTiny
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from kineograph.core.errors import ModelError

SLICE = 4
"""Pictures that go through an autoencoder at once, unless it is said otherwise."""


def stride(vae: Any) -> int:
    """Pixels along the side of a latent cell."""
    return 2 ** (len(_levels(vae.config)) - 1)


def device_of(vae: Any) -> torch.device:
    """Where it computes; under offloading its weights wait elsewhere until it is called."""
    hook = getattr(vae, "_hf_hook", None)
    waits = getattr(hook, "execution_device", None)
    return vae.device if waits is None else torch.device(waits)


def latent_channels(vae: Any) -> int:
    """Channels of a latent."""
    return int(vae.config.latent_channels)


def to_pictures(
    frames: UInt8[Tensor, "count height width 3"],
) -> Float[Tensor, "count 3 height width"]:
    """Frames of 0 to 255 as networks read them: colour first, in [-1, 1]."""
    return rearrange(frames, "n h w c -> n c h w").float() / 127.5 - 1


def to_frames(
    pictures: Float[Tensor, "count 3 height width"],
) -> UInt8[Tensor, "count height width 3"]:
    """Pictures in [-1, 1] as frames of 0 to 255; what lies beyond is clipped.

    Raises:
        ModelError: a number is not finite.
    """
    if not torch.isfinite(pictures).all():
        raise ModelError(
            f"the autoencoder made no numbers (NaN) in {_name(pictures.dtype)}; load the model in "
            "bfloat16 or float32"
        )
    scaled = (pictures.float().clamp(-1, 1) + 1) * 127.5
    return rearrange(scaled.round().to(torch.uint8), "n c h w -> n h w c").contiguous()


@torch.no_grad()
def encode(
    vae: Any,
    pictures: Float[Tensor, "count 3 height width"],
    *,
    sample: bool = False,
    generator: torch.Generator | None = None,
    slices: int = SLICE,
) -> Float[Tensor, "count channels h w"]:
    """Latents of pictures, scaled as the U-Net wants them.

    Args:
        vae: an AutoencoderKL or AutoencoderTiny of diffusers.
        pictures: in [-1, 1].
        sample: draw from the posterior, as in training, instead of taking its mean. An
            AutoencoderTiny has no posterior.
        generator: what is drawn from; the draws do not depend on `slices`.
        slices: pictures at once.

    Raises:
        ModelError: the sides are no multiples of the stride, or there is nothing to draw from.
    """
    _check_sides(pictures.shape[-1], pictures.shape[-2], stride(vae))
    if sample and isinstance(vae, AutoencoderTiny):
        raise ModelError(
            "an AutoencoderTiny has no posterior to draw from; take the mean (sample=False)"
        )
    noise = _noise(vae, pictures, generator) if sample else None
    parts = []
    for start in range(0, len(pictures), slices):
        held = vae.encode(pictures[start : start + slices].to(device_of(vae), vae.dtype))
        if hasattr(held, "latents"):
            latent = held.latents
        elif noise is None:
            latent = held.latent_dist.mean
        else:
            spread = held.latent_dist
            latent = spread.mean + spread.std * noise[start : start + slices].to(spread.std)
        parts.append(_scaled(vae, latent))
    return torch.cat(parts) if parts else _empty(vae, pictures)


@torch.no_grad()
def decode(
    vae: Any, latents: Float[Tensor, "batch channels frames h w"], *, slices: int = SLICE
) -> Iterator[UInt8[Tensor, "batch part height width 3"]]:
    """Frames of clips, a few frames of all clips at a time; what is not asked for is not made.

    Args:
        vae: an AutoencoderKL or AutoencoderTiny of diffusers.
        latents: scaled, as the U-Net leaves them.
        slices: pictures at once.

    Yields:
        Parts along time, in order, in main memory. With several clips a part may be one frame.

    Raises:
        ModelError: the autoencoder does not make numbers in its dtype.
    """
    batch = latents.shape[0]
    step = max(1, slices // max(1, batch))
    for start in range(0, latents.shape[2], step):
        part = rearrange(latents[:, :, start : start + step], "b c f h w -> (b f) c h w")
        made = [to_frames(decode_pictures(vae, few)).cpu() for few in part.split(slices)]
        yield rearrange(torch.cat(made), "(b f) h w c -> b f h w c", b=batch)


def decode_pictures(
    vae: Any, latents: Float[Tensor, "count channels h w"]
) -> Float[Tensor, "count 3 height width"]:
    """Pictures of scaled latents, about in [-1, 1], all at once; gradients pass."""
    config = vae.config
    plain = latents.to(device_of(vae), vae.dtype) / config.scaling_factor
    return vae.decode(plain + (getattr(config, "shift_factor", None) or 0)).sample


def _scaled(vae: Any, latents: Tensor) -> Tensor:
    shift = getattr(vae.config, "shift_factor", None) or 0
    return (latents - shift) * vae.config.scaling_factor


def _noise(vae: Any, pictures: Tensor, generator: torch.Generator | None) -> Tensor:
    """Noise for every picture at once, drawn where the generator is."""
    where = pictures.device if generator is None else generator.device
    return torch.randn(_shape(vae, pictures), generator=generator, device=where)


def _empty(vae: Any, pictures: Tensor) -> Tensor:
    return torch.zeros(_shape(vae, pictures), device=device_of(vae), dtype=vae.dtype)


def _shape(vae: Any, pictures: Tensor) -> tuple[int, int, int, int]:
    cell = stride(vae)
    count, _, height, width = pictures.shape
    return count, latent_channels(vae), height // cell, width // cell


def _check_sides(width: int, height: int, cell: int) -> None:
    if width % cell or height % cell:
        raise ModelError(
            f"pictures of {width}x{height} were given; their sides have to be multiples of {cell}"
        )


def _levels(config: Any) -> Any:
    """The widths of the encoder's levels, whichever way the autoencoder names them."""
    tiny = getattr(config, "encoder_block_out_channels", None)
    return config.block_out_channels if tiny is None else tiny


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
