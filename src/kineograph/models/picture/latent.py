"""The first frame's latent, as the arms of image conditioning take it from what is given."""

import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.given import Given


def first_latent(given: Given, channels: int, like: Tensor) -> Float[Tensor, "batch channels h w"]:
    """The picture's latent; zeros for each clip that has no picture.

    Zeros are what SMCD's training put where it dropped the picture, and what a base without the
    picture reads.

    Args:
        given: the clips.
        channels: of the base's latents.
        like: a tensor of the wanted type and device.

    Raises:
        ModelError: the latent has other channels, or there is a picture but no latent of it.
    """
    held = given.picture_latent
    if held is None:
        if given.picture is not None:
            raise ModelError(
                "the picture was given without its latent; encode it with the base's autoencoder "
                "and give it as picture_latent"
            )
        return torch.zeros(given.batch, channels, *given.grid, dtype=like.dtype, device=like.device)
    if held.shape[1] != channels:
        raise ModelError(
            f"the picture's latent has {held.shape[1]} channels; the base's latents have "
            f"{channels}; encode the picture with the autoencoder of this base"
        )
    said = given.has_picture(held.device).to(torch.bool)
    return torch.where(said[:, None, None, None], held, 0.0).to(like)
